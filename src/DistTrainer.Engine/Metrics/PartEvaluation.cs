using System.Runtime.InteropServices;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;

namespace DistTrainer.Engine.Metrics;

/// <summary>
/// Compares a model with samples that come block by block. Of each it keeps the predictions and targets, of which the
/// figures are made; sums do not depend on how the samples are divided into blocks.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="parameters">All parameters, flat.</param>
/// <param name="schema">What its targets mean.</param>
internal sealed class PartEvaluation(IModel model, float[] parameters, DataSchema schema) : IDisposable
{
    private readonly List<float> _predictions = [];
    private readonly List<float> _targets = [];
    private Evaluator? _evaluator;
    private int _width;

    /// <summary>Sums over all samples, chunk by chunk in their order.</summary>
    public LossSums Sums { get; private set; }

    /// <summary>Adds all samples of a part; may be none.</summary>
    public void Add(ISampleSource samples) => Evaluate(samples, EpochSampler.CheckCount(samples.Count));

    /// <summary>Adds all samples of a part, which come block by block.</summary>
    /// <param name="blocks">In their order.</param>
    /// <param name="report">Told how many samples were read.</param>
    public void Add(IEnumerable<DataSet> blocks, Action<long> report)
    {
        DataSet? rest = null;
        long read = 0;
        foreach (DataSet block in blocks)
        {
            DataSet next = rest is null ? block : Join(rest, block);
            int whole = next.Count - (next.Count % Evaluator.ChunkSize);
            Evaluate(next, whole);
            rest = Behind(next, whole);
            report(read += block.Count);
        }
        if (rest is not null)
            Evaluate(rest, rest.Count);
    }

    /// <summary>The samples' targets, a column each, as the loss has them.</summary>
    public IEnumerable<float[]> Targets() => Enumerable.Range(0, _width).Select(
        target => QualityFigures.Column(CollectionsMarshal.AsSpan(_targets), _width, target));

    /// <summary>All figures beside the loss; null without samples.</summary>
    public QualityFigures? Quality() =>
        _targets.Count == 0 ? null : QualityFigures.Of([.. _predictions], [.. _targets], schema);

    /// <inheritdoc/>
    public void Dispose() => _evaluator?.Dispose();

    private void Evaluate(ISampleSource samples, long count)
    {
        _evaluator ??= new Evaluator(model, samples.TargetWidth);
        var sums = new LossSums[(count + Evaluator.ChunkSize - 1) / Evaluator.ChunkSize];
        _evaluator.Evaluate(samples, parameters, 0, sums);
        foreach (LossSums chunk in sums)
            Sums += chunk;
        int rows = checked((int)count);
        _width = samples.TargetWidth;
        QualityFigures.Predict(
            _evaluator, parameters, samples, Grow(_predictions, rows * schema.Outputs),
            Grow(_targets, rows * samples.TargetWidth));
    }

    private static Span<float> Grow(List<float> values, int more)
    {
        CollectionsMarshal.SetCount(values, checked(values.Count + more));
        return CollectionsMarshal.AsSpan(values)[^more..];
    }

    private static DataSet Join(DataSet first, DataSet second) => new(
        [.. first.Features, .. second.Features], [.. first.Targets, .. second.Targets], second.FeatureCount,
        second.TargetWidth);

    private static DataSet Behind(DataSet all, int start) => new(
        all.Features[(start * all.FeatureCount)..], all.Targets[(start * all.TargetWidth)..], all.FeatureCount,
        all.TargetWidth);
}
