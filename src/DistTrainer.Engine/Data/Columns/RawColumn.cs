using System.Globalization;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>All values of one column of a table, as its source has them.</summary>
/// <param name="name">The column's name.</param>
internal abstract class RawColumn(string name)
{
    /// <summary>The column's name.</summary>
    public string Name { get; private set; } = name;

    /// <summary>Rows.</summary>
    public abstract int Count { get; }

    /// <summary>Whether a row has no value.</summary>
    public abstract bool IsGap(int row);

    /// <summary>A value as text; null for a gap.</summary>
    public abstract string? TextOf(int row);

    /// <summary>The same values under another name; they are shared.</summary>
    public RawColumn Renamed(string name)
    {
        var other = (RawColumn)MemberwiseClone();
        other.Name = name;
        return other;
    }

    /// <summary>Appends the values of a column of the same type: the next part of a table.</summary>
    public abstract void Append(RawColumn next);
}

/// <summary>
/// A column of numbers, or of times in seconds since 1970. They are kept as floats in chunks, those of a chunk that
/// lies far from zero as distances from its smallest value: a value's error stays below 2⁻²⁰ of its chunk's range, and
/// whole numbers below 2²⁴ are exact, at half the memory of doubles.
/// </summary>
/// <param name="name">The column's name.</param>
/// <param name="isTime">Whether they are times.</param>
/// <param name="isPart">Whether they are kept as they come, for a column that they are appended to.</param>
internal sealed class NumberColumn(string name, bool isTime = false, bool isPart = false) : RawColumn(name)
{
    private const int ChunkLength = NumberChunk.Length;
    private const double FarFromZero = 16;
    private const int FewValues = 4; // a table may have very many columns and few rows

    private static readonly List<(double Base, NumberChunk Offsets)> s_none = []; // stays empty

    private List<(double Base, NumberChunk Offsets)> _chunks = s_none;
    private int _forgotten;
    private double[] _open = new double[FewValues];
    private int _opened;

    /// <summary>Whether the numbers are times, in seconds since 1970 in the data's own time zone.</summary>
    public bool IsTime { get; } = isTime;

    /// <inheritdoc/>
    public override int Count => (_chunks.Count * ChunkLength) + _opened;

    /// <summary>A row's number; NaN for a gap.</summary>
    public double this[int row]
    {
        get
        {
            int chunk = row / ChunkLength;
            if (chunk >= _chunks.Count)
                return _open[row - (_chunks.Count * ChunkLength)];
            (double start, NumberChunk offsets) = _chunks[chunk];
            return start + offsets.Values[row % ChunkLength];
        }
    }

    /// <summary>Copies some rows.</summary>
    /// <param name="rows">Numbers of the rows; those of neighbours are found fastest.</param>
    /// <param name="destination">Overwritten.</param>
    /// <param name="stride">Places from one row's to the next one's.</param>
    /// <param name="fill">What stands in for a gap.</param>
    public void Copy(ReadOnlySpan<int> rows, Span<double> destination, int stride, double fill)
    {
        int known = -1;
        double start = 0;
        ReadOnlySpan<float> offsets = [];
        for (int i = 0; i < rows.Length; i++)
        {
            int number = rows[i] / ChunkLength;
            if (number != known && number < _chunks.Count)
            {
                (known, start) = (number, _chunks[number].Base);
                offsets = _chunks[number].Offsets.Values;
            }
            double value = number == known ? start + offsets[rows[i] % ChunkLength]
                : _open[rows[i] - (_chunks.Count * ChunkLength)];
            destination[i * stride] = double.IsNaN(value) ? fill : value;
        }
    }

    /// <summary>Rows without a number.</summary>
    public int CountGaps()
    {
        int gaps = 0;
        foreach ((_, NumberChunk offsets) in _chunks)
        {
            foreach (float offset in offsets.Values)
                gaps += float.IsNaN(offset) ? 1 : 0;
        }
        foreach (double value in _open.AsSpan(0, _opened))
            gaps += double.IsNaN(value) ? 1 : 0;
        return gaps;
    }

    /// <summary>Adds a row.</summary>
    /// <param name="value">Within ±3.4e38; NaN for a gap.</param>
    public void Add(double value)
    {
        if (_opened == _open.Length)
            Array.Resize(ref _open, 2 * _open.Length);
        _open[_opened++] = value;
        if (_opened == ChunkLength && !isPart)
        {
            if (_chunks == s_none)
                _chunks = [];
            _chunks.Add(Pack(_open));
            _opened = 0;
        }
    }

    /// <summary>Forgets all rows.</summary>
    public void Clear()
    {
        Forget(_chunks.Count * ChunkLength);
        _chunks.Clear();
        (_forgotten, _opened) = (0, 0);
    }

    /// <summary>Gives the memory of rows back that nobody reads any more.</summary>
    /// <param name="end">The first row that is still read.</param>
    public void Forget(int end)
    {
        for (; _forgotten < Math.Min(end / ChunkLength, _chunks.Count); _forgotten++)
            _chunks[_forgotten].Offsets.Free();
    }

    /// <inheritdoc/>
    public override bool IsGap(int row) => double.IsNaN(this[row]);

    /// <inheritdoc/>
    public override string? TextOf(int row) => this[row] is var value && double.IsNaN(value) ? null
        : IsTime ? TimeText.Format(value) : value.ToString("R", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override void Append(RawColumn next)
    {
        if (next is not NumberColumn { _chunks.Count: 0 } part)
        {
            for (int row = 0; row < next.Count; row++)
                Add(next is NumberColumn numbers ? numbers[row] : double.NaN);
            return;
        }
        ReadOnlySpan<double> values = part._open.AsSpan(0, part._opened);
        while (values.Length > 0)
        {
            Add(values[0]);
            int taken = Math.Min(values.Length - 1, Math.Min(_open.Length, ChunkLength) - 1 - _opened);
            if (taken > 0)
                values.Slice(1, taken).CopyTo(_open.AsSpan(_opened));
            _opened += Math.Max(0, taken);
            values = values[(1 + Math.Max(0, taken))..];
        }
    }

    private static (double Base, NumberChunk Offsets) Pack(double[] values)
    {
        double least = double.PositiveInfinity, most = double.NegativeInfinity;
        bool exact = true;
        foreach (double value in values)
        {
            if (double.IsNaN(value))
                continue;
            (least, most) = (Math.Min(least, value), Math.Max(most, value));
            exact &= (float)value == value;
        }
        bool isFar = !exact && Math.Max(Math.Abs(least), Math.Abs(most)) > FarFromZero * (most - least);
        double start = isFar ? least : 0;
        var chunk = NumberChunk.Take();
        Span<float> offsets = chunk.Values;
        for (int i = 0; i < offsets.Length; i++)
            offsets[i] = (float)(values[i] - start);
        return (start, chunk);
    }
}
