using System.Text.Json;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Metrics;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// How well a model predicts one part of the data, beyond loss and accuracy: what scikit-learn's functions of the same
/// names give for the same predictions.
/// </summary>
/// <param name="Classes">Classification, and 0/1 targets, one entry each; empty for regression.</param>
/// <param name="Values">Regression: one entry a target.</param>
internal sealed record QualityFigures(
    IReadOnlyList<(string? Target, ClassificationFigures Figures)> Classes, IReadOnlyList<RegressionFigures> Values)
{
    private const int RowsAtOnce = 1024;
    private const int MostClassesAsText = 20;
    private const int MostConfused = 100;

    /// <summary>Predicts a part and compares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The part; at least one sample.</param>
    public static QualityFigures Of(TrainedModel model, ISampleSource data)
    {
        DataSchema schema = model.Schema;
        (float[] predictions, float[] targets) = Predict(model, data);
        if (schema.Task == TaskKind.Classification)
        {
            int[] labels = [.. targets.Select(target => (int)target)];
            return new QualityFigures([(null, ClassificationFigures.Of(predictions, labels, schema.ClassNames))], []);
        }
        int width = schema.TargetNames.Count;
        for (int row = 0; schema.Task == TaskKind.Regression && row < targets.Length; row += width)
            schema.Normalization.RestoreTargets(targets.AsSpan(row, width));
        float[][] predicted = [.. Enumerable.Range(0, width).Select(t => Column(predictions, width, t))],
            wanted = [.. Enumerable.Range(0, width).Select(t => Column(targets, width, t))];
        return schema.Task == TaskKind.Binary
            ? new QualityFigures(
                [.. schema.TargetNames.Select((name, t) => ((string?)name, OfBinary(predicted[t], wanted[t])))], [])
            : new QualityFigures(
                [], [.. schema.TargetNames.Select((name, t) => RegressionFigures.Of(name, predicted[t], wanted[t]))]);
    }

    /// <summary>The figures as parseable lines.</summary>
    public IEnumerable<string> Lines()
    {
        foreach ((string? target, ClassificationFigures figures) in Classes)
        {
            yield return $"figures{Named("target", target)} balanced-accuracy={Numbers.Text(figures.BalancedAccuracy)} "
                + $"log-loss={Numbers.Text(figures.LogLoss)} auc={Numbers.Text(figures.AreaUnderCurve)} "
                + $"f1-macro={Numbers.Text(figures.F1)}";
            if (figures.Classes.Count > MostClassesAsText)
                continue;
            foreach (ClassFigures one in figures.Classes)
                yield return $"class{Named("target", target)}{Named("name", one.Name)} "
                    + $"samples={Numbers.Text(one.Count)} precision={Numbers.Text(one.Precision)} "
                    + $"recall={Numbers.Text(one.Recall)} f1={Numbers.Text(one.F1)} "
                    + $"auc={Numbers.Text(one.AreaUnderCurve)}";
            for (int c = 0; c < figures.Classes.Count; c++)
                yield return $"confusion{Named("target", target)}{Named("name", figures.Classes[c].Name)} "
                    + $"predicted={string.Join(',', figures.Confusion[c].Select(Numbers.Text))}";
        }
        foreach (RegressionFigures value in Values)
            yield return $"figures{Named("target", value.Name)} "
                + $"mean-absolute-error={Numbers.Text(value.MeanAbsoluteError)} "
                + $"root-mean-squared-error={Numbers.Text(value.RootMeanSquaredError)} r2={Numbers.Text(value.R2)} "
                + $"median-absolute-error={Numbers.Text(value.MedianAbsoluteError)}";
    }

    /// <summary>The figures as members of an object that is open; those of named targets in <c>targets</c>.</summary>
    /// <param name="json">Where to.</param>
    public void Write(Utf8JsonWriter json)
    {
        if (Classes is [(null, var only)])
        {
            Write(json, only);
            return;
        }
        json.WriteStartObject("targets");
        foreach ((string? target, ClassificationFigures figures) in Classes)
        {
            json.WriteStartObject(target!);
            Write(json, figures);
            json.WriteEndObject();
        }
        foreach (RegressionFigures value in Values)
        {
            json.WriteStartObject(value.Name);
            json.WriteFinite("meanAbsoluteError", value.MeanAbsoluteError);
            json.WriteFinite("rootMeanSquaredError", value.RootMeanSquaredError);
            json.WriteFinite("r2", value.R2);
            json.WriteFinite("medianAbsoluteError", value.MedianAbsoluteError);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ClassificationFigures figures)
    {
        json.WriteFinite("accuracy", figures.Accuracy);
        json.WriteFinite("balancedAccuracy", figures.BalancedAccuracy);
        json.WriteFinite("logLoss", figures.LogLoss);
        json.WriteFinite("auc", figures.AreaUnderCurve);
        json.WriteFinite("f1Macro", figures.F1);
        json.WriteStartArray("classes");
        foreach (ClassFigures one in figures.Classes)
        {
            json.WriteStartObject();
            json.WriteString("name", one.Name);
            json.WriteNumber("samples", one.Count);
            json.WriteFinite("precision", one.Precision);
            json.WriteFinite("recall", one.Recall);
            json.WriteFinite("f1", one.F1);
            json.WriteFinite("auc", one.AreaUnderCurve);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (figures.Classes.Count > MostConfused)
            return;
        json.WriteStartArray("confusion");
        foreach (IReadOnlyList<long> row in figures.Confusion)
            json.WriteRawValue($"[{string.Join(',', row.Select(Numbers.Text))}]");
        json.WriteEndArray();
    }

    private static (float[] Predictions, float[] Targets) Predict(TrainedModel model, ISampleSource data)
    {
        int count = checked((int)data.Count), outputs = model.Network.Outputs, width = data.TargetWidth;
        float[] predictions = new float[checked(count * outputs)], targets = new float[checked(count * width)],
            features = new float[RowsAtOnce * data.FeatureCount];
        using var predictor = new Predictor(model);
        for (int first = 0; first < count; first += RowsAtOnce)
        {
            int rows = Math.Min(RowsAtOnce, count - first);
            Span<float> read = features.AsSpan(0, rows * data.FeatureCount);
            data.Read([.. Enumerable.Range(first, rows)], read, targets.AsSpan(first * width, rows * width));
            predictor.Predict(read, predictions.AsSpan(first * outputs, rows * outputs));
        }
        return (predictions, targets);
    }

    /// <summary>Of one 0/1 target: its two classes.</summary>
    private static ClassificationFigures OfBinary(float[] probability, float[] target) => ClassificationFigures.Of(
        [.. probability.SelectMany(p => new[] { 1 - p, p })], [.. target.Select(value => (int)value)], ["0", "1"]);

    private static float[] Column(float[] rows, int width, int column)
    {
        float[] values = new float[rows.Length / width];
        for (int row = 0; row < values.Length; row++)
            values[row] = rows[(row * width) + column];
        return values;
    }

    private static string Named(string key, string? name) =>
        name is null ? "" : $" {key}=\"{JsonEncodedText.Encode(name, JsonNumbers.Readable)}\"";
}
