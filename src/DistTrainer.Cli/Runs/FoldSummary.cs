using System.Text;
using System.Text.Json;

namespace DistTrainer.Cli.Runs;

/// <summary>What the runs of all folds have in common: the content of <c>folds.json</c>.</summary>
/// <param name="folds">All of them, in order; at least two.</param>
/// <param name="keepsBest">Whether the best one's folder stays alone.</param>
internal sealed class FoldSummary(IReadOnlyList<FoldFigures> folds, bool keepsBest)
{
    /// <summary>The file's name.</summary>
    public const string Name = "folds.json";

    /// <summary>The fold with the lowest validation loss.</summary>
    public FoldFigures Best { get; } = FoldFigures.BestOf(folds);

    /// <summary>The folds whose folders do not stay.</summary>
    public IEnumerable<FoldFigures> Others => keepsBest ? folds.Where(fold => fold != Best) : [];

    /// <summary>Mean and deviation of each figure, and which fold is the best, a parseable line each.</summary>
    public IEnumerable<string> Lines()
    {
        foreach ((FoldFigure figure, double? mean, double? deviation) in Means())
        {
            string target = figure.Target is { } name
                ? $" target=\"{JsonEncodedText.Encode(name, JsonNumbers.Readable)}\"" : "";
            yield return $"folds{target} mean {figure.Label}={Numbers.Text(mean)} deviation={Numbers.Text(deviation)}";
        }
        yield return $"best fold={Numbers.Text(Best.Fold)} loss={Numbers.Text(Best.Figures[0].Value)}";
    }

    /// <summary>As JSON.</summary>
    public string Write()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(
            buffer, new JsonWriterOptions { Indented = true, Encoder = JsonNumbers.Readable }))
        {
            json.WriteStartObject();
            json.WriteNumber("folds", folds.Count);
            json.WriteNumber("best", Best.Fold);
            Write(json, "mean", Means().Select(one => one.Figure with { Value = one.Mean }));
            Write(json, "deviation", Means().Select(one => one.Figure with { Value = one.Deviation }));
            json.WriteStartArray("each");
            foreach (FoldFigures fold in folds)
                Write(json, fold);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    /// <summary>
    /// Mean and sample deviation (over n − 1) of each figure; none of a figure that a fold does not have, such as the
    /// AUC without a class.
    /// </summary>
    private IEnumerable<(FoldFigure Figure, double? Mean, double? Deviation)> Means()
    {
        for (int i = 0; i < folds[0].Figures.Count; i++)
        {
            FoldFigure figure = folds[0].Figures[i];
            double?[] values = [.. folds.Select(fold => fold.Figures[i].Value)];
            if (values.Contains(null))
            {
                yield return (figure, null, null);
                continue;
            }
            double mean = values.Sum()!.Value / values.Length;
            double squares = values.Sum(value => (value!.Value - mean) * (value.Value - mean));
            yield return (figure, mean, Math.Sqrt(squares / (values.Length - 1)));
        }
    }

    private void Write(Utf8JsonWriter json, FoldFigures fold)
    {
        json.WriteStartObject();
        json.WriteNumber("fold", fold.Fold);
        json.WriteString("folder", Others.Contains(fold) ? null : fold.Folder);
        json.WriteString("reason", fold.Ended.Reason.ToString());
        json.WriteNumber("epochs", fold.Ended.Epochs);
        json.WriteNumber("steps", fold.Ended.Steps);
        json.WriteString("dataHash", fold.DataHash);
        json.WriteString("parameterHash", fold.Ended.ParameterHash);
        Write(json, "validation", fold.Figures);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<FoldFigure> figures)
    {
        json.WriteStartObject(name);
        foreach (FoldFigure figure in figures.Where(figure => figure.Target is null))
            json.WriteFinite(figure.Name, figure.Value);
        IGrouping<string, FoldFigure>[] targets =
            [.. figures.Where(figure => figure.Target is not null).GroupBy(figure => figure.Target!)];
        if (targets.Length > 0)
        {
            json.WriteStartObject("targets");
            foreach (IGrouping<string, FoldFigure> target in targets)
                Write(json, target.Key, target.Select(figure => figure with { Target = null }));
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
