using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// What all actors of a run on one node share: read-only but for the parameters, of which each parameter shard writes
/// its own range.
/// </summary>
internal sealed class TrainingSetup : IDisposable
{
    private readonly bool _sharesMemory;
    private readonly float[]? _initial;

    /// <summary>Builds the model and lays out its parameters, those of step 0.</summary>
    /// <param name="job">What to train.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">How to run.</param>
    /// <param name="initialParameters">Parameters to start from; null initializes by the job's seed.</param>
    /// <param name="links">How other nodes' actors are reached; null: there are none, all is in this process.</param>
    /// <param name="sharesMemory">Whether other processes of this machine may map gradients and parameters.</param>
    /// <param name="model">What is trained; null takes the network that the job describes.</param>
    /// <exception cref="DistTrainerException">
    /// Job or model does not fit the data, or the parameters do not fit the model.
    /// </exception>
    public TrainingSetup(
        JobDescription job, DataParts data, RunOptions options, float[]? initialParameters,
        Func<TrainingSetup, ILinks>? links = null, bool sharesMemory = false, IModel? model = null)
    {
        _sharesMemory = sharesMemory;
        (Job, Data, Options) = (job, data, options);
        Model = model ?? Network.Create(
            job.Model, data.Train.FeatureCount, data.Schema.Outputs, data.Schema.Embedded);
        if ((Model.Inputs, Model.Outputs) != (data.Train.FeatureCount, data.Schema.Outputs))
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"The model takes {Model.Inputs} features and gives {Model.Outputs} outputs, but the data have "
                + $"{data.Train.FeatureCount} and {data.Schema.Outputs}; make the model for these data.");
        }
        // what is wrong with it is said here, before there are actors
        Optimizer optimizer = Optimizer.Create(job.Optimizer);
        _initial = initialParameters;
        if (_initial is not null && _initial.Length != Layout.Length)
            throw new DistTrainerException(
                FailureKind.ModelFile,
                $"The initial parameters are {_initial.Length} numbers, but the job's network has {Layout.Length}; "
                + "start from a model of the same layers.");
        Blocks = new ParameterBlocks(Layout, optimizer.BlockRule is { NeedsWholeTensors: true });
        Ranges = ParameterShardMap.Cut(Blocks, options.ParameterShards);
        // Backup workers: a slow one may still read the parameters of a step while the next ones are made.
        TrainingDescription training = job.Training;
        StepsPerEpoch = EpochSampler.StepsOf(data.Train.Count, training.BatchSize);
        long all = (long)StepsPerEpoch * training.Epochs;
        TotalSteps = training.MaxSteps > 0 ? Math.Min(all, training.MaxSteps) : all;
        Exchange = Exchange.Of(job, Layout.Length, StepsPerEpoch, TotalSteps);
        int versions = links is null && !options.BackupWorkers ? 1 : Ends.Versions;
        Parameters = new ParameterBuffers(
            Exchange, [.. Enumerable.Range(0, versions).Select(_ => CreateVector())]);
        if (options.ResumeFrom is null)
            InitialParameters().CopyTo(Parameters.Of(0));
        Links = links?.Invoke(this) ?? new LocalLinks();
        NodeGradients = new NodeGradients(this);
    }

    /// <summary>What to train.</summary>
    public JobDescription Job { get; }

    /// <summary>The samples.</summary>
    public DataParts Data { get; }

    /// <summary>How to run.</summary>
    public RunOptions Options { get; }

    /// <summary>What is trained.</summary>
    public IModel Model { get; }

    /// <summary>Which of its tensors lies where.</summary>
    public ParameterLayout Layout => Model.Layout;

    /// <summary>
    /// What must be the same on all nodes of the run, beside what they compare when they join the cluster: hash of the
    /// data and, where it has one, identity of the model.
    /// </summary>
    public string Common => $"{Data.Hash} {Model.Identity}".TrimEnd();

    /// <summary>The flat parameter vector in blocks.</summary>
    public ParameterBlocks Blocks { get; }

    /// <summary>The parameter shards' ranges.</summary>
    public IReadOnlyList<ParameterShardRange> Ranges { get; }

    /// <summary>What workers and parameter shards hand each other, and after which steps.</summary>
    public Exchange Exchange { get; }

    /// <summary>All parameters, flat, by step.</summary>
    public ParameterBuffers Parameters { get; }

    /// <summary>What the node's workers send together.</summary>
    public NodeGradients NodeGradients { get; }

    /// <summary>How actors reach those that take or send tensors.</summary>
    public ILinks Links { get; }

    /// <summary>Where work runs that blocks or takes long.</summary>
    public IBackground Background { get; init; } = new ThreadBackground();

    /// <summary>Measures how long a worker computes; a simulation has a time of its own.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Steps of one epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>The parameters that the run started with, where it did not go on from a checkpoint.</summary>
    public float[] InitialParameters() => _initial ?? Model.InitialParameters(Job.Training.Seed);

    /// <summary>Where the run begins: at the checkpoint to resume from, or before the first step.</summary>
    /// <exception cref="DistTrainerException">The checkpoint cannot be used.</exception>
    public RunState StartState()
    {
        if (Options.ResumeFrom is not { } folder)
            return RunState.Start;
        using CheckpointReader reader = OpenCheckpoint(folder);
        return RunState.Of(reader.Manifest);
    }

    /// <summary>Opens a checkpoint to go on from.</summary>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="DistTrainerException">It is damaged, of another model or optimizer
    /// (<see cref="FailureKind.ModelFile"/>), or of other data (<see cref="FailureKind.Data"/>).</exception>
    public CheckpointReader OpenCheckpoint(string folder)
    {
        CheckpointReader reader = CheckpointReader.Open(folder);
        try
        {
            reader.RequireFit(Layout, Job);
            reader.RequireData(Data.Hash);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The samples of a part.</summary>
    public ISampleSource PartOf(DataPart part) => part == DataPart.Validation ? Data.Validation : Data.Test;

    /// <summary>Epoch of a step, both counted from 1.</summary>
    public int EpochOf(long step) => EpochSampler.EpochOf(step, StepsPerEpoch);

    /// <summary>Whether a step is reported.</summary>
    /// <param name="step">After which parameters are handed out.</param>
    public bool IsReported(long step) => Exchange.Ends.Passes(step, Options.ReportEvery);

    /// <summary>Whether a step's histograms are made; see <see cref="RunSettings.HistogramsEvery"/>.</summary>
    /// <param name="step">After which parameters are handed out.</param>
    public bool WantsHistograms(long step)
    {
        int every = Options.HistogramsEvery > 0 ? Options.HistogramsEvery : StepsPerEpoch;
        return Options.TensorBoard && (step == TotalSteps || Exchange.Ends.Passes(step, every));
    }

    /// <summary>
    /// A vector as long as the <see cref="Exchange"/>, all zero, which the links may hand to other processes.
    /// </summary>
    public AlignedBuffer CreateVector() =>
        _sharesMemory ? AlignedBuffer.CreateShared(Exchange.Length) : new AlignedBuffer(Exchange.Length);

    /// <summary>Why a node cannot take part whose <see cref="Common"/> is not the run's.</summary>
    /// <param name="runs">The run's.</param>
    /// <param name="nodes">The node's.</param>
    public static (FailureKind Kind, string Reason) Difference(string runs, string nodes)
    {
        (string hash, string model) = Parts(nodes);
        (string runsHash, string runsModel) = Parts(runs);
        return hash != runsHash
            ? (FailureKind.Data, $"its data differ: hash {hash}, the run's {runsHash}; give every node the same files")
            : (FailureKind.Configuration,
                $"its model is computed by {model}, the run's by {runsModel}; give every node the same engine");

        static (string Hash, string Model) Parts(string common) =>
            common.Split(' ', 2) is [var hash, var model] ? (hash, model) : (common, "the built-in network");
    }

    /// <summary>
    /// Closes the links. Parameters that connections send from or receive into are freed with the last of them; those
    /// of a single process at once.
    /// </summary>
    public void Dispose()
    {
        Links.Dispose();
        if (Links is LocalLinks)
            Parameters.Dispose();
    }
}
