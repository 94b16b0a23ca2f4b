using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>The steps from one decision to the next.</summary>
/// <param name="target">The last of them.</param>
/// <param name="parameterShards">Parameter shards that apply them, with replicas.</param>
internal sealed class Stretch(long target, int parameterShards)
{
    private Round _reached = new(parameterShards);

    /// <summary>The last step; it may come nearer while steps flow.</summary>
    public long Target { get; private set; } = target;

    /// <summary>Whether all parameter shards have applied it.</summary>
    public bool IsReached => _reached.IsComplete;

    /// <summary>All that went into the parameters, as the first parameter shard tells at its end.</summary>
    public StepSums[] Sums { get; private set; } = [];

    /// <summary>Norms of tensors, where they were asked for.</summary>
    public List<TensorStatistics> Statistics { get; } = [];

    /// <summary>It ends with another step.</summary>
    public void EndAt(long step)
    {
        if (Target != step)
            (_reached, Sums) = (new Round(parameterShards), []);
        Target = step;
    }

    /// <summary>A parameter shard has applied a step; of another step, or said again, it changes nothing.</summary>
    /// <returns>Whether that was news.</returns>
    public bool Add(RunReached reached)
    {
        if (reached.Step != Target || _reached.Has(reached.ParameterShard))
            return false;
        _reached.Add(reached.ParameterShard);
        if (reached.Sums.Length > 0)
            Sums = reached.Sums;
        Statistics.AddRange(reached.Statistics);
        return true;
    }
}
