using System.Text.Json;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Runs;

/// <summary>The figures of a part of the data as lines and as JSON.</summary>
internal static class QualityText
{
    private const int MostClassesAsText = 20;
    private const int MostConfused = 100;

    /// <summary>Predicts a part and compares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The part; at least one sample.</param>
    public static QualityFigures Quality(this TrainedModel model, ISampleSource data)
    {
        using var evaluator = new Evaluator(model.Network, data.TargetWidth);
        return QualityFigures.Of(evaluator, model.Parameters, data, model.Schema);
    }

    /// <summary>The figures as parseable lines.</summary>
    public static IEnumerable<string> Lines(this QualityFigures quality)
    {
        foreach ((string? target, ClassificationFigures figures) in quality.Classes)
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
        foreach (RegressionFigures value in quality.Values)
            yield return $"figures{Named("target", value.Name)} "
                + $"mean-absolute-error={Numbers.Text(value.MeanAbsoluteError)} "
                + $"root-mean-squared-error={Numbers.Text(value.RootMeanSquaredError)} r2={Numbers.Text(value.R2)} "
                + $"median-absolute-error={Numbers.Text(value.MedianAbsoluteError)}";
    }

    /// <summary>The figures as members of an object that is open; those of named targets in <c>targets</c>.</summary>
    /// <param name="quality">The figures.</param>
    /// <param name="json">Where to.</param>
    public static void Write(this QualityFigures quality, Utf8JsonWriter json)
    {
        if (quality.Classes is [(null, var only)])
        {
            Write(json, only);
            return;
        }
        json.WriteStartObject("targets");
        foreach ((string? target, ClassificationFigures figures) in quality.Classes)
        {
            json.WriteStartObject(target!);
            Write(json, figures);
            json.WriteEndObject();
        }
        foreach (RegressionFigures value in quality.Values)
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

    private static string Named(string key, string? name) =>
        name is null ? "" : $" {key}=\"{JsonEncodedText.Encode(name, JsonNumbers.Readable)}\"";
}
