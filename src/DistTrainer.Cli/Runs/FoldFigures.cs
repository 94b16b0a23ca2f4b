using System.Text.Json;
using DistTrainer.Engine;

namespace DistTrainer.Cli.Runs;

/// <summary>One figure of a validation part.</summary>
/// <param name="Target">Whose it is, where there are several targets; else null.</param>
/// <param name="Name">Its name in <c>run.json</c>, e.g. <c>meanAbsoluteError</c>.</param>
/// <param name="Value">Null where there is none, or it is not finite.</param>
internal sealed record FoldFigure(string? Target, string Name, double? Value)
{
    /// <summary>Its name in lines.</summary>
    public string Label => JsonNamingPolicy.KebabCaseLower.ConvertName(Name);
}

/// <summary>What came of the run of one fold.</summary>
/// <param name="Fold">Its number, from 1.</param>
/// <param name="Ended">How it ended.</param>
/// <param name="DataHash">The hash of its data.</param>
/// <param name="Figures">Those of its validation part, the same ones in each fold; the loss first.</param>
internal sealed record FoldFigures(int Fold, EndedRun Ended, string DataHash, IReadOnlyList<FoldFigure> Figures)
{
    private const string Loss = "loss";

    /// <summary>The name of its run folder.</summary>
    public string Folder => NameOf(Fold);

    /// <summary>The name of a fold's run folder.</summary>
    public static string NameOf(int fold) => $"fold-{Numbers.Text(fold)}";

    /// <summary>Reads what a fold's run has left.</summary>
    /// <param name="folder">Its run folder.</param>
    /// <param name="fold">Its number.</param>
    /// <returns>Null where the run has not ended.</returns>
    /// <exception cref="DistTrainerException"><c>run.json</c> is damaged
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static FoldFigures? Read(string folder, int fold)
    {
        if (RunSummary.Read(folder) is not { } ended)
            return null;
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, RunSummary.Name)));
        JsonElement json = document.RootElement, validation = json.GetProperty("validation");
        double? loss = ValueOf(json.GetProperty("metrics").GetProperty("validationLoss"));
        var figures = new List<FoldFigure> { new(null, Loss, loss) };
        figures.AddRange(FiguresOf(null, validation));
        if (validation.TryGetProperty("targets", out JsonElement targets))
        {
            JsonProperty[] all = [.. targets.EnumerateObject()];
            foreach (JsonProperty target in all)
                figures.AddRange(FiguresOf(all.Length > 1 ? target.Name : null, target.Value));
        }
        return new(fold, ended, json.GetProperty("dataHash").GetString()!, figures);
    }

    /// <summary>The fold with the lowest validation loss; of several the first.</summary>
    public static FoldFigures BestOf(IEnumerable<FoldFigures> folds) =>
        folds.MinBy(fold => fold.Figures[0].Value ?? double.PositiveInfinity)!;

    /// <summary>The figures as a line; those of single targets are left to <c>run.json</c>.</summary>
    /// <param name="folds">How many folds there are.</param>
    public string Line(int folds) =>
        $"fold {Numbers.Text(Fold)} of {Numbers.Text(folds)} validation "
        + string.Join(' ', Figures.Where(figure => figure.Target is null).Select(
            figure => $"{figure.Label}={Numbers.Text(figure.Value)}"));

    private static IEnumerable<FoldFigure> FiguresOf(string? target, JsonElement json) =>
        json.EnumerateObject().Where(one => one.Value.ValueKind is JsonValueKind.Number or JsonValueKind.Null)
            .Select(one => new FoldFigure(target, one.Name, ValueOf(one.Value)));

    private static double? ValueOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
