namespace DistTrainer.Engine.Data.Columns;

/// <summary>The columns of a table together.</summary>
internal static class TableColumns
{
    private const int MostNamed = 8;

    /// <summary>Looks at all columns.</summary>
    /// <param name="table">The table.</param>
    /// <param name="train">Numbers of the training rows.</param>
    /// <param name="settings">What is said of columns.</param>
    /// <returns>One a column.</returns>
    /// <exception cref="DistTrainerException">A column is not what is said of it, or none is left.</exception>
    public static ColumnProfile[] Profile(RawTable table, int[] train, ColumnSettings settings)
    {
        string[] names = [.. table.Columns.Select(column => column.Name)];
        if (settings.Kinds.FirstOrDefault(pair => pair.Value != ColumnKind.Ignore && !names.Contains(pair.Key)).Key
            is { } absent)
            throw DataError.Configuration(
                $"data.columns names a column {DataError.Quote(absent)} that is no feature of {table.Path}; "
                + DataError.Suggest(absent, names));
        var profiler = new TableProfiler(table.Path, train, settings);
        ColumnProfile[] profiles = ProfileAll(table.Columns, profiler);
        LinkDates(table.Columns, profiles, profiler);
        IEnumerable<string> reasons = profiles.Take(MostNamed).Select(
            one => $"{DataError.Quote(one.Name)} is left out ({one.Why})");
        return profiles.Any(profile => profile.Schema is not null) ? profiles
            : throw DataError.Of(
                $"{table.Path}: no column is left to learn from: "
                + $"{string.Join("; ", reasons)}"
                + "; set data.columns to keep one, e.g. data.columns { name = category }.");
    }

    /// <summary>Each date column gets the time since the one before it.</summary>
    private static void LinkDates(
        IReadOnlyList<RawColumn> columns, ColumnProfile[] profiles, TableProfiler profiler)
    {
        int[] dates = [.. Enumerable.Range(0, profiles.Length).Where(
            i => profiles[i].Schema is { Kind: ColumnKind.Date })];
        foreach ((int first, int second) in dates.Zip(dates.Skip(1)).Reverse())
            profiles[second] = profiles[second] with
            {
                Schema = profiler.Since(
                    profiles[second].Schema!, (NumberColumn)columns[second],
                    profiles[first].Schema!, (NumberColumn)columns[first]),
            };
    }

    /// <summary>Looks at columns side by side; of several that are wrong the first is reported.</summary>
    private static ColumnProfile[] ProfileAll(IReadOnlyList<RawColumn> columns, TableProfiler profiler)
    {
        var profiles = new ColumnProfile[columns.Count];
        var failures = new DistTrainerException?[columns.Count];
        Parallel.For(0, columns.Count, i =>
        {
            try
            {
                profiles[i] = profiler.Profile(columns[i]);
            }
            catch (DistTrainerException failure)
            {
                failures[i] = failure;
            }
        });
        return Array.Find(failures, failure => failure is not null) is { } first ? throw first : profiles;
    }

    /// <summary>What is worth saying: which columns are left out, and which are not plain numbers.</summary>
    /// <param name="profiles">All columns.</param>
    /// <param name="settings">What was said of them need not be said again.</param>
    public static IEnumerable<string> NotesOf(IReadOnlyList<ColumnProfile> profiles, ColumnSettings settings)
    {
        foreach (IGrouping<string, ColumnProfile> same in profiles.Where(one => one.Schema is null)
            .GroupBy(one => one.Why))
        {
            if (same.Count() > MostNamed)
                yield return $"columns {Listed(same)} are left out: {same.Key}"
                    + (same.All(one => one.Distinct == 0 || settings.Kinds.ContainsKey(one.Name)) ? ""
                        : " (data.columns { NAME = category } keeps one)");
            foreach (ColumnProfile profile in same.Take(same.Count() > MostNamed ? 0 : MostNamed))
                yield return $"column {DataError.Quote(profile.Name)} is left out: {profile.Why}"
                    + (profile.Distinct == 0 || settings.Kinds.ContainsKey(profile.Name) ? ""
                        : $" (data.columns {{ {Key(profile.Name)} = category }} keeps it)");
        }
        foreach (IGrouping<string, ColumnProfile> same in profiles
            .Where(one => one.Kind == ColumnKind.YesNo).GroupBy(one => one.Why))
            yield return $"{same.Key} in {Listed(same)}";
        if (Listed(profiles.Where(one => one.Kind == ColumnKind.Category)) is { Length: > 0 } categories)
            yield return $"categories: {categories}";
        if (Listed(profiles.Where(one => one.Kind == ColumnKind.Date)) is { Length: > 0 } dates)
            yield return $"dates: {dates}";
        int gaps = profiles.Sum(one => one.Schema is null ? 0 : one.Missing);
        if (gaps > 0)
            yield return $"{DataError.Number(gaps)} missing values of the training part in "
                + $"{Listed(profiles.Where(one => one is { Schema: not null, Missing: > 0 }))}: numbers among "
                + "them become the median, and each column has a feature for its gaps";
    }

