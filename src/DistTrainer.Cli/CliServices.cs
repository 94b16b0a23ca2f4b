using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli;

/// <summary>Trains a job; see <see cref="LocalTrainer"/>.</summary>
internal delegate Task<TrainingResult> TrainRun(
    JobDescription job, DataParts data, RunOptions options, float[]? initialParameters, ITrainingObserver observer,
        CancellationToken stop);

/// <summary>What the commands use; tests put others in place.</summary>
internal sealed record CliServices
{
    /// <summary>Trains.</summary>
    public TrainRun Train { get; init; } = LocalTrainer.RunAsync;

    /// <summary>Reads data.</summary>
    public IDataAccess Data { get; init; } = new DataAccess();
}
