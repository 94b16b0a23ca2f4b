namespace DistTrainer.Engine.Data.Columns;

/// <summary>A column of text: each different value once, and a number for each row.</summary>
/// <param name="name">The column's name.</param>
/// <param name="isPart">Whether all texts are kept, for a column that they are appended to.</param>
internal sealed class TextColumn(string name, bool isPart = false) : RawColumn(name)
{
    private const int MostKept = 100_000;
    private const int Gap = -1;

    // Made with the first text: a table may have very many columns of gaps alone.
    private Contents? _contents;
    private int _gapsAhead;

    /// <inheritdoc/>
    public override int Count => _contents?.Rows.Count ?? _gapsAhead;

    /// <summary>The different values, in the order in which they come up.</summary>
    public IReadOnlyList<string> Values => _contents?.Values ?? (IReadOnlyList<string>)[];

    /// <summary>Whether nearly every one of very many rows has a text of its own, so that they are not kept.</summary>
    public bool IsFreeText { get; private set; }

    /// <summary>The number, in <see cref="Values"/>, of a row's value; −1 for a gap.</summary>
    public int this[int row] => _contents is { } contents ? contents.Rows[row] : Gap;

    /// <summary>Adds a row.</summary>
    /// <param name="text">Its text.</param>
    public void Add(ReadOnlySpan<char> text)
    {
        Contents contents = _contents ??= new(_gapsAhead);
        int number = contents.Find(text);
        if (number < 0)
        {
            int known = contents.Values.Count;
            if (IsFreeText || (known >= MostKept && known > contents.Rows.Count / 2 && !isPart))
            {
                ForgetValues(contents);
                number = 0;
            }
            else
            {
                number = known;
                contents.AddValue(text.ToString());
            }
        }
        contents.Rows.Add(number);
    }

    /// <summary>Adds a row without a value.</summary>
    public void AddGap()
    {
        if (_contents is { } contents)
            contents.Rows.Add(Gap);
        else
            _gapsAhead++;
    }

    /// <inheritdoc/>
    public override bool IsGap(int row) => this[row] == Gap;

    /// <inheritdoc/>
    public override string? TextOf(int row) => this[row] is var value and >= 0 ? _contents!.Values[value] : null;

    /// <inheritdoc/>
    public override void Append(RawColumn next)
    {
        // Each text is looked up once, where it first comes up; a number of it is kept until all are forgotten.
        int[] numbers = next is TextColumn texts ? new int[texts.Values.Count] : [];
        Array.Fill(numbers, Gap);
        for (int row = 0; row < next.Count; row++)
        {
            if (next.IsGap(row))
                AddGap();
            else if (next is TextColumn same && !IsFreeText && numbers[same[row]] is var known and >= 0)
                _contents!.Rows.Add(known);
            else
            {
                Add(next.TextOf(row));
                if (next is TextColumn other)
                    numbers[other[row]] = _contents!.Rows[^1];
            }
        }
    }

    private void ForgetValues(Contents contents)
    {
        if (IsFreeText)
            return;
        IsFreeText = true;
        contents.ForgetValues();
        for (int row = 0; row < contents.Rows.Count; row++)
            contents.Rows[row] = Math.Min(contents.Rows[row], 0);
    }

    /// <summary>What a column with texts has.</summary>
    private sealed class Contents
    {
        private const int Few = 8; // found without a dictionary

        private Dictionary<string, int>? _numbers;
        private Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;

        /// <summary>Begins with gaps.</summary>
        public Contents(int gaps)
        {
            for (int i = 0; i < gaps; i++)
                Rows.Add(Gap);
        }

        public List<string> Values { get; } = new(1); // few in a table of very many columns

        public List<int> Rows { get; } = new(1);

        /// <summary>The number of a value; −1 for a new one.</summary>
        public int Find(ReadOnlySpan<char> text)
        {
            if (_numbers is not null)
                return _lookup.TryGetValue(text, out int number) ? number : -1;
            for (int i = 0; i < Values.Count; i++)
            {
                if (text.SequenceEqual(Values[i]))
                    return i;
            }
            return -1;
        }

        public void AddValue(string value)
        {
            Values.Add(value);
            if (_numbers is null && Values.Count > Few)
            {
                _numbers = Values.Index().ToDictionary(pair => pair.Item, pair => pair.Index, StringComparer.Ordinal);
                _lookup = _numbers.GetAlternateLookup<ReadOnlySpan<char>>();
            }
            else
                _numbers?.Add(value, Values.Count - 1);
        }

        /// <summary>Leaves one value, of any text.</summary>
        public void ForgetValues()
        {
            Values.Clear();
            _numbers = null;
            Values.Add("");
        }
    }
}
