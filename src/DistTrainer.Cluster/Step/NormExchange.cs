using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// The parts of the gradient's norm that the parameter shards tell each other before a step is applied: those that have
/// come in, and the own ones of the last two steps, for a parameter shard that is a step behind asks for them again.
/// </summary>
/// <param name="parameterShards">How many parts make a norm, ≥ 1.</param>
/// <param name="ends">Which steps follow each other.</param>
internal sealed class NormExchange(int parameterShards, IConsistency ends)
{
    private readonly Dictionary<long, double[]?[]> _parts = [];

    private readonly ShareNorm?[] _own = new ShareNorm?[Ends.Versions];

    /// <summary>A generation begins: what came in the one before will come again.</summary>
    public void BeginGeneration() => _parts.Clear();

    /// <summary>The run goes back: steps after it are made anew.</summary>
    public void ForgetOwn() => Array.Clear(_own);

    /// <summary>Keeps the own part of a step.</summary>
    public void Keep(ShareNorm own) => _own[ends.PlaceOf(own.Step)] = own;

    /// <summary>The own part of a step; null where it is no longer, or not yet, there.</summary>
    public ShareNorm? Own(long step) => _own[ends.PlaceOf(step)] is { } own && own.Step == step ? own : null;

    /// <summary>Takes a part in. A second copy changes nothing.</summary>
    public void Take(ShareNorm share)
    {
        if (!_parts.TryGetValue(share.Step, out double[]?[]? parts))
            _parts[share.Step] = parts = new double[]?[parameterShards];
        parts[share.ParameterShard] = share.BlockSums;
    }

    /// <summary>
    /// The norm of a step's whole gradient, once: then its parts are forgotten. Null while one is missing.
    /// </summary>
    public double? TakeNorm(long step)
    {
        if (!_parts.TryGetValue(step, out double[]?[]? parts) || parts.Contains(null))
            return null;
        _parts.Remove(step);
        return GlobalNorm.Norm([.. parts.SelectMany(part => part!)]);
    }
}