    /// <summary>How cells must be read for what is said of columns.</summary>
    /// <param name="settings">What is said of them.</param>
    /// <param name="compared">A column whose values are compared exactly, as they are written; null for none.</param>
    public static Dictionary<string, ColumnForm> FormsOf(ColumnSettings settings, string? compared)
    {
        var forms = settings.Kinds.ToDictionary(
            pair => pair.Key, pair => FormOf(pair.Value), StringComparer.Ordinal);
        if (compared is not null)
            forms[compared] = ColumnForm.Text;
        return forms;
    }

    /// <summary>How cells must be read for a model.</summary>
    public static Dictionary<string, ColumnForm> FormsOf(DataSchema schema) => schema.Columns.Count > 0
        ? schema.Columns.ToDictionary(column => column.Name, column => FormOf(column.Kind), StringComparer.Ordinal)
        : schema.FeatureNames.ToDictionary(name => name, _ => ColumnForm.Any, StringComparer.Ordinal);

    /// <summary>Columns under the names of a model, in its order: a file without names has its own.</summary>
    /// <exception cref="DistTrainerException">A column is of another type than the model's.</exception>
    public static RawColumn[] Named(string path, IReadOnlyList<RawColumn> columns, IReadOnlyList<ColumnSchema> schemas)
    {
        var named = new RawColumn[columns.Count];
        for (int i = 0; i < named.Length; i++)
        {
            named[i] = columns[i].Name == schemas[i].Name ? columns[i] : columns[i].Renamed(schemas[i].Name);
            bool wantsText = schemas[i].Kind is ColumnKind.Category or ColumnKind.YesNo;
            bool fits = named[i] is NumberColumn numbers ? !wantsText && numbers.IsTime == IsTime(schemas[i])
                : wantsText;
            if (fits)
                continue;
            if (named[i] is not TextColumn { Values.Count: 0 })
                throw DataError.Of(
                    $"{path}: column {DataError.Quote(columns[i].Name)} has {TypeOf(columns[i])}, but the "
                    + $"model's column {DataError.Quote(schemas[i].Name)} is {Word(schemas[i].Kind)}; give data of the "
                    + "kind that the model was trained on.");
            named[i] = WithoutValues(schemas[i], columns[i].Count);
        }
        return named;
    }

    private static bool IsTime(ColumnSchema schema) => schema.Kind == ColumnKind.Date;

    private static string TypeOf(RawColumn column) => column is not NumberColumn numbers ? "text"
        : numbers.IsTime ? "dates" : "numbers";

    /// <summary>What is called so in messages.</summary>
    public static string Word(ColumnKind kind) => kind switch
    {
        ColumnKind.Category => "a category",
        ColumnKind.YesNo => "yes or no",
        ColumnKind.Date => "a date",
        _ => "a number",
    };

    /// <summary>A column in which every value is missing has no type of its own.</summary>
    private static NumberColumn WithoutValues(ColumnSchema schema, int rows)
    {
        var column = new NumberColumn(schema.Name, IsTime(schema));
        for (int row = 0; row < rows; row++)
            column.Add(double.NaN);
        return column;
    }

    /// <summary>
    /// The columns of a model whose features are numbers without gaps; words for yes and no are numbers too.
    /// </summary>
    /// <exception cref="DistTrainerException">A value is missing or is no number.</exception>
    public static ColumnSchema[] PlainNumbers(RawTable table, IReadOnlyList<string> names)
    {
        for (int i = 0; i < names.Count; i++)
        {
            RawColumn column = table.Columns[i];
            double[] words = column is TextColumn texts ? YesNoWords.NumbersOf(texts.Values) : [];
            for (int row = 0; row < column.Count; row++)
            {
                if (column.IsGap(row))
                    throw DataError.Of(
                        $"{table.RowPlace(row)}: column {DataError.Quote(names[i])} has no value, and the model "
                        + "learned of no gaps; fill it in or leave the row out.");
                if (column is TextColumn text && double.IsNaN(words[text[row]]))
                    throw DataError.Of(
                        $"{table.RowPlace(row)}: column {DataError.Quote(names[i])}: "
                        + $"{DataError.Quote(text.TextOf(row)!)} is not a number, which the model wants.");
            }
        }
        return [.. names.Select((name, i) => table.Columns[i] is TextColumn texts
            ? new ColumnSchema
            {
                Name = name,
                Kind = ColumnKind.YesNo,
                Values = YesNoWords.Find(texts.Values) is { } pair ? [pair.No, pair.Yes] : ["no", "yes"],
            }
            : new ColumnSchema { Name = name, Kind = ColumnKind.Number })];
    }

    private static ColumnForm FormOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Number => ColumnForm.Numbers,
        ColumnKind.Date => ColumnForm.Dates,
        ColumnKind.Ignore => ColumnForm.Any,
        _ => ColumnForm.Text,
    };

    private static string Key(string name) => name.All(char.IsAsciiLetterOrDigit) ? name : $"\"{name}\"";

    private static string Listed(IEnumerable<ColumnProfile> profiles)
    {
        int count = profiles.Count();
        return string.Join(", ", profiles.Take(MostNamed).Select(profile => DataError.Quote(profile.Name)))
            + (count > MostNamed ? $" and {DataError.Number(count - MostNamed)} more" : "");
    }
}
