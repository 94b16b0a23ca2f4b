using DistTrainer.Engine;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Compression;

namespace DistTrainer.ParameterServer.Consistency;

/// <summary>
/// What workers and parameter shards hand each other, and when: the flat parameter vector, or a gradient as long; and
/// in local mode behind it the optimizer's slots that are averaged, those of a parameter shard in one stretch.
/// </summary>
/// <param name="Ends">When.</param>
/// <param name="Parameters">Floats of the flat parameter vector, ≥ 1.</param>
/// <param name="Slots">Slots that come along, ≥ 0; none in bulk mode.</param>
internal sealed record Exchange(IConsistency Ends, int Parameters, int Slots)
{
    /// <summary>Rounds what is handed in and out; null: nothing does.</summary>
    public IGradientCodec? Codec { get; init; }

    /// <summary>Data shards of a group whose gradient sum is rounded; 0 where nothing is.</summary>
    public int RoundedDataShards { get; init; }

    /// <summary>In bulk mode, of a model of any length.</summary>
    public static Exchange Bulk(int parameters) => new(BulkSynchronous.Instance, parameters, 0);

    /// <summary>A job's.</summary>
    /// <param name="job">The job.</param>
    /// <param name="parameters">Floats of the flat parameter vector.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <exception cref="DistTrainerException">Settings do not fit each other
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static Exchange Of(JobDescription job, int parameters, int stepsPerEpoch, long totalSteps)
    {
        TrainingDescription training = job.Training;
        if (training.Problem() is { } problem)
            throw new DistTrainerException(FailureKind.Configuration, $"training.{problem.Key} {problem.What}.");
        bool sendsSlots = training.Consistency is { Mode: ConsistencyMode.Local, InnerState: InnerState.Average };
        return new Exchange(
            Consistency.Ends.Of(training, stepsPerEpoch, totalSteps), parameters,
            sendsSlots ? Optimizer.Create(job.Optimizer).SlotNames.Count : 0)
        {
            Codec = GradientCodecs.Of(training.Compression),
            RoundedDataShards = training.Compression.DataShardsOfGroup(training.DataShards),
        };
    }

    /// <summary>
    /// What a worker hands in for a range of data shards: its complete subtrees, none larger than what is rounded.
    /// </summary>
    /// <param name="first">First data shard.</param>
    /// <param name="count">How many.</param>
    public IEnumerable<TreeNode> NodesOf(int first, int count)
    {
        foreach (TreeNode node in GradientTree.Decompose(first, count))
        {
            int size = RoundedDataShards > 0 ? Math.Min(node.Count, RoundedDataShards) : node.Count;
            for (int start = node.Start; start < node.End; start += size)
                yield return new TreeNode(start, size);
        }
    }

    /// <summary>Whether the sum over a node of the tree has been rounded: it is that of one group.</summary>
    public bool IsRounded(TreeNode node) => node.Count == RoundedDataShards;

    /// <summary>Rounds a part of those gradient sums that are of whole groups.</summary>
    /// <param name="nodes">A worker's.</param>
    /// <param name="part">The part.</param>
    public void Round(IEnumerable<GradientNode> nodes, ParameterSlice part)
    {
        foreach (GradientNode node in Codec is null ? [] : nodes.Where(node => IsRounded(node.Node)))
        {
            Span<float> sum = node.Gradient.Span.Slice(part.Offset, part.Length);
            Codec!.Round(sum, sum);
        }
    }

    /// <summary>Floats of the whole.</summary>
    public int Length => checked(Parameters * (1 + Slots));

    /// <summary>Where the slots of a parameter shard lie, one after the other.</summary>
    public (int Start, int Length) SlotsOf(ParameterShardRange range) =>
        (Parameters + (Slots * range.Start), Slots * range.Length);

    /// <summary>Whether an end's parameters are what a round begins with, so that the slots go with them.</summary>
    public bool CarriesSlots(long step) => Slots > 0 && Ends.IsLocal(Ends.Next(step));

    /// <summary>
    /// Where, in the memory of one contribution to a parameter shard, some floats of the exchange lie: its parameters,
    /// and behind them its slots.
    /// </summary>
    /// <param name="range">The parameter shard.</param>
    /// <param name="offset">First float, in the exchange.</param>
    /// <param name="count">How many.</param>
    /// <returns>null: not all of them are the parameter shard's.</returns>
    public int? PlaceIn(ParameterShardRange range, int offset, int count)
    {
        if (offset >= range.Start && offset + (long)count <= range.End)
            return offset - range.Start;
        (int start, int length) = SlotsOf(range);
        return offset >= start && offset + (long)count <= start + (long)length
            ? range.Length + offset - start : null;
    }
}
