namespace DistTrainer.Engine.Data.Columns;

/// <summary>Rows of a table as features, by what was learned of its columns: not scaled yet.</summary>
internal sealed class TableEncoder : RawRows
{
    private const int SecondsOfDay = 86_400;
    private const double SecondsOfHour = 3600;

    private readonly ColumnEncoder[] _columns;

    /// <summary>Joins columns with what is known of them.</summary>
    /// <param name="columns">One for each of <paramref name="schemas"/>, in their order; all have the same
    /// rows.</param>
    /// <param name="schemas">How they become features.</param>
    public TableEncoder(IReadOnlyList<RawColumn> columns, IReadOnlyList<ColumnSchema> schemas)
        : base(WidthOf(schemas))
    {
        int plain = 0, index = schemas.Sum(schema => schema.FeatureNames().Count());
        _columns = new ColumnEncoder[columns.Count];
        for (int i = 0; i < columns.Count; i++)
        {
            ColumnEncoder? since = schemas[i].Since is not { } first ? null
                : Array.Find(_columns, one => one?.Schema.Name == first);
            _columns[i] = new(columns[i], schemas[i], schemas[i].Embedding > 0 ? index++ : plain, since);
            plain += schemas[i].FeatureNames().Count();
        }
        Count = columns.Count > 0 ? columns[0].Count : 0;
        IsNumber = [.. schemas.SelectMany(PlainNumbers), .. schemas.Where(one => one.Embedding > 0).Select(_ => false)];
    }

    /// <summary>Which features are numbers, to be scaled: not 0/1 for a value or a gap, nor an index.</summary>
    public bool[] IsNumber { get; }

    /// <summary>Names of the columns.</summary>
    public IEnumerable<string> Names => _columns.Select(one => one.Schema.Name);

    /// <summary>Values of categories that training did not see often enough to know them.</summary>
    public IEnumerable<(string Column, string Value, int Rows)> Unknown => _columns.SelectMany(one => one.Unknown);

    /// <summary>Gaps where training had none, by column.</summary>
    public IEnumerable<(string Column, int Rows)> NewGaps => _columns.Where(one => one.NewGaps > 0)
        .Select(one => (one.Schema.Name, one.NewGaps));

    /// <summary>Features of a row.</summary>
    public static int WidthOf(IReadOnlyList<ColumnSchema> schemas) =>
        schemas.Sum(schema => schema.Embedding > 0 ? 1 : schema.FeatureNames().Count());

    /// <summary>Names of the features: first those that are scaled or 0/1, then an index for each embedding.</summary>
    public static string[] NamesOf(IReadOnlyList<ColumnSchema> schemas) =>
        [.. schemas.SelectMany(schema => schema.FeatureNames()),
            .. schemas.Where(schema => schema.Embedding > 0).Select(schema => schema.Name)];

    /// <summary>A part of a date.</summary>
    /// <param name="part">Which.</param>
    /// <param name="seconds">The date, in seconds since 1970.</param>
    /// <param name="start">What elapsed time counts from, in the same unit.</param>
    public static double PartOf(DatePart part, double seconds, double start)
    {
        double days = Math.Floor(seconds / SecondsOfDay);
        int day = (int)days;
        return part switch
        {
            DatePart.Elapsed => (seconds - start) / SecondsOfDay,
            DatePart.Hour => (seconds - (days * SecondsOfDay)) / SecondsOfHour,
            DatePart.Weekday => (((day + 3) % 7) + 7) % 7, // 1970-01-01 was a Thursday
            _ => OfCalendar(part, DateOnly.FromDayNumber(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + day)),
        };
    }

    /// <inheritdoc/>
    public override void CopyRow(int row, Span<double> destination)
    {
        foreach (ColumnEncoder column in _columns)
            column.Copy(row, destination);
    }

    /// <inheritdoc/>
    public override void CopyRows(ReadOnlySpan<int> rows, Span<double> destination)
    {
        foreach (ColumnEncoder column in _columns)
        {
            if (column.CopyNumbers(rows, destination, Width))
                continue;
            for (int i = 0; i < rows.Length; i++)
                column.Copy(rows[i], destination.Slice(i * Width, Width));
        }
    }

    /// <inheritdoc/>
    public override void CopyColumn(int feature, ReadOnlySpan<int> rows, Span<double> destination)
    {
        ColumnEncoder column = Array.Find(_columns, one => one.Has(feature))!;
        if (column.IsFirst(feature) && column.CopyNumbers(rows, destination, 0))
            return;
        double[] features = new double[Width];
        for (int i = 0; i < rows.Length; i++)
        {
            column.Copy(rows[i], features);
            destination[i] = features[feature];
        }
    }

    /// <inheritdoc/>
    public override void Forget(int end)
    {
        foreach (ColumnEncoder column in _columns)
            column.Forget(end);
    }

    /// <summary>Looks for values and gaps that training did not have.</summary>
    public void CountUnknown()
    {
        foreach (ColumnEncoder column in _columns)
            column.CountUnknown();
    }

    /// <summary>The time from one date to another, in hours.</summary>
    /// <param name="first">In seconds.</param>
    /// <param name="second">In seconds.</param>
    public static double Between(double first, double second) => (second - first) / SecondsOfHour;

    private static IEnumerable<bool> PlainNumbers(ColumnSchema schema) =>
        schema.FeatureNames().Select((_, i) => i < schema.Numbers);

    private static double OfCalendar(DatePart part, DateOnly date) => part switch
    {
        DatePart.Year => date.Year,
        DatePart.Month => date.Month,
        _ => date.Day,
    };

