using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data;

/// <summary>A part of the rows.</summary>
internal enum SplitPart
{
    /// <summary>What is trained on.</summary>
    Train,

    /// <summary>What is looked at while training.</summary>
    Validation,

    /// <summary>What is looked at once, at the end.</summary>
    Test,
}

/// <summary>Which rows belong to which part; each part keeps the order of the file.</summary>
internal sealed record DataSplit(int[] Train, int[] Validation, int[] Test)
{
    /// <summary>
    /// Divides rows. Units, which are rows or groups of them, stand in an order: a random permutation by the seed, or
    /// for times the latest first. They are gone through once for the test and once more for the validation; a unit is
    /// taken where that brings the part nearer to its share of the rows. The rest are the training part. With folds
    /// the rest after the test are dealt, large units first, each to the fold with the fewest rows.
    /// </summary>
    /// <param name="raw">The file: its place for errors, and the column to divide by.</param>
    /// <param name="rows">Numbers of the rows to divide.</param>
    /// <param name="description">How, with fractions, seed, limit.</param>
    /// <param name="classes">The class of every row of the file, by which to divide evenly where single rows are drawn;
    /// null does not look at it.</param>
    /// <param name="ownTest">Whether there is a file of test data, so that none is split off.</param>
    /// <exception cref="DistTrainerException">A setting is out of range or does not fit the data, or no row is left for
    /// training.</exception>
    public static DataSplit Make(
        RawData raw, int[] rows, double[]? classes, DataDescription description, bool ownTest)
    {
        SplitSettings settings = description.Split;
        if (settings.Problem() is { } problem)
            throw DataError.Configuration($"data.split.{problem.Key} {problem.What}.");
        double testFraction = ownTest ? 0 : CheckFraction("data.test-fraction", description.TestFraction);
        double validationFraction = CheckFraction("data.validation-fraction", description.ValidationFraction);
        if (description.Limit < 0)
            throw DataError.Configuration(
                $"data.limit = {description.Limit}: a number of samples ≥ 0 is allowed; 0 uses all.");
        int test = Share(rows.Length, testFraction);
        int validation = settings.Folds is null ? Share(rows.Length, validationFraction) : 0;
        if (settings.Order != SplitOrder.Part && (long)test + validation >= rows.Length)
            throw DataError.Of(
                $"{raw.Path}: of {rows.Length} sample(s) none is left for training after {validation} for validation "
                + $"and {test} for the test; lower data.validation-fraction "
                + $"({DataError.Number(description.ValidationFraction)}) or data.test-fraction "
                + $"({DataError.Number(testFraction)}).");
        var column = new SplitColumn(raw, rows, settings);
        int[] Draw(int count) => Permutation(count, description.SplitSeed);
        SplitUnits units = settings.Order switch
        {
            SplitOrder.Part => SplitUnits.Named(column.Parts()),
            SplitOrder.Group => SplitUnits.Drawn(column.Groups(), Draw),
            SplitOrder.Time => SplitUnits.Rows(LatestFirst(column.Times())),
            _ when classes is not null => SplitUnits.Rows(
                Spread(Draw(rows.Length), place => classes[rows[place]], test, validation)),
            _ => SplitUnits.Rows(Draw(rows.Length)),
        };
        if (settings.Order == SplitOrder.Part)
        {
            CheckNamed(raw.Path, units, settings, ownTest);
        }
        else
        {
            units.Take(SplitPart.Test, test);
            units.Take(SplitPart.Validation, validation);
        }
        if (settings.Folds is { } folds && !units.Deal(folds, settings.Fold!.Value))
            throw DataError.Of(
                $"{raw.Path}: {DataError.Number(units.Left)} "
                + (settings.Order == SplitOrder.Group ? $"group(s) of {DataError.Quote(settings.By!)}" : "row(s)")
                + $" outside the test part cannot be {folds} folds; lower data.split.folds (`--folds`) to at most "
                + "that, or give more data.");
        int[] train = units.Of(SplitPart.Train, rows);
        if (train.Length == 0)
            throw DataError.Of(settings.Order == SplitOrder.Part
                ? $"{raw.Path}: no row of column {DataError.Quote(settings.By!)} (data.split.by) says train; name the "
                    + "rows to train on."
                : $"{raw.Path}: the groups of {DataError.Quote(settings.By!)} (data.split.by) are so few that none is "
                    + "left for training; lower data.validation-fraction or data.test-fraction.");
        if (description.Limit > 0 && description.Limit < train.Length)
            train = train[..description.Limit];
        return new(train, units.Of(SplitPart.Validation, rows), units.Of(SplitPart.Test, rows));
    }

    private static void CheckNamed(string path, SplitUnits units, SplitSettings settings, bool ownTest)
    {
        if (ownTest && units.Has(SplitPart.Test))
            throw DataError.Configuration(
                $"data.split.by = {settings.By}: rows of {path} are of the test part, and data.test-source names "
                + "another one; leave data.test-source out, or these rows.");
        if (settings.Folds is not null && units.Has(SplitPart.Validation))
            throw DataError.Configuration(
                $"data.split.by = {settings.By}: rows of {path} are of the validation part, and with folds each fold "
                + "is it in its turn; say train in these rows, or leave the folds out.");
    }

    private static int Share(int count, double fraction) =>
        (int)Math.Round(count * fraction, MidpointRounding.AwayFromZero);

    private static int[] Permutation(int count, ulong seed)
    {
        int[] order = new int[count];
        RandomPermutation.Fill(order, seed, RandomPurpose.Split, 0);
        return order;
    }

    private static int[] LatestFirst(double[] times)
    {
        int[] order = [.. Enumerable.Range(0, times.Length).OrderBy(place => times[place])]; // stable
        Array.Reverse(order);
        return order;
    }

    /// <summary>
    /// Another order whose first rows, and those behind them, have each class in its share: the rows are laid out class
    /// by class, each class in the given order, and every so-manieth is taken.
    /// </summary>
    private static int[] Spread(int[] order, Func<int, double> classOf, int test, int validation)
    {
        int[] byClass = [.. order.OrderBy(classOf)]; // stable
        (int[] first, int[] others) = Take(byClass, test);
        (int[] second, int[] rest) = Take(others, validation);
        return [.. first, .. second, .. rest];
    }

    private static (int[] Taken, int[] Left) Take(int[] rows, int count)
    {
        ILookup<bool, int> divided = rows.Index().ToLookup(
            pair => (pair.Index + 1L) * count / rows.Length > (long)pair.Index * count / rows.Length,
            pair => pair.Item);
        return ([.. divided[true]], [.. divided[false]]);
    }

    private static double CheckFraction(string key, double value) => value is >= 0 and < 1
        ? value
        : throw DataError.Configuration(
            $"{key} = {DataError.Number(value)}: a share from 0 up to, but not including, 1 is allowed.");
}
