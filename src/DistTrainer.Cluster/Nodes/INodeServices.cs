using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Nodes;

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
