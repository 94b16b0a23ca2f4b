using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;

namespace DistTrainer.Engine.Models;

/// <summary>
/// One worker's engine: (parameters, rows) → sums of losses and gradients. A batch goes through it as
/// <see cref="Load(ISampleSource, ReadOnlySpan{int}, bool, long, ulong)"/>, all stages forward, <see cref="Loss"/>, all
/// stages backward. Not thread-safe. A step should allocate nothing that grows with model or batch.
/// <para>The results are the same bits for any number of workers where two things hold. Every row is computed by
/// itself, whatever rows are loaded with it. And a gradient is a sum over each data shard's rows in their order,
/// rounded to <c>float</c>; the data shards' sums are added, in <c>float</c>, in the tree of
/// <see cref="GradientTree"/>.</para>
/// </summary>
public interface IGradientEngine : IDisposable
{
    /// <summary>Takes in a batch.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="samples">Their numbers, at most as many as the engine was made for; may be none.</param>
    /// <param name="training">Whether dropout and its like act.</param>
    /// <param name="step">The step, counted from 1; with seed and sample number the key of random numbers.</param>
    /// <param name="seed">The job's seed.</param>
    void Load(ISampleSource data, ReadOnlySpan<int> samples, bool training, long step, ulong seed);

    /// <summary>Takes in rows without targets, for prediction.</summary>
    /// <param name="features">[rows, inputs] row-major, at most as many rows as the engine was made for.</param>
    void Load(ReadOnlySpan<float> features);

    /// <summary>Runs a stage forward; those before it have been run.</summary>
    /// <param name="stage">Index of the stage.</param>
    /// <param name="parameters">All parameters, flat; only this stage's may be read, others may be changing.</param>
    void Forward(int stage, ReadOnlySpan<float> parameters);

    /// <summary>Computes the loss of each data shard, after the last stage.</summary>
    /// <param name="dataShardBounds">First rows of the data shards, and the end of the last.</param>
    /// <param name="sums">One entry a data shard; overwritten, each summed over its rows in order.</param>
    /// <param name="withGradient">Whether a backward pass follows.</param>
    void Loss(ReadOnlySpan<int> dataShardBounds, Span<LossSums> sums, bool withGradient);

    /// <summary>Runs a stage backward; those behind it have been run.</summary>
    /// <param name="stage">Index of the stage.</param>
    /// <param name="parameters">All parameters, flat, as in the forward pass.</param>
    /// <param name="nodes">
    /// For each complete subtree of data shards that the rows belong to: its flat gradient, of which this stage's part
    /// is overwritten, and the bounds of its data shards. None: only the way to the stages before counts.
    /// </param>
    /// <returns>
    /// Whether the stage's part of every node's gradient is known to be finite; after false the parameter server looks
    /// for itself.
    /// </returns>
    bool Backward(int stage, ReadOnlySpan<float> parameters, ReadOnlySpan<GradientNode> nodes);

    /// <summary>
    /// What the model predicts for the loaded rows, after the last stage: class probabilities, sigmoid probabilities,
    /// or values.
    /// </summary>
    /// <param name="predictions">[rows, outputs] row-major; overwritten.</param>
    void Predict(Span<float> predictions);

    /// <summary>How large the signal is in a stage, asked before its <see cref="Backward"/>.</summary>
    /// <param name="stage">Index of the stage.</param>
    /// <returns>Null where there is nothing to tell of the stage, or the engine does not measure it.</returns>
    SignalProbe.LayerSignal? SignalOf(int stage) => null;
}
