using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
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

    /// <summary>
    /// Makes what a run trains; by default the network that its job describes. It may be another engine's: then on all
    /// nodes, which compare <see cref="IModel.Identity"/>.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="schema">The data's features and outputs.</param>
    /// <exception cref="DistTrainerException">
    /// The job does not fit the data (<see cref="FailureKind.Configuration"/>).
    /// </exception>
    IModel CreateModel(JobDescription job, DataSchema schema) => JobNetwork.Create(job.Model, schema);

    /// <summary>Reads parameters to start from.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">The model's tensors.</param>
    /// <exception cref="DistTrainerException">The file cannot be read, or does not fit the model.</exception>
    float[] LoadInitial(string path, ParameterLayout layout);

    /// <summary>Makes a place for a run's results, on the coordinator's node.</summary>
    /// <param name="run">The run.</param>
    /// <param name="job">Its job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="layout">Its model's tensors.</param>
    /// <param name="from">Where an earlier part of the run has left off; null begins anew.</param>
    /// <exception cref="DistTrainerException">It cannot be written (<see cref="FailureKind.Disk"/>), or belongs to
    /// another run (<see cref="FailureKind.Configuration"/>).</exception>
    IRunOutput Open(
        RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from);
}
