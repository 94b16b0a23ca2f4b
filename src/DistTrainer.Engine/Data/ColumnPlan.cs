using System.Globalization;

namespace DistTrainer.Engine.Data;

/// <summary>Which columns of a table are features and which are targets.</summary>
/// <param name="Features">Numbers of the feature columns, in the order of the features.</param>
/// <param name="Targets">Numbers of the target columns, in the order of the targets; none where they may be missing and
/// are.</param>
internal sealed record ColumnPlan(int[] Features, int[] Targets)
{
    /// <summary>Makes the plan from the names of a table's columns.</summary>
    /// <param name="place">Begins an error message, e.g. <c>a.csv:1</c>.</param>
    /// <param name="names">One a column; numbers 0, 1, … where the table has no names.</param>
    /// <param name="named">Whether the table has names.</param>
    /// <param name="request">What is wanted.</param>
    /// <exception cref="DistTrainerException">A column is missing, named twice, or both target and ignored.</exception>
    public static ColumnPlan Make(string place, IReadOnlyList<string> names, bool named, ReadRequest request)
    {
        // A column that nobody uses may be called anything.
        Func<int, bool> used = request.Features is { } model
            ? column => model.Contains(names[column]) || request.Targets.Contains(names[column])
            : column => request.Ignore.Count == 0 || (column.ToString(CultureInfo.InvariantCulture) is var number
                && (!request.Ignore.Contains(number) || IndexOf(names, number) >= 0));
        if (named) // else they are numbers
            CheckNames(place, names, used);
        return request.Features is { } wanted
            ? ForModel(place, names, named, wanted, request)
            : ForTraining(place, names, request);
    }

    private static ColumnPlan ForTraining(string place, IReadOnlyList<string> names, ReadRequest request)
    {
        var ignored = request.Ignore.Select(name => Find(place, names, name, "data.ignore")).ToHashSet();
        int[] targets = request.Targets.Select(name => Find(place, names, name, "data.targets")).ToArray();
        if (targets.Length == 0)
            targets = Enumerable.Range(0, names.Count).Where(column => !ignored.Contains(column)).TakeLast(1).ToArray();
        foreach (int target in targets)
        {
            if (ignored.Contains(target))
                throw DataError.Configuration(
                    $"data.ignore: column {DataError.Quote(names[target])} is a target too; take it out of one of "
                    + "data.ignore and data.targets.");
            if (targets.Count(other => other == target) > 1)
                throw DataError.Configuration(
                    $"data.targets: column {DataError.Quote(names[target])} is named twice; name it once.");
        }
        int[] features = Enumerable.Range(0, names.Count)
            .Where(column => !ignored.Contains(column) && !targets.Contains(column)).ToArray();
        if (features.Length == 0)
            throw DataError.Of(
                $"{place}: no feature column is left of {names.Count} column(s) after {targets.Length} target(s) and "
                + $"{ignored.Count} ignored; check data.delimiter, data.targets and data.ignore.");
        return new(features, targets);
    }

