using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;

namespace DistTrainer.Jobs;

/// <summary>
/// A trained model at work: classes' probabilities, or values in the targets' own units. A row's prediction is the same
/// bits whatever rows are computed with it. Not thread-safe; nothing is allocated after construction.
/// </summary>
/// <param name="model">The model; shared, not changed.</param>
public sealed class Predictor(TrainedModel model) : IDisposable
{
    private readonly Evaluator _evaluator = new(model.Network, model.Schema.TargetNames.Count);

    /// <summary>Predicts rows.</summary>
    /// <param name="features">[rows, inputs] row-major, scaled as in training.</param>
    /// <param name="predictions">[rows, outputs] row-major; overwritten.</param>
    public void Predict(ReadOnlySpan<float> features, Span<float> predictions)
    {
        _evaluator.Predict(features, model.Parameters, predictions);
        if (model.Schema.Task != TaskKind.Regression)
            return;
        for (int row = 0; row < predictions.Length; row += model.Network.Outputs)
            model.Schema.Normalization.RestoreTargets(predictions.Slice(row, model.Network.Outputs));
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _evaluator.Dispose();
}
