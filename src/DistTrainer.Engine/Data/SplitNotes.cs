namespace DistTrainer.Engine.Data;

/// <summary>What is worth saying of how rows were divided.</summary>
internal static class SplitNotes
{
    private const int MostNamed = 5;

    /// <summary>A line for each thing.</summary>
    /// <param name="raw">The file, with the column by which they were divided.</param>
    /// <param name="rows">Numbers of the rows that were divided.</param>
    /// <param name="description">How.</param>
    /// <param name="split">What came of it.</param>
    /// <param name="classes">The class of every row of the file; none where there are no classes.</param>
    /// <param name="classNames">The classes by number.</param>
    public static IEnumerable<string> Of(
        RawData raw, int[] rows, DataDescription description, DataSplit split, double[] classes,
        IReadOnlyList<string> classNames)
    {
        SplitSettings settings = description.Split;
        if (settings.AsideColumn is { } column)
            yield return $"column {DataError.Quote(column)} says "
                + (settings.Order == SplitOrder.Group ? "which rows stay together" : "the part of each row")
                + " (data.split) and is no feature";
        if (settings.Order == SplitOrder.Group && new SplitColumn(raw, rows, settings).Gaps is > 0 and int gaps)
            yield return $"{DataError.Number(gaps)} row(s) without {DataError.Quote(settings.By!)} stay together too";
        if (description.Stratify && classes.Length > 0 && settings.Order != SplitOrder.Random)
            yield return $"data.split.order = {settings.Name} divides the rows, so data.stratify does not count: a "
                + "part may have more of one class than another";
        if (settings.Folds is not { } folds || classes.Length == 0)
            yield break;
        int[] counts = new int[classNames.Count];
        foreach (int row in split.Train.Concat(split.Validation))
            counts[(int)classes[row]]++;
        string[] rare = [.. classNames.Index().Where(one => counts[one.Index] < folds).Select(
            one => $"{DataError.Quote(one.Item)} ({DataError.Number(counts[one.Index])})")];
        if (rare.Length > 0)
            yield return $"{(rare.Length == 1 ? "a class has" : $"{DataError.Number(rare.Length)} classes have")} "
                + $"fewer rows than there are folds: {string.Join(", ", rare.Take(MostNamed))}"
                + $"{(rare.Length > MostNamed ? ", …" : "")}; some folds are validated, or trained, without";
    }
}
