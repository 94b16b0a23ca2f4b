using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

/// <summary>What all actors of one process share: read-only but for the parameters, of which each parameter shard writes its own range.</summary>
public sealed class TrainingSetup : IDisposable
{
    /// <summary>Builds the network and lays out its parameters.</summary>
    /// <param name="job">What to train.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">How to run.</param>
    /// <param name="initialParameters">Parameters to start from; null initializes by the job's seed.</param>
    /// <exception cref="DistTrainerException">The job does not fit the data, or the parameters do not fit the network.</exception>
    public TrainingSetup(JobDescription job, DataParts data, RunOptions options, float[]? initialParameters)
    {
        (Job, Data, Options) = (job, data, options);
        Network = Network.Create(job.Model, data.Train.FeatureCount, data.Schema.Outputs);
        float[] initial = initialParameters ?? Network.InitialParameters(job.Training.Seed);
        if (initial.Length != Network.Layout.Length)
            throw new DistTrainerException(FailureKind.ModelFile, $"The initial parameters are {initial.Length} numbers, but the job's network has {Network.Layout.Length}; start from a model of the same layers.");
        Blocks = new ParameterBlocks(Network.Layout);
        Ranges = ParameterShardMap.Cut(Blocks, options.ParameterShards);
        Parameters = new AlignedBuffer(Network.Layout.Length);
        initial.CopyTo(Parameters.Span);
        TrainingDescription training = job.Training;
        StepsPerEpoch = new EpochSampler(data.Train.Count, training.BatchSize, training.Seed, training.Shuffle).StepsPerEpoch;
        long all = (long)StepsPerEpoch * training.Epochs;
        TotalSteps = training.MaxSteps > 0 ? Math.Min(all, training.MaxSteps) : all;
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

    /// <summary>All parameters, flat.</summary>
    public AlignedBuffer Parameters { get; }

    /// <summary>Steps of one epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>The samples of a part.</summary>
    public DataSet PartOf(DataPart part) => part == DataPart.Validation ? Data.Validation : Data.Test;

    /// <summary>Epoch of a step, both counted from 1.</summary>
    public int EpochOf(long step) => EpochSampler.EpochOf(step, StepsPerEpoch);

    /// <summary>Gives the parameters' memory back.</summary>
    public void Dispose() => Parameters.Dispose();
}
