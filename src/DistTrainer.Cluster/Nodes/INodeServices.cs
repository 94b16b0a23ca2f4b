using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>What a node needs from the program that it runs in.</summary>
public interface INodeServices
{
    /// <summary>The node is about to join: how to ask its cluster and tell it.</summary>
    void OnControl(IRunControl control)
    {
    }

    /// <summary>The node's plug-ins, as nodes compare them when one joins: they must be the same on all.</summary>
    string Plugins => PluginRegistry.Shared.Identity;

    /// <summary>Reads a job's data as this node sees them.</summary>
    /// <exception cref="DistTrainerException">They cannot be read (<see cref="FailureKind.Data"/>).</exception>
    DataParts Load(JobDescription job);

    /// <summary>Reads parameters to start from.</summary>
    /// <exception cref="DistTrainerException">The file cannot be read, or does not fit the network.</exception>
    float[] LoadInitial(string path, Network network);

    /// <summary>Makes a place for a run's results, on the coordinator's node.</summary>
    /// <param name="run">The run.</param>
    /// <param name="job">Its job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="network">Its network.</param>
    /// <param name="from">Where an earlier part of the run has left off; null begins anew.</param>
    /// <exception cref="DistTrainerException">It cannot be written (<see cref="FailureKind.Disk"/>), or belongs to another run (<see cref="FailureKind.Configuration"/>).</exception>
    IRunOutput Open(RunDescription run, JobFile job, DataParts data, Network network, RunContinuation? from);
}

/// <summary>A run that goes on in its folder: after <c>resume</c>, or under another coordinator.</summary>
/// <param name="Folder">The run folder.</param>
/// <param name="Step">The last step that is in; what the folder says of later ones is dropped.</param>
/// <param name="TakesOver">Whether the folder is taken from a coordinator that is gone, or is cut off and must not write to it any more.</param>
public sealed record RunContinuation(string Folder, long Step, bool TakesOver);

/// <summary>Where a run's results go; disposed at the end, whatever it was.</summary>
public interface IRunOutput : ITrainingObserver, IDisposable
{
    /// <summary>The run folder, as this node names it; null where nothing is written to a disk.</summary>
    string? Folder => null;

    /// <summary>Requires that the folder is there and still this run's, so that a checkpoint may be written into it. Where that cannot be told it waits, for seconds.</summary>
    /// <exception cref="DistTrainerException">Another coordinator has taken it over (<see cref="FailureKind.Quorum"/>), or it stays away (<see cref="FailureKind.Disk"/>).</exception>
    void RequireFolder()
    {
    }

    /// <summary>The run has ended: writes everything.</summary>
    void Complete(TrainingResult result);
}
