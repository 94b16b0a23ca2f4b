using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>The column by which rows are divided.</summary>
/// <param name="raw">The table.</param>
/// <param name="rows">Numbers of the rows to divide.</param>
/// <param name="settings">Which column, and how.</param>
internal sealed class SplitColumn(RawData raw, int[] rows, SplitSettings settings)
{
    private const string Key = "data.split.by";

    /// <summary>
    /// Numbers of the rows' groups, in the order in which these come up; rows without a value are one, too.
    /// </summary>
    /// <returns>One a row.</returns>
    /// <exception cref="DistTrainerException">There is no such column, or it cannot be compared exactly.</exception>
    public int[] Groups()
    {
        TextColumn column = Texts(Find(), "groups");
        var numbers = new Dictionary<int, int>();
        return Array.ConvertAll(rows, row =>
        {
            if (!numbers.TryGetValue(column[row], out int number))
                numbers.Add(column[row], number = numbers.Count);
            return number;
        });
    }

    /// <summary>The rows' times, or numbers.</summary>
    /// <returns>One a row.</returns>
    /// <exception cref="DistTrainerException">There is no such column, a row has no value, or it is text.</exception>
    public double[] Times()
    {
        if (WithoutGaps() is not NumberColumn column)
            throw DataError.Of(
                $"{raw.Path}: {Key} = {Quoted}: the column is text, e.g. {Example()}; order = time needs dates "
                + "(2019-03-23 20:21:09 and the like) or numbers: name another column, or divide by order = group.");
        return Array.ConvertAll(rows, row => column[row]);
    }

    /// <summary>The parts that the rows name.</summary>
    /// <returns>One a row.</returns>
    /// <exception cref="DistTrainerException">There is no such column, or a row names no part.</exception>
    public SplitPart[] Parts()
    {
        TextColumn column = Texts(WithoutGaps(), "parts");
        SplitPart?[] parts = [.. column.Values.Select(PartOf)];
        int bad = Array.FindIndex(rows, row => parts[column[row]] is null);
        return bad < 0 ? Array.ConvertAll(rows, row => parts[column[row]]!.Value)
            : throw DataError.Of(
                $"{raw.RowPlace(rows[bad])}: column {Quoted}: {DataError.Quote(column.TextOf(rows[bad])!)} is no part "
                + $"({Key}); allowed: train, validation (valid, val, dev), test, in any case.");
    }

    private string Quoted => DataError.Quote(settings.By!);

    /// <summary>Rows without a value.</summary>
    public int Gaps => rows.Count(Find().IsGap);

    private TextColumn Texts(RawColumn column, string what) => column switch
    {
        TextColumn { IsFreeText: false } texts => texts,
        TextColumn => throw DataError.Of(
            $"{raw.Path}: {Key} = {Quoted}: nearly every row has a value of its own, more than are compared; name a "
            + "column whose values come more than once."),
        _ => throw DataError.Of(
            $"{raw.Path}: {Key} = {Quoted}: the column holds dates as such, which say no {what}; make a text or a "
            + "whole number of them."),
    };

    private RawColumn Find() => raw.Column(Key, settings.By!);

    private RawColumn WithoutGaps()
    {
        RawColumn column = Find();
        int[] gaps = Array.FindAll(rows, column.IsGap);
        return gaps.Length == 0 ? column
            : throw DataError.Of(
                $"{raw.RowPlace(gaps[0])}: column {Quoted}, by which the rows are divided ({Key}), has no value here"
                + $"{(gaps.Length > 1 ? $", nor in {DataError.Number(gaps.Length - 1)} other row(s)" : "")}; fill it "
                + "in, or leave the row out.");
    }

    private string Example() => DataError.Quote(Find().TextOf(rows[0])!);

    private static SplitPart? PartOf(string text) =>
        Is(text, "train") ? SplitPart.Train
        : Is(text, "test") ? SplitPart.Test
        : Is(text, "validation", "valid", "val", "dev") ? SplitPart.Validation : null;

    private static bool Is(string text, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (text.Equals(name, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }
}
