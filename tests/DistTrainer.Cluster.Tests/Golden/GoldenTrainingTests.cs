using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Golden;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Golden;

/// <summary>Whole training runs, actors and all, against PyTorch's from the same initial parameters.</summary>
public class GoldenTrainingTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Names => [.. GoldenCases.Trainings.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Parameters_after_50_steps_are_those_of_pytorch(string name)
    {
        TrainingCase golden = GoldenCases.Trainings.Single(c => c.Name == name);
        TrainingResult result = await LocalTrainer.RunAsync(
            golden.Job, GoldenCases.Parts(golden.Model), new RunOptions { Workers = 2, ParameterShards = 2 },
            GoldenCases.InitialParameters(golden.Model), new Deaf(), CancellationToken.None);

        Assert.Equal(50, result.Steps);
        Assert.Equal(EndReason.Completed, result.Reason);
        // The expected parameters are a float64 run's. Less PyTorch's own error: so close to its float32 result, too.
        Closeness.AssertClose(golden.ExpectedParameters, result.Parameters, Tolerance - golden.TorchFloat32Error);
    }

    private sealed class Deaf : ITrainingObserver
    {
        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }
    }
}