    /// <summary>One column's part of the features.</summary>
    private sealed class ColumnEncoder
    {
        private readonly RawColumn _column;
        private readonly int _at;
        private readonly int _features;
        private readonly ColumnEncoder? _since;
        private readonly int[] _codes = [];
        private readonly int[] _unknown = [];

        public ColumnEncoder(RawColumn column, ColumnSchema schema, int at, ColumnEncoder? since)
        {
            (_column, Schema, _at, _since) = (column, schema, at, since);
            _features = schema.Embedding > 0 ? 1 : schema.FeatureNames().Count();
            if (column is not TextColumn text)
                return;
            // Of each different text the place among the known values; −1 for others.
            bool words = schema.Kind == ColumnKind.YesNo;
            StringComparer comparer = words ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
            var places = schema.Values.Index().ToDictionary(pair => pair.Item, pair => pair.Index, comparer);
            _codes = [.. text.Values.Select(value => places.GetValueOrDefault(value, -1))];
            _unknown = new int[_codes.Length];
        }

        public ColumnSchema Schema { get; }

        public int NewGaps { get; private set; }

        /// <summary>Whether a feature is one of the column's.</summary>
        public bool Has(int feature) => feature >= _at && feature < _at + _features;

        public IEnumerable<(string Column, string Value, int Rows)> Unknown => _column is not TextColumn text ? []
            : _unknown.Index().Where(pair => pair.Item > 0)
                .Select(pair => (Schema.Name, text.Values[pair.Index], pair.Item));

        public void Forget(int end) => (_column as NumberColumn)?.Forget(end);

        public void Copy(int row, Span<double> features)
        {
            switch (Schema.Kind)
            {
                case ColumnKind.Category:
                    CopyCategory(((TextColumn)_column)[row], features);
                    break;
                case ColumnKind.YesNo:
                    int word = ((TextColumn)_column)[row] is var value and >= 0 ? _codes[value] : -1;
                    CopyNumber(word < 0 ? double.NaN : word, features);
                    break;
                case ColumnKind.Date:
                    CopyDate(row, features);
                    break;
                default:
                    CopyNumber(((NumberColumn)_column)[row], features);
                    break;
            }
        }

        /// <summary>Whether a feature is the column's first one.</summary>
        public bool IsFirst(int feature) => feature == _at;

        /// <summary>Copies some rows of a column of numbers; a gap becomes what stands in for it.</summary>
        /// <param name="rows">Numbers of the rows.</param>
        /// <param name="features">Overwritten.</param>
        /// <param name="width">Features of a row; 0 where only the numbers are wanted, side by side.</param>
        /// <returns>False, and nothing is copied, where the column is another, or has more features.</returns>
        public bool CopyNumbers(ReadOnlySpan<int> rows, Span<double> features, int width)
        {
            if (Schema.Kind != ColumnKind.Number || (width > 0 && _features > 1))
                return false;
            ((NumberColumn)_column).Copy(rows, width > 0 ? features[_at..] : features, Math.Max(1, width), Schema.Fill);
            return true;
        }

        public void CountUnknown()
        {
            if (_column is NumberColumn numbers)
            {
                NewGaps += Schema.Gaps ? 0 : numbers.CountGaps();
                return;
            }
            for (int row = 0; row < _column.Count; row++)
            {
                if (_column.IsGap(row))
                    NewGaps += Schema.Gaps ? 0 : 1;
                else if (_column is TextColumn text && _codes[text[row]] < 0)
                    _unknown[text[row]]++;
            }
        }

        private void CopyCategory(int value, Span<double> features)
        {
            int place = value < 0 ? -1 : _codes[value];
            bool isGap = value < 0 && Schema.Gaps;
            int values = Schema.Values.Count;
            if (Schema.Embedding > 0)
            {
                features[_at] = isGap ? 1 : place < 0 ? 0 : 1 + (Schema.Gaps ? 1 : 0) + place;
                return;
            }
            features.Slice(_at, values + (Schema.Gaps ? 1 : 0)).Clear();
            if (isGap)
                features[_at + values] = 1;
            else if (place >= 0)
                features[_at + place] = 1;
        }

        private void CopyNumber(double value, Span<double> features)
        {
            bool isGap = double.IsNaN(value);
            features[_at] = isGap ? Schema.Fill : value;
            Finish(1, isGap, features);
        }

        private void CopyDate(int row, Span<double> features)
        {
            double date = DateOf(row);
            for (int i = 0; i < Schema.Parts.Count; i++)
                features[_at + i] = PartOf(Schema.Parts[i], date, Schema.Start);
            if (Schema.Since is not null)
                features[_at + Schema.Parts.Count] = Between(_since!.DateOf(row), date);
            Finish(Schema.Numbers, _column.IsGap(row), features);
        }

        /// <summary>A row's date in seconds, a gap's what stands in for it.</summary>
        private double DateOf(int row) =>
            ((NumberColumn)_column)[row] is var seconds && double.IsNaN(seconds) ? Schema.Fill : seconds;

        /// <summary>Behind the numbers themselves: their bins, and whether they are missing.</summary>
        private void Finish(int numbers, bool isGap, Span<double> features)
        {
            int at = _at + numbers;
            for (int i = 0; i < Schema.Bins.Count; i++)
            {
                IReadOnlyList<double> edges = Schema.Bins[i];
                double value = features[_at + i];
                for (int t = 1; t < edges.Count; t++)
                    features[at++] = Math.Clamp((value - edges[t - 1]) / (edges[t] - edges[t - 1]), 0, 1);
            }
            if (Schema.Gaps)
                features[at] = isGap ? 1 : 0;
        }
    }
}
