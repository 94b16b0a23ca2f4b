using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Tests;

/// <summary>One command in this process.</summary>
internal sealed record CliRun(int Code, string Output, string Error)
{
    public static Task<CliRun> Of(params string[] args) =>
        Of(new CliServices { Data = new FakeData(), Train = FakeTrainer }, args);

    public static async Task<CliRun> Of(CliServices services, string[] args, StopSignals? signals = null)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using StopSignals own = new();
        int code = await CliApp.RunAsync(
            args, new CliConsole(TextWriter.Synchronized(output), TextWriter.Synchronized(error)),
            services, signals ?? own);
        return new CliRun(code, output.ToString().ReplaceLineEndings("\n"), error.ToString().ReplaceLineEndings("\n"));
    }

    /// <summary>Reports two epochs and gives the initial parameters back; stopped if asked.</summary>
    public static Task<TrainingResult> FakeTrainer(
        JobDescription job, DataParts data, RunOptions options, float[]? initialParameters, ITrainingObserver observer,
            CancellationToken stop)
    {
        Network network = Network.Create(job.Model, data.Train.FeatureCount, data.Schema.Outputs);
        float[] parameters = initialParameters ?? network.InitialParameters(job.Training.Seed);
        string hash = ParameterHash.Compute(parameters);
        double? accuracy = data.Schema.Task == TaskKind.Regression ? null : 0.75;
        observer.OnStarted(2, 4);
        for (int epoch = 1; epoch <= 2; epoch++)
        {
            observer.OnStep(
                new StepReport((epoch * 2) - 1, epoch, 2, 4, 1.5 / epoch, accuracy, 1e-3, 0.5, 1234.5, default));
            observer.OnEpoch(
                new EpochReport(
                    epoch, epoch * 2, 1.25 / epoch, accuracy, 1.125 / epoch, accuracy, 1e-3, 1234.5, 0.1, hash));
        }

        using var evaluator = new Evaluator(network, data.Train.TargetWidth);
        return Task.FromResult(new TrainingResult
        {
            Reason = stop.IsCancellationRequested ? EndReason.Stopped : EndReason.Completed,
            Parameters = parameters,
            ParameterHash = hash,
            Epochs = 2,
            Steps = 4,
            TrainLoss = 0.625,
            Validation = evaluator.Evaluate(data.Validation, parameters),
            Test = evaluator.Evaluate(data.Test, parameters),
            SamplesPerSecond = 1234.5,
        });
    }
}