    private static ColumnPlan ForModel(
        string place, IReadOnlyList<string> names, bool named, IReadOnlyList<string> wanted, ReadRequest request)
    {
        int[] targets = ModelTargets(place, names, named, request);
        // Blanks around names of columns once counted.
        int[] features = wanted.Select(name => IndexOf(names, name) is var column and >= 0 ? column
            : IndexOf(names, name.Trim())).ToArray();
        bool found = !features.Contains(-1);
        if (found && !features.Intersect(targets).Any())
            return new(features, targets);
        // Numbers are what a model calls columns that had no names.
        bool modelNamed = !wanted.All(
            name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        bool byPlace = !named || (!modelNamed && features.All(column => column < 0));
        if (byPlace && ByPlace(names, modelNamed, wanted, targets) is { } places)
            return new(places, targets);
        if (found)
            throw DataError.Configuration(
                $"data.targets: column {DataError.Quote(names[features.Intersect(targets).First()])} of {place} is a "
                + "feature of the model; name the target column.");
        string absent = wanted[Array.IndexOf(features, -1)];
        string andTargets = request.NeedTargets ? $" and {targets.Length} target(s)" : "";
        string advice = !named
            ? $"the file has {names.Count} columns without names, the model wants {wanted.Count}{andTargets}; add a "
            + "header line."
            : byPlace
                ? $"the file has {names.Count} columns, the model wants {wanted.Count}{andTargets} in the order of "
                + "its own data, which had no names."
            : DataError.Suggest(absent, [.. names]);
        throw DataError.Of(
            $"{place}: the model wants a column {DataError.Quote(absent)}, which is not there; {advice}");
    }

    /// <summary>The target columns of a file for a model; none where they may be missing and are.</summary>
    private static int[] ModelTargets(string place, IReadOnlyList<string> names, bool named, ReadRequest request)
    {
        int[] targets = request.Targets.Select(name => IndexOrNumber(names, name)).ToArray();
        int missing = Array.IndexOf(targets, -1);
        if (missing < 0 || !request.NeedTargets)
            return missing < 0 ? targets : [];
        // Where the targets stood among the features is not kept with a model, and a guess would give wrong figures
        // unnoticed.
        string advice = named ? DataError.Suggest(request.Targets[missing], [.. names])
            : "the file's columns have no names: add a header line.";
        throw DataError.Of($"{place}: there is no target column {DataError.Quote(request.Targets[missing])}; {advice}");
    }

    /// <summary>
    /// Features by place: under the model's numbers where they fit, else all columns that are no targets; null where
    /// neither fits.
    /// </summary>
    private static int[]? ByPlace(
        IReadOnlyList<string> names, bool modelNamed, IReadOnlyList<string> wanted, int[] targets)
    {
        int[] numbers = modelNamed ? [-1] : wanted.Select(name => IndexOrNumber(names, name)).ToArray();
        if (!numbers.Contains(-1) && !numbers.Intersect(targets).Any())
            return numbers;
        int[] others = Enumerable.Range(0, names.Count).Except(targets).ToArray();
        return others.Length == wanted.Count ? others : null;
    }

    private static void CheckNames(string place, IReadOnlyList<string> names, Func<int, bool> used)
    {
        var first = new Dictionary<string, int>(names.Count, StringComparer.Ordinal);
        for (int column = 0; column < names.Count; column++)
        {
            if (!used(column))
                continue;
            if (names[column].Length == 0)
                throw DataError.Of(
                    $"{place}:{column + 1}: the column has no name (an index that was written with the table?); name "
                    + (IndexOf(names, column.ToString(CultureInfo.InvariantCulture)) >= 0 ? "it in the first line."
                        : $"it, or leave it out with data.ignore = [\"{column}\"]."));
            if (!first.TryAdd(names[column], column))
                throw DataError.Of(
                    $"{place}:{column + 1}: the name {DataError.Quote(names[column])} was given to column "
                    + $"{first[names[column]] + 1} already; give every column a name of its own.");
        }
    }

    private static int Find(string place, IReadOnlyList<string> names, string name, string key)
    {
        int column = IndexOrNumber(names, name);
        if (column < 0 && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            throw DataError.Of($"{place}: {key} names column {number}, but the columns are 0 to {names.Count - 1}.");
        return column >= 0 ? column
            : throw DataError.Of(
                $"{place}: {key} names a column {DataError.Quote(name)} that is not there; "
                + $"{DataError.Suggest(name, [.. names])}");
    }

    /// <summary>A column by its name, else by its number; −1 where there is none.</summary>
    private static int IndexOrNumber(IReadOnlyList<string> names, string name)
    {
        int column = IndexOf(names, name);
        bool isNumber = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number < names.Count;
        return column < 0 && isNumber ? number : column;
    }

    private static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (int column = 0; column < names.Count; column++)
        {
            if (string.Equals(names[column], name, StringComparison.Ordinal))
                return column;
        }
        return -1;
    }
}
