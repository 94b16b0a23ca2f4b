using System.Buffers;
using System.Globalization;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Decides, from the training rows alone, what each column of a table is and how it becomes features. Everything is
/// counted and sorted, so the same rows give the same answer everywhere.
/// </summary>
/// <param name="path">The table, for errors.</param>
/// <param name="train">Numbers of the training rows.</param>
/// <param name="settings">What is said of columns.</param>
internal sealed class TableProfiler(string path, int[] train, ColumnSettings settings)
{
    private const int FewValues = 50;
    private const int MostWords = 6; // True, true, TRUE; False, false, FALSE
    private const int Shown = 3;
    private const string NoValue = "no training row has a value";
    private const int SecondsOfDay = 86_400;

    // Not the shared ones, which would keep the room of large columns for good.
    private readonly ArrayPool<double> _rooms = ArrayPool<double>.Create(Array.MaxLength, Environment.ProcessorCount);
    private readonly ArrayPool<uint> _sorting = ArrayPool<uint>.Create(
        Array.MaxLength, 2 * Environment.ProcessorCount);

    /// <summary>Looks at a column.</summary>
    public ColumnProfile Profile(RawColumn column)
    {
        ColumnKind? said = settings.Kinds.TryGetValue(column.Name, out ColumnKind kind) ? kind : null;
        ColumnProfile profile = column is NumberColumn numbers ? OfNumbers(numbers, said)
            : OfTexts((TextColumn)column, said);
        return said is null ? profile : profile with { Why = "data.columns says so" };
    }

    private ColumnProfile OfNumbers(NumberColumn column, ColumnKind? said)
    {
        double[] room = _rooms.Rent(train.Length);
        column.Copy(train, room, 1, double.NaN);
        int count = 0;
        for (int i = 0; i < train.Length; i++)
        {
            room[count] = room[i];
            count += double.IsNaN(room[i]) ? 0 : 1;
        }
        NumberSort.Sort(room.AsSpan(0, count), _sorting);
        ColumnProfile profile = OfSorted(column, new ArraySegment<double>(room, 0, count), said);
        _rooms.Return(room);
        return profile;
    }

    private ColumnProfile OfSorted(NumberColumn column, ArraySegment<double> values, ColumnKind? said)
    {
        int missing = train.Length - values.Count, distinct = Distinct(values);
        var profile = new ColumnProfile
        {
            Name = column.Name,
            Kind = said ?? (column.IsTime ? ColumnKind.Date : ColumnKind.Number),
            Why = column.IsTime ? "dates" : "numbers",
            Missing = missing,
            Distinct = distinct,
            Content = values.Count == 0 ? "" : $"{Text(column, values[0])} … {Text(column, values[^1])}",
        };
        if (values.Count == 0)
            return profile with { Kind = ColumnKind.Ignore, Why = NoValue };
        double median = values[(values.Count - 1) / 2];
        return profile.Kind switch
        {
            ColumnKind.Ignore => profile,
            ColumnKind.Date => profile with { Schema = OfDates(column, values, median, missing > 0) },
            ColumnKind.Number => profile with
            {
                Schema = new ColumnSchema
                {
                    Name = column.Name,
                    Kind = ColumnKind.Number,
                    Fill = median,
                    Gaps = missing > 0,
                    Bins = settings.Bins > 0 ? [EdgesOf(values)] : [],
                },
            },
            _ => throw DataError.Configuration(
                $"data.columns: {DataError.Quote(column.Name)} of {path} has {profile.Why}, which cannot be "
                + $"{TableColumns.Word(profile.Kind)}; allowed: {(column.IsTime ? "date" : "number")}, category, "
                + "ignore."),
        };
    }

    /// <summary>The schema of a date column with the time since another one, where that differs between rows.</summary>
    /// <param name="schema">As it is without.</param>
    /// <param name="column">The column.</param>
    /// <param name="first">The other one's schema.</param>
    /// <param name="other">The other one.</param>
    public ColumnSchema Since(ColumnSchema schema, NumberColumn column, ColumnSchema first, NumberColumn other)
    {
        double[] dates = new double[train.Length], hours = new double[train.Length];
        other.Copy(train, dates, 1, first.Fill);
        column.Copy(train, hours, 1, schema.Fill);
        for (int i = 0; i < hours.Length; i++)
            hours[i] = TableEncoder.Between(dates[i], hours[i]);
        NumberSort.Sort(hours, _sorting);
        return hours[0] == hours[^1] ? schema : schema with
        {
            Since = first.Name,
            Bins = settings.Bins == 0 ? [] : [.. schema.Bins, EdgesOf(hours)],
        };
    }

    private ColumnSchema OfDates(NumberColumn column, ArraySegment<double> sorted, double median, bool gaps)
    {
        DatePart[] parts = [.. Enum.GetValues<DatePart>().Where(part =>
        {
            double first = TableEncoder.PartOf(part, sorted[0], sorted[0]);
            return sorted.Any(value => TableEncoder.PartOf(part, value, sorted[0]) != first);
        })];
        parts = parts.Length > 0 ? parts : [DatePart.Elapsed];
        double start = Math.Floor(sorted[0] / SecondsOfDay) * SecondsOfDay;
        return new ColumnSchema
        {
            Name = column.Name,
            Kind = ColumnKind.Date,
            Fill = median,
            Gaps = gaps,
            Start = start,
            Parts = parts,
            Bins = settings.Bins == 0 ? []
                : [.. parts.Select(part => EdgesOf(sorted.Select(
                    seconds => TableEncoder.PartOf(part, seconds, start)).Order().ToArray()))],
        };
    }

