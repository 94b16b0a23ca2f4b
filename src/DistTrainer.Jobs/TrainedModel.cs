using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;

namespace DistTrainer.Jobs;

/// <summary>A trained model with all that is needed to use it on new rows.</summary>
/// <param name="Job">The job that made it.</param>
/// <param name="Schema">Names and scaling of its data.</param>
/// <param name="Network">The network, rebuilt from the job.</param>
/// <param name="Parameters">The flat parameters in layout order.</param>
/// <param name="ParameterHash">SHA-256, in hex, of the parameters; checked.</param>
public sealed record TrainedModel(
    JobFile Job, DataSchema Schema, Network Network, float[] Parameters, string ParameterHash)
{
    /// <summary>Predicts rows in the data's own units: they are scaled as the training data were.</summary>
    /// <param name="features">[rows, features] row-major, in the order of <see cref="DataSchema.FeatureNames"/>;
    /// finite.</param>
    /// <returns>[rows, outputs] row-major: a probability for each class or 0/1 target, or the values in the targets'
    /// own units.</returns>
    /// <exception cref="ArgumentException">The length is no multiple of the number of features.</exception>
    /// <exception cref="DistTrainerException">A feature is not finite, or so far from the training data that it cannot
    /// be scaled (<see cref="FailureKind.Data"/>).</exception>
    public float[] Predict(ReadOnlySpan<float> features)
    {
        int width = Schema.FeatureNames.Count;
        if (features.Length % width != 0)
            throw new ArgumentException(
                $"{features.Length} values are no whole number of rows; the model takes {width} features a row.",
                nameof(features));
        float[] scaled = features.ToArray();
        for (int row = 0; row < scaled.Length / width; row++)
        {
            if (!Schema.Normalization.ScaleFeatures(scaled.AsSpan(row * width, width)))
                throw new DistTrainerException(
                    FailureKind.Data,
                    $"Row {row} has a feature that is not finite, or so far from the training data that it cannot be "
                    + "scaled; correct it or leave the row out.");
        }
        return Predict(new PredictionRows(scaled, scaled.Length / width, width));
    }

    /// <summary>
    /// Predicts rows that are scaled already, as <see cref="DataLoader.LoadForPrediction"/> gives them.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <returns>[rows, outputs] row-major, as <see cref="Predict(ReadOnlySpan{float})"/> gives it.</returns>
    public float[] Predict(PredictionRows rows)
    {
        float[] predictions = new float[checked(rows.Count * Network.Outputs)];
        using var predictor = new Predictor(this);
        predictor.Predict(rows.Features, predictions);
        return predictions;
    }

    /// <summary>Predicts a program's own objects: properties are found by the names of the model's columns.</summary>
    /// <typeparam name="T">The rows' type.</typeparam>
    /// <param name="rows">The rows.</param>
    /// <returns>[rows, outputs] row-major, as <see cref="Predict(ReadOnlySpan{float})"/> gives it.</returns>
    /// <exception cref="DistTrainerException">A column of the model is no property, or a value is wrong
    /// (<see cref="FailureKind.Data"/>).</exception>
    public float[] PredictRows<T>(IEnumerable<T> rows) => Predict(DataLoader.RowsForPrediction(rows, Schema));

    /// <summary>The most probable class of each of a program's own objects, the first of equals.</summary>
    /// <typeparam name="T">The rows' type.</typeparam>
    /// <param name="rows">The rows.</param>
    /// <returns>A name of <see cref="DataSchema.ClassNames"/> for each row.</returns>
    /// <exception cref="InvalidOperationException">The model does not tell classes.</exception>
    /// <exception cref="DistTrainerException">As for <see cref="PredictRows"/>.</exception>
    public string[] PredictRowClasses<T>(IEnumerable<T> rows) => Classes(PredictRows(rows));

    /// <summary>The most probable class of each row, the first of equals.</summary>
    /// <param name="features">As for <see cref="Predict(ReadOnlySpan{float})"/>.</param>
    /// <returns>A name of <see cref="DataSchema.ClassNames"/> for each row.</returns>
    /// <exception cref="InvalidOperationException">The model does not tell classes.</exception>
    /// <exception cref="DistTrainerException">As for <see cref="Predict(ReadOnlySpan{float})"/>.</exception>
    public string[] PredictClasses(ReadOnlySpan<float> features) => Classes(Predict(features));

    private string[] Classes(float[] predictions) => Schema.Task == TaskKind.Classification
        ? [.. predictions.Chunk(Network.Outputs).Select(row => Schema.ClassNames[Array.IndexOf(row, row.Max())])]
        : throw new InvalidOperationException(
            $"The model's task is {Schema.Task}, so it has no classes; call {nameof(Predict)}.");

    /// <summary>
    /// Writes the model as a safetensors file, which <see cref="ModelFile.Load"/> and the command <c>disttrainer
    /// predict</c> read.
    /// </summary>
    /// <param name="path">The file; it appears whole or not at all.</param>
    /// <exception cref="DistTrainerException">It cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public void Save(string path) => ModelFile.Save(path, Job, Schema, Network.Layout, Parameters);
}
