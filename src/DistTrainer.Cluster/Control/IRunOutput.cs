using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Control;

/// <summary>A run that goes on in its folder: after <c>resume</c>, or under another coordinator.</summary>
/// <param name="Folder">The run folder.</param>
/// <param name="Step">The last step that is in; what the folder says of later ones is dropped.</param>
/// <param name="TakesOver">Whether the folder is taken from a coordinator that is gone, or is cut off and must not
/// write to it any more.</param>
public sealed record RunContinuation(string Folder, long Step, bool TakesOver);

/// <summary>Where a run's results go; disposed at the end, whatever it was.</summary>
public interface IRunOutput : ITrainingObserver, IDisposable
{
    /// <summary>The run folder, as this node names it; null where nothing is written to a disk.</summary>
    string? Folder => null;

    /// <summary>
    /// Requires that the folder is there and still this run's, so that a checkpoint may be written into it. Where that
    /// cannot be told it waits, for seconds.
    /// </summary>
    /// <exception cref="DistTrainerException">Another coordinator has taken it over (<see cref="FailureKind.Quorum"/>),
    /// or it stays away (<see cref="FailureKind.Disk"/>).</exception>
    void RequireFolder()
    {
    }

    /// <summary>The run has ended: writes everything.</summary>
    void Complete(TrainingResult result);
}
