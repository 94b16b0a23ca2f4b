using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>Trains in this process: one actor system without sockets, the same actors as on a cluster.</summary>
public static class LocalTrainer
{
    /// <summary>Runs a job to its end.</summary>
    /// <param name="job">What to train; validated.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">Workers, parameter shards, threads.</param>
    /// <param name="initialParameters">The flat parameters to start from; null initializes by the job's seed.</param>
    /// <param name="observer">Hears of steps and epochs.</param>
    /// <param name="stop">When cancelled, the open step is finished and the result of that point is returned (<see cref="EndReason.Stopped"/>).</param>
    /// <exception cref="DistTrainerException">The run cannot start or go on; <see cref="DistTrainerException.Kind"/> says why.</exception>
    public static Task<TrainingResult> RunAsync(
        JobDescription job, DataParts data, RunOptions options, float[]? initialParameters, ITrainingObserver observer,
        CancellationToken stop) => throw new InvalidOperationException("The actors are written in parallel.");
}
