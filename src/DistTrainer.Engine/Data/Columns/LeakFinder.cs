namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Looks for columns that give the target away by themselves: most likely they are known only together with it.
/// </summary>
internal static class LeakFinder
{
    private const double Pure = 0.999;
    private const double Straight = 0.9999;
    private const int FewestRows = 20;
    private const int RowsAValue = 5;

    /// <summary>A line for each such column.</summary>
    /// <param name="columns">The columns that become features.</param>
    /// <param name="targets">One a row: a class, or a value.</param>
    /// <param name="train">Numbers of the training rows.</param>
    /// <param name="isClasses">Whether targets are classes.</param>
    public static IEnumerable<string> Find(
        IEnumerable<RawColumn> columns, double[] targets, int[] train, bool isClasses)
    {
        if (train.Length < FewestRows)
            yield break;
        foreach (RawColumn column in columns)
        {
            if (isClasses ? TellsClass(column, targets, train) : TellsValue(column, targets, train))
                yield return $"column {DataError.Quote(column.Name)} gives the target away by itself "
                    + $"({(isClasses ? "each of its values goes with one class" : "they lie on a line")}): if it is "
                    + $"not known when you predict, leave it out with data.ignore = [{DataError.Quote(column.Name)}]";
        }
    }

    /// <summary>Few values, each with one class, and together with more than one.</summary>
    private static bool TellsClass(RawColumn column, double[] targets, int[] train)
    {
        var counts = new Dictionary<(double Value, double Class), int>();
        foreach (int row in train)
        {
            double value = column is TextColumn texts ? texts[row] : ((NumberColumn)column)[row];
            (double, double) key = (value, targets[row]);
            counts[key] = counts.GetValueOrDefault(key) + 1;
            if (counts.Count > train.Length / RowsAValue)
                return false;
        }
        int agreeing = counts.GroupBy(pair => pair.Key.Value).Sum(value => value.Max(pair => pair.Value));
        int largest = counts.GroupBy(pair => pair.Key.Class).Max(one => one.Sum(pair => pair.Value));
        return agreeing >= Pure * train.Length && largest < Pure * train.Length;
    }

    private static bool TellsValue(RawColumn column, double[] targets, int[] train)
    {
        if (column is not NumberColumn numbers)
            return false;
        double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
        int count = 0;
        double startX = double.NaN, startY = 0;
        foreach (int row in train)
        {
            double value = numbers[row];
            if (double.IsNaN(value))
                continue;
            if (double.IsNaN(startX))
                (startX, startY) = (value, targets[row]);
            (double u, double v) = (value - startX, targets[row] - startY);
            (x, y, xx, yy, xy, count) = (x + u, y + v, xx + (u * u), yy + (v * v), xy + (u * v), count + 1);
        }
        double spread = ((count * xx) - (x * x)) * ((count * yy) - (y * y));
        double together = (count * xy) - (x * y);
        return count >= FewestRows && spread > 0 && together * together >= Straight * Straight * spread;
    }
}
