using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

/// <summary>What all actors of a run on one node share: read-only but for the parameters, of which each parameter shard writes its own range.</summary>
internal sealed class TrainingSetup : IDisposable
{
    private readonly bool _sharesMemory;

    /// <summary>Builds the network and lays out its parameters, those of step 0.</summary>
    /// <param name="job">What to train.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">How to run.</param>
    /// <param name="initialParameters">Parameters to start from; null initializes by the job's seed.</param>
    /// <param name="links">How other nodes' actors are reached; null: there are none, all is in this process.</param>
    /// <param name="sharesMemory">Whether other processes of this machine may map gradients and parameters.</param>
    /// <exception cref="DistTrainerException">The job does not fit the data, or the parameters do not fit the network.</exception>
    public TrainingSetup(JobDescription job, DataParts data, RunOptions options, float[]? initialParameters, Func<TrainingSetup, ILinks>? links = null, bool sharesMemory = false)
    {
        _sharesMemory = sharesMemory;
        (Job, Data, Options) = (job, data, options);
        Network = Network.Create(job.Model, data.Train.FeatureCount, data.Schema.Outputs);
        float[] initial = initialParameters ?? Network.InitialParameters(job.Training.Seed);
        if (initial.Length != Network.Layout.Length)
            throw new DistTrainerException(FailureKind.ModelFile, $"The initial parameters are {initial.Length} numbers, but the job's network has {Network.Layout.Length}; start from a model of the same layers.");
        Blocks = new ParameterBlocks(Network.Layout);
        Ranges = ParameterShardMap.Cut(Blocks, options.ParameterShards);
        Parameters = links is null ? new ParameterBuffers(CreateVector()) : new ParameterBuffers(CreateVector(), CreateVector());
        initial.CopyTo(Parameters[0].Span);
        TrainingDescription training = job.Training;
        StepsPerEpoch = new EpochSampler(data.Train.Count, training.BatchSize, training.Seed, training.Shuffle).StepsPerEpoch;
        long all = (long)StepsPerEpoch * training.Epochs;
        TotalSteps = training.MaxSteps > 0 ? Math.Min(all, training.MaxSteps) : all;
        Links = links?.Invoke(this) ?? new LocalLinks();
    }

    /// <summary>What to train.</summary>
    public JobDescription Job { get; }

    /// <summary>The samples.</summary>
    public DataParts Data { get; }

    /// <summary>How to run.</summary>
    public RunOptions Options { get; }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>The flat parameter vector in blocks.</summary>
    public ParameterBlocks Blocks { get; }

    /// <summary>The parameter shards' ranges.</summary>
    public IReadOnlyList<ParameterShardRange> Ranges { get; }

    /// <summary>All parameters, flat, by step.</summary>
    public ParameterBuffers Parameters { get; }

    /// <summary>How actors reach those that take or send tensors.</summary>
    public ILinks Links { get; }

    /// <summary>Steps of one epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>The samples of a part.</summary>
    public DataSet PartOf(DataPart part) => part == DataPart.Validation ? Data.Validation : Data.Test;

    /// <summary>Epoch of a step, both counted from 1.</summary>
    public int EpochOf(long step) => EpochSampler.EpochOf(step, StepsPerEpoch);

    /// <summary>Reserves a flat vector of the network's length, all zero, which the links may hand to other processes.</summary>
    public AlignedBuffer CreateVector() => _sharesMemory ? AlignedBuffer.CreateShared(Network.Layout.Length) : new AlignedBuffer(Network.Layout.Length);

    /// <summary>
    /// Closes the links. Parameters that connections send from or receive into are freed with the last of them; those of a
    /// single process at once.
    /// </summary>
    public void Dispose()
    {
        Links.Dispose();
        if (!Parameters.AreTwo)
            Parameters.Dispose();
    }
}
