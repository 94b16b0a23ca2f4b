using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data;

/// <summary>Which rows belong to which part; each part keeps the order of the file.</summary>
internal sealed record DataSplit(int[] Train, int[] Validation, int[] Test)
{
    /// <summary>
    /// Divides rows by seed: a random permutation gives its first rows to the test, the next to the validation, the
    /// rest to the training.
    /// </summary>
    /// <param name="path">The file, for errors.</param>
    /// <param name="rows">Numbers of the rows to divide.</param>
    /// <param name="description">Fractions, seed, limit.</param>
    /// <param name="classes">The class of every row of the file, by which to divide evenly; null does not look at
    /// it.</param>
    /// <param name="ownTest">Whether there is a file of test data, so that none is split off.</param>
    /// <exception cref="DistTrainerException">A setting is out of range, or no row is left for training.</exception>
    public static DataSplit Make(
        string path, int[] rows, double[]? classes, DataDescription description, bool ownTest)
    {
        int count = rows.Length;
        double testFraction = ownTest ? 0 : CheckFraction("data.test-fraction", description.TestFraction);
        double validationFraction = CheckFraction("data.validation-fraction", description.ValidationFraction);
        if (description.Limit < 0)
            throw DataError.Configuration(
                $"data.limit = {description.Limit}: a number of samples ≥ 0 is allowed; 0 uses all.");
        int test = (int)Math.Round(count * testFraction, MidpointRounding.AwayFromZero);
        int validation = (int)Math.Round(count * validationFraction, MidpointRounding.AwayFromZero);
        if ((long)test + validation >= count)
            throw DataError.Of(
                $"{path}: of {count} sample(s) none is left for training after {validation} for validation and {test} "
                + $"for the test; lower data.validation-fraction ({DataError.Number(description.ValidationFraction)}) "
                + $"or data.test-fraction ({DataError.Number(testFraction)}).");
        int[] order = new int[count];
        RandomPermutation.Fill(order, description.SplitSeed, RandomPurpose.Split, 0);
        if (classes is not null)
            order = Spread(order, place => classes[rows[place]], test, validation);
        int[] train = Sorted(order.AsSpan(test + validation), rows);
        if (description.Limit > 0 && description.Limit < train.Length)
            train = train[..description.Limit];
        return new(train, Sorted(order.AsSpan(test, validation), rows), Sorted(order.AsSpan(0, test), rows));
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

    private static int[] Sorted(ReadOnlySpan<int> places, int[] rows)
    {
        int[] sorted = places.ToArray();
        Array.Sort(sorted);
        return Array.ConvertAll(sorted, place => rows[place]);
    }

    private static double CheckFraction(string key, double value) => value is >= 0 and < 1
        ? value
        : throw DataError.Configuration(
            $"{key} = {DataError.Number(value)}: a share from 0 up to, but not including, 1 is allowed.");
}
