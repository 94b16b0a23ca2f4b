using DistTrainer.Cli.Runs;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli;

/// <summary>
/// What a node needs: data as the commands read them, run folders. How the run goes is in the actors' log.
/// </summary>
/// <param name="console">Where final figures go.</param>
/// <param name="data">Reads data.</param>
/// <param name="runs">The folder of run folders.</param>
/// <param name="watch">Hears what the dashboard shows; null: there is none.</param>
internal sealed class NodeServices(CliConsole console, IDataAccess data, string runs, RunWatch? watch = null)
    : INodeServices
{
    /// <summary>How the cluster is asked and told; null before the node is about to join.</summary>
    public IRunControl? Control { get; private set; }

    /// <inheritdoc/>
    public void OnControl(IRunControl control) => Control = control;

    /// <inheritdoc/>
    public DataParts Load(JobDescription job)
    {
        SourceFiles.RefusePipes(job.Data);
        return JobData.Load(data, job);
    }

    /// <inheritdoc/>
    public float[] LoadInitial(string path, ParameterLayout layout) =>
        ModelFile.LoadParameters(RunFolder.ModelOf(path), layout);

    /// <inheritdoc/>
    public IRunOutput Open(
        RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from) =>
        new RunOutput(console, progress: null, job, data, layout, run.Name, runs, from, watch);
}
