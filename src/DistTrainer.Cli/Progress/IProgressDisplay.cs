using DistTrainer.Cluster.Control;

namespace DistTrainer.Cli.Progress;

/// <summary>Shows how training goes.</summary>
internal interface IProgressDisplay : ITrainingObserver
{
    /// <summary>Runs the training while the display is up.</summary>
    Task RunAsync(Func<Task> training);

    /// <summary>Writes an actor's log line without breaking the display.</summary>
    void Log(string line);
}
