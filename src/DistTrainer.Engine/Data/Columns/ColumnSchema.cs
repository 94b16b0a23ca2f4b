using System.Globalization;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>What a column of a table is.</summary>
public enum ColumnKind
{
    /// <summary>Numbers: scaled; gaps become the median, with a feature that says so.</summary>
    Number,

    /// <summary>One of several values: a feature each, or an index into an embedding.</summary>
    Category,

    /// <summary>True or false, yes or no: 1 and 0.</summary>
    YesNo,

    /// <summary>Dates, with or without times: their parts as numbers.</summary>
    Date,

    /// <summary>Left out.</summary>
    Ignore,
}

/// <summary>A part of a date that becomes a feature.</summary>
public enum DatePart
{
    /// <summary>Days since the training part's earliest date, with fractions.</summary>
    Elapsed,

    /// <summary>The year.</summary>
    Year,

    /// <summary>1 to 12.</summary>
    Month,

    /// <summary>Day of the month, 1 to 31.</summary>
    Day,

    /// <summary>0 for Monday to 6 for Sunday.</summary>
    Weekday,

    /// <summary>Hours since midnight, 0 to 24, with minutes and seconds as fractions.</summary>
    Hour,
}

/// <summary>
/// How one column of a table becomes features, as learned from the training part. A model keeps it, so that new rows
/// are treated in the same way.
/// </summary>
public sealed record ColumnSchema
{
    /// <summary>The column's name.</summary>
    public required string Name { get; init; }

    /// <summary>What it is; never <see cref="ColumnKind.Ignore"/>.</summary>
    public required ColumnKind Kind { get; init; }

    /// <summary>
    /// Numbers, yes/no and dates: what stands in for a gap, the training part's median (dates: seconds since 1970).
    /// </summary>
    public double Fill { get; init; }

    /// <summary>
    /// Whether gaps have a feature of their own (a category's gaps: a value of their own), since the training part has
    /// some.
    /// </summary>
    public bool Gaps { get; init; }

    /// <summary>
    /// Categories: the values, sorted by code points. A value that is not among them (rare in training, or unknown) has
    /// index 0 in an embedding, and no feature otherwise. Yes/no: the word for no and the word for yes.
    /// </summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Categories: width of the embedding; 0 makes a 0/1 feature of each value.</summary>
    public int Embedding { get; init; }

    /// <summary>
    /// Numbers, and each part of a date: edges e₀ &lt; e₁ &lt; …, none for no bins. The t-th bin is a feature that goes
    /// from 0 at eₜ₋₁ to 1 at eₜ and stays there: a piecewise linear encoding (Gorishniy et al. 2022), with which a
    /// network finds thresholds as easily as trees do.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<double>> Bins { get; init; } = [];

    /// <summary>Dates: the parts that become features.</summary>
    public IReadOnlyList<DatePart> Parts { get; init; } = [];

    /// <summary>Dates: what <see cref="DatePart.Elapsed"/> counts from, in seconds since 1970.</summary>
    public double Start { get; init; }

    /// <summary>
    /// Dates: the date column before this one in the table, where the time from one to the other differs between rows:
    /// it is a feature, in hours, behind the parts. Null for none.
    /// </summary>
    public string? Since { get; init; }

    /// <summary>How many features are numbers, which stand first.</summary>
    internal int Numbers => Kind switch
    {
        ColumnKind.Category => 0,
        ColumnKind.Date => Parts.Count + (Since is null ? 0 : 1),
        _ => 1,
    };

    /// <summary>Categories with an embedding: its table; others null. Row 0 is for other values, row 1 for gaps where
    /// there were some, then one for each value.</summary>
    public EmbeddedColumn? Table =>
        Embedding == 0 ? null : new EmbeddedColumn(Name, 1 + (Gaps ? 1 : 0) + Values.Count, Embedding);

    /// <summary>Names of the features that the column becomes, but for an embedding's index.</summary>
    public IEnumerable<string> FeatureNames()
    {
        if (Embedding > 0)
            yield break;
        if (Kind == ColumnKind.Category)
        {
            foreach (string value in Values)
                yield return $"{Name} = {value}";
        }
        else
        {
            string[] numbers = Kind == ColumnKind.Date
                ? [.. Parts.Select(part => $"{Name} {NameOf(part)}"),
                    .. Since is null ? [] : (string[])[$"{Name} since {Since}"]]
                : [Name];
            foreach (string number in numbers)
                yield return number;
            for (int i = 0; i < Bins.Count; i++)
            {
                for (int t = 1; t < Bins[i].Count; t++)
                    yield return $"{numbers[i]} bin {t.ToString(CultureInfo.InvariantCulture)}";
            }
        }
        if (Gaps)
            yield return $"{Name} is missing";
    }

    private static string NameOf(DatePart part) => part.ToString().ToLowerInvariant();
}
