using System.Globalization;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>How much the rows of a source count: a column of weights, and the classes' weights in training.</summary>
internal sealed class SampleWeights
{
    private readonly float[]? _rows;
    private readonly double[]? _classes;
    private readonly double[] _targets;

    private SampleWeights(float[]? rows, double[]? classes, double[] targets) =>
        (_rows, _classes, _targets) = (rows, classes, targets);

    /// <summary>What was found, a line each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>Reads the column of weights, and finds the weights of classes.</summary>
    /// <param name="raw">All rows.</param>
    /// <param name="description">What weighs.</param>
    /// <param name="encoder">The classes.</param>
    /// <param name="targets">The class of every row.</param>
    /// <param name="split">The parts; classes are counted in the training part.</param>
    /// <exception cref="DistTrainerException">A weight is missing, negative or no number; all are 0; there are no
    /// classes, or none of a name.</exception>
    public static SampleWeights Find(
        RawData raw, DataDescription description, TargetEncoder encoder, double[] targets, DataSplit split)
    {
        if (description.WeightColumn is { } both && both == description.Split.AsideColumn)
            throw DataError.Configuration(
                $"{Key} and data.split.by both name {DataError.Quote(both)}; a column is one of them.");
        float[]? rows = description.WeightColumn is not { } name ? null
            : Read(raw, raw.Column(Key, name), [.. split.Train, .. split.Validation, .. split.Test]);
        double[]? classes = OfClasses(raw.Path, description.ClassWeights, encoder, targets, split.Train);
        foreach ((string part, int[] own) in new[]
            { ("training", split.Train), ("validation", split.Validation), ("test", split.Test) })
        {
            if (rows is not null && own.Length > 0 && own.All(row => rows[row] == 0))
                throw DataError.Of(
                    $"{raw.Path}: all {own.Length} {part} rows have weight 0 in {Key} = "
                    + $"{DataError.Quote(description.WeightColumn!)}; at least one must be above 0: leave them out, or "
                    + "divide the rows in another way.");
        }
        if (classes is not null && split.Train.All(row => classes[(int)targets[row]] == 0))
            throw DataError.Configuration(
                $"data.class-weights are 0 for all classes of {raw.Path}; at least one must be above 0.");
        return new(rows, classes, targets) { Notes = [.. NotesOf(description, encoder, rows, classes, split.Train)] };
    }

    /// <summary>The weights of some rows; null where all are 1.</summary>
    /// <param name="rows">Their numbers.</param>
    /// <param name="isTraining">Whether the classes' weights count too.</param>
    public float[]? Of(int[] rows, bool isTraining)
    {
        double[]? classes = isTraining ? _classes : null;
        return _rows is null && classes is null ? null : Array.ConvertAll(
            rows, row => (float)((_rows?[row] ?? 1.0) * (classes?[(int)_targets[row]] ?? 1.0)));
    }

    private const string Key = "data.weight-column";

    private static float[] Read(RawData raw, RawColumn column, int[] used)
    {
        if (column is not NumberColumn { IsTime: false } numbers)
            throw DataError.Of(
                $"{raw.Path}: {Key} = {DataError.Quote(column.Name)} has "
                + $"{(column is TextColumn ? "text" : "dates")}; name a column of numbers ≥ 0.");
        foreach (int row in used)
        {
            if (!ClassWeights.IsWeight(numbers[row]))
                throw DataError.Of(
                    $"{raw.RowPlace(row)}: the weight in column {DataError.Quote(column.Name)} is "
                    + (double.IsNaN(numbers[row]) ? "missing" : Short(numbers[row]))
                    + $"; {ClassWeights.Allowed} are allowed: correct it, or leave the row out.");
        }
        float[] weights = new float[raw.Count];
        foreach (int row in used)
            weights[row] = (float)numbers[row];
        return weights;
    }

    private static double[]? OfClasses(
        string path, ClassWeights asked, TargetEncoder encoder, double[] targets, int[] train)
    {
        if (asked.IsNone)
            return null;
        if (encoder.Task != TaskKind.Classification)
            throw DataError.Configuration(
                $"data.class-weights is for classes, but the task is {encoder.Task}; leave it out, choose the loss "
                + $"cross-entropy, or give rows weights by {Key}.");
        if (asked.Given.Keys.FirstOrDefault(name => !encoder.ClassNames.Contains(name)) is { } unknown)
            throw DataError.Configuration(
                $"data.class-weights names a class {DataError.Quote(unknown)} that {path} does not have; "
                + DataError.Suggest(unknown, encoder.ClassNames.ToArray()));
        if (!asked.IsBalanced)
            return [.. encoder.ClassNames.Select(name => asked.Given.GetValueOrDefault(name, 1))];
        var counts = train.CountBy(row => (int)targets[row]).ToDictionary();
        return [.. encoder.ClassNames.Select((_, number) => counts.TryGetValue(number, out int count)
            ? (double)train.Length / ((double)counts.Count * count) : 1)];
    }

    private static IEnumerable<string> NotesOf(
        DataDescription description, TargetEncoder encoder, float[]? rows, double[]? classes, int[] train)
    {
        if (rows is not null)
            yield return $"weights of the training rows: {DataError.Quote(description.WeightColumn!)}, from "
                + $"{Short(train.Min(row => rows[row]))} to {Short(train.Max(row => rows[row]))}";
        const int MostNamed = 10;
        if (classes is not null)
            yield return "weights of classes in training: " + string.Join(", ", classes.Take(MostNamed).Select(
                (weight, number) => $"{DataError.Quote(encoder.ClassNames[number])} {Short(weight)}"))
                + (classes.Length > MostNamed ? ", …" : "");
    }

    private static string Short(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