    /// <summary>
    /// Edges of bins of about as many values each. A value that alone fills a bin has an edge of its own, and the
    /// others are divided without it; few different values are the edges themselves.
    /// </summary>
    private double[] EdgesOf(ArraySegment<double> sorted)
    {
        (double Value, int Count)[] counts = [.. sorted.CountBy(value => value).Select(pair => (pair.Key, pair.Value))];
        double[] edges = [.. counts.Select(pair => pair.Value)];
        if (edges.Length > settings.Bins + 1)
        {
            double[] heavy = [.. counts.Where(pair => pair.Count > sorted.Count / settings.Bins)
                .Select(pair => pair.Value)];
            double[] rest = [.. sorted.Where(value => Array.BinarySearch(heavy, value) < 0)];
            edges = [.. heavy.Concat(Enumerable.Range(0, settings.Bins + 1).Select(
                t => FeatureScaler.Quantile(rest, (double)t / settings.Bins))).Distinct().Order()];
        }
        return edges.Length > 2 ? edges : [];
    }

    private ColumnProfile OfTexts(TextColumn column, ColumnKind? said)
    {
        if (column.Values.Count == 0) // a table may have very many empty columns
            return new ColumnProfile
            {
                Name = column.Name,
                Kind = ColumnKind.Ignore,
                Why = NoValue,
                Missing = train.Length,
                Distinct = 0,
                Content = "",
            };
        int[] counts = new int[column.Values.Count];
        int missing = 0;
        foreach (int row in train)
        {
            if (column[row] is var value and >= 0)
                counts[value]++;
            else
                missing++;
        }
        int[] used = [.. Enumerable.Range(0, counts.Length).Where(value => counts[value] > 0)
            .OrderByDescending(value => counts[value]).ThenBy(value => column.Values[value], StringComparer.Ordinal)];
        var profile = new ColumnProfile
        {
            Name = column.Name,
            Kind = ColumnKind.Ignore,
            Why = NoValue,
            Missing = missing,
            Distinct = column.IsFreeText ? train.Length - missing : used.Length,
            Content = column.IsFreeText ? "" : string.Join(", ", used.Take(Shown).Select(
                value => $"{DataError.Quote(column.Values[value])} {DataError.Number(counts[value])}×")),
        };
        if (used.Length == 0 || said == ColumnKind.Ignore)
            return profile;
        bool isFree = column.IsFreeText || (used.Length > FewValues && used.Length > (train.Length - missing) / 2);
        if (isFree && (said is null || column.IsFreeText))
            return profile with { Why = "an identifier or free text: most rows have a value of their own" };
        if (said is null or ColumnKind.YesNo
            && used.Length <= MostWords && YesNoWords.Find(used.Select(value => column.Values[value])) is { } words)
            return profile with
            {
                Kind = ColumnKind.YesNo,
                Why = $"{words.Yes} is 1 and {words.No} 0",
                Schema = new ColumnSchema
                {
                    Name = column.Name,
                    Kind = ColumnKind.YesNo,
                    Values = [words.No, words.Yes],
                    Fill = column.Values[used[0]].Equals(words.Yes, StringComparison.OrdinalIgnoreCase) ? 1 : 0,
                    Gaps = missing > 0,
                },
            };
        return said is null or ColumnKind.Category
            ? profile with
            {
                Kind = ColumnKind.Category,
                Why = "text",
                Schema = OfCategories(column, used, counts, missing),
            }
            : throw DataError.Configuration(
                $"data.columns: {DataError.Quote(column.Name)} of {path} has text such as "
                + $"{DataError.Quote(column.Values[used[0]])}, which cannot be {TableColumns.Word(said.Value)}; "
                + "allowed: category, ignore"
                + (said == ColumnKind.YesNo ? ", or two words such as yes and no." : "."));
    }

    private ColumnSchema OfCategories(TextColumn column, int[] used, int[] counts, int missing)
    {
        int[] kept = [.. used.Where(value => counts[value] >= settings.LeastRows).Take(settings.MostValues)];
        if (kept.Length == 0)
            kept = [.. used.Take(settings.MostValues)];
        int cardinality = kept.Length + (missing > 0 ? 1 : 0);
        return new ColumnSchema
        {
            Name = column.Name,
            Kind = ColumnKind.Category,
            Values = [.. kept.Select(value => column.Values[value]).Order(StringComparer.Ordinal)],
            Gaps = missing > 0,
            Embedding = cardinality <= settings.MostOneHot ? 0 : settings.Embedding ?? WidthFor(cardinality),
        };
    }

    /// <summary>fastai's rule for the width of an embedding of so many values.</summary>
    private static int WidthFor(int cardinality) => Math.Min(600, (int)Math.Round(1.6 * Math.Pow(cardinality, 0.56)));

    private static int Distinct(ReadOnlySpan<double> sorted)
    {
        int distinct = 0;
        for (int i = 0; i < sorted.Length; i++)
            distinct += i == 0 || sorted[i] != sorted[i - 1] ? 1 : 0;
        return distinct;
    }

    private static string Text(NumberColumn column, double value) =>
        column.IsTime ? TimeText.Format(value) : value.ToString("G6", CultureInfo.InvariantCulture);
}
