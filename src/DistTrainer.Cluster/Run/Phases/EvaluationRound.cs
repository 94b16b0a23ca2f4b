using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>
/// The bookkeeping of one evaluation: chunks of data parts divided among the workers, and the parameters collected from
/// the parameter shards meanwhile.
/// </summary>
/// <param name="setup">What the node's actors share.</param>
/// <param name="generation">The generation that it belongs to.</param>
/// <param name="step">The parameters' step.</param>
/// <param name="parts">Which parts of the data.</param>
/// <param name="workers">Numbers of the workers that divide them.</param>
internal sealed class EvaluationRound(
    TrainingSetup setup, int generation, long step, IReadOnlyList<DataPart> parts, IReadOnlyList<int> workers)
{
    private readonly Dictionary<DataPart, LossSums[]> _sums = parts.ToDictionary(
        part => part, part => new LossSums[Evaluator.ChunkCount(setup.PartOf(part))]);
    private readonly HashSet<(DataPart Part, int Chunk)> _done = [];
    private readonly HashSet<int> _collected = [];

    /// <summary>Whether all chunks are evaluated and all parameters are in.</summary>
    public bool IsDone => _done.Count == _sums.Values.Sum(sums => sums.Length) && IsCollected;

    /// <summary>Whether all parameters are in.</summary>
    public bool IsCollected => _collected.Count == setup.Ranges.Count;

    /// <summary>
    /// Evaluates all chunks on this node, off the thread pool; for a run that has no workers any more.
    /// </summary>
    public Task<Evaluated[]> EvaluateAllAsync() => setup.Background.Run(() =>
    {
        using var evaluator = new Evaluator(setup.Model, setup.Data.Train.TargetWidth, setup.Options.ComputeThreads);
        return parts.Select(part =>
        {
            var sums = new LossSums[_sums[part].Length];
            evaluator.Evaluate(setup.PartOf(part), setup.Parameters.Of(step), 0, sums);
            return new Evaluated(generation, step, part, 0, sums);
        }).ToArray();
    });

    /// <summary>
    /// Compares the validation part's predictions with its targets on this node, off the thread pool: what is no sum
    /// over samples.
    /// </summary>
    public Task<PartCompared> CompareAsync() => setup.Background.Run(() =>
    {
        using var evaluator = new Evaluator(setup.Model, setup.Data.Train.TargetWidth, setup.Options.ComputeThreads);
        return new PartCompared(generation, QualityFigures.Of(
            evaluator, setup.Parameters.Of(step), setup.Data.Validation, setup.Data.Schema).Summary());
    });

    /// <summary>Whether a worker has evaluated all that it was asked to.</summary>
    public bool HasAll(int worker) => Requests().Where(request => request.Worker == worker).All(request =>
        Enumerable.Range(request.Chunks.FirstChunk, request.Chunks.ChunkCount)
            .All(chunk => _done.Contains((request.Chunks.Part, chunk))));

    /// <summary>Whether a parameter shard's slice is in.</summary>
    public bool HasCollected(int parameterShard) => _collected.Contains(parameterShard);

    /// <summary>What to ask of each worker.</summary>
    public IEnumerable<(int Worker, EvaluateChunks Chunks)> Requests()
    {
        foreach (DataPart part in parts)
        {
            for (int i = 0; i < workers.Count; i++)
            {
                (int first, int count) = GradientTree.Share(_sums[part].Length, workers.Count, i);
                if (count > 0)
                    yield return (workers[i], new EvaluateChunks(generation, step, part, first, count));
            }
        }
    }

    /// <summary>Takes a worker's answer.</summary>
    public void Take(Evaluated evaluated)
    {
        if (evaluated.Step != step || !_sums.TryGetValue(evaluated.Part, out LossSums[]? sums))
            return;
        evaluated.Sums.CopyTo(sums, evaluated.FirstChunk);
        for (int chunk = 0; chunk < evaluated.Sums.Length; chunk++)
            _done.Add((evaluated.Part, evaluated.FirstChunk + chunk));
    }

    /// <summary>Takes a parameter shard's answer: its slice is in.</summary>
    public void Take(ParametersBroadcast broadcast)
    {
        if (broadcast.Step == step)
            _collected.Add(broadcast.ParameterShard);
    }

    /// <summary>The sums over a part; nothing where it was not evaluated.</summary>
    public LossSums Total(DataPart part) => _sums.TryGetValue(part, out LossSums[]? sums)
        ? sums.Aggregate(default(LossSums), (left, right) => left + right)
        : default;
}

/// <summary>The validation part's figures that are no sums.</summary>
internal sealed record PartCompared(int Generation, PartFigures Figures);
