using System.Numerics.Tensors;
using DistTrainer.Engine.Models;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>Which parameters a worker has heard of: the newest step of each parameter shard and replica.</summary>
internal sealed class ParametersIn
{
    private readonly IReadOnlyList<ParameterShardRange> _ranges;
    private readonly long[] _steps;

    /// <summary>Nothing is in.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="replicas">Replicas of parameter shards that must keep up.</param>
    /// <param name="step">The step whose parameters come first.</param>
    public ParametersIn(TrainingSetup setup, int replicas, long step)
    {
        _ranges = setup.Ranges;
        _steps = new long[_ranges.Count + replicas];
        Array.Fill(_steps, step - 1);
    }

    /// <summary>The newest step that all parameter shards and replicas have applied.</summary>
    public long Newest => TensorPrimitives.Min<long>(_steps);

    /// <summary>A parameter shard's slice is in place, or a replica has applied the step.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Receive(int parameterShard, long step)
    {
        if (parameterShard >= _steps.Length || step <= _steps[parameterShard])
            return false;
        _steps[parameterShard] = step;
        return true;
    }

    /// <summary>Whether all parameters of a step are in.</summary>
    public bool HasAll(long step) => !_steps.AsSpan(0, _ranges.Count).ContainsAnyExceptInRange(step, long.MaxValue);

    /// <summary>Whether all replicas have applied a step.</summary>
    public bool HaveReplicas(long step) => !_steps.AsSpan(_ranges.Count).ContainsAnyExceptInRange(step, long.MaxValue);

    /// <summary>Whether a part of a step's parameters is in.</summary>
    public bool Has(ParameterSlice part, long step)
    {
        if (part.Length == 0)
            return true;
        for (int p = 0; p < _ranges.Count; p++)
        {
            ParameterShardRange range = _ranges[p];
            if (range.Start < part.End && part.Offset < range.End && _steps[p] < step)
                return false;
        }
        return true;
    }
}
