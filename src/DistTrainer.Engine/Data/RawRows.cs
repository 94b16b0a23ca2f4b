using System.Numerics.Tensors;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data;

/// <summary>Rows of features as a file has them, before they are divided into parts and scaled.</summary>
/// <param name="width">Features a row.</param>
internal abstract class RawRows(int width)
{
    /// <summary>Rows.</summary>
    public int Count { get; protected set; }

    /// <summary>Features a row.</summary>
    public int Width { get; } = width;

    /// <summary>Copies a row.</summary>
    /// <param name="row">Number of the row.</param>
    /// <param name="destination">[<see cref="Width"/>], overwritten.</param>
    public abstract void CopyRow(int row, Span<double> destination);

    /// <summary>Copies some rows.</summary>
    /// <param name="rows">Numbers of the rows, ascending.</param>
    /// <param name="destination">[rows, <see cref="Width"/>], overwritten.</param>
    public virtual void CopyRows(ReadOnlySpan<int> rows, Span<double> destination)
    {
        for (int i = 0; i < rows.Length; i++)
            CopyRow(rows[i], destination.Slice(i * Width, Width));
    }

    /// <summary>Copies one feature of some rows.</summary>
    /// <param name="feature">Number of the feature.</param>
    /// <param name="rows">Numbers of the rows.</param>
    /// <param name="destination">[rows], overwritten.</param>
    public abstract void CopyColumn(int feature, ReadOnlySpan<int> rows, Span<double> destination);

    /// <summary>Copies neighbouring features of some rows.</summary>
    /// <param name="feature">Number of the first feature.</param>
    /// <param name="rows">Numbers of the rows.</param>
    /// <param name="destination">[features, rows], overwritten.</param>
    public virtual void CopyColumns(int feature, ReadOnlySpan<int> rows, Span<double> destination)
    {
        for (int i = 0; i * rows.Length < destination.Length; i++)
            CopyColumn(feature + i, rows, destination.Slice(i * rows.Length, rows.Length));
    }

    /// <summary>Gives the memory of rows back, as far as it can be: they are not read any more.</summary>
    /// <param name="end">The first row that is still read.</param>
    public virtual void Forget(int end)
    {
    }
}

/// <summary>Rows of numbers that lie side by side.</summary>
/// <param name="width">Features a row.</param>
internal abstract class PlainRows(int width) : RawRows(width)
{
    /// <inheritdoc/>
    public sealed override void CopyRow(int row, Span<double> destination) => CopyPart(row, 0, destination[..Width]);

    /// <summary>Copies neighbouring features of a row.</summary>
    /// <param name="row">Number of the row.</param>
    /// <param name="feature">Number of the first feature.</param>
    /// <param name="destination">[features], overwritten.</param>
    public abstract void CopyPart(int row, int feature, Span<double> destination);
}

/// <summary>Rows of bytes (images), a quarter of the size of floats.</summary>
internal sealed class ByteRows : PlainRows
{
    private readonly byte[] _values;

    /// <param name="values">[rows, <paramref name="width"/>] row-major; kept.</param>
    /// <param name="width">Features a row, ≥ 1.</param>
    public ByteRows(byte[] values, int width)
        : base(width) => (_values, Count) = (values, values.Length / width);

    /// <inheritdoc/>
    public override void CopyPart(int row, int feature, Span<double> destination) =>
        TensorPrimitives.ConvertTruncating<byte, double>(
            _values.AsSpan((row * Width) + feature, destination.Length), destination);

    /// <inheritdoc/>
    public override void CopyColumn(int feature, ReadOnlySpan<int> rows, Span<double> destination)
    {
        for (int i = 0; i < rows.Length; i++)
            destination[i] = _values[(rows[i] * Width) + feature];
    }
}

/// <summary>
/// Rows of floats in blocks of about eight megabytes outside the collector's heap, so that they can grow without being
/// copied, and a block's memory is free at once when it is forgotten.
/// </summary>
internal sealed class FloatRows : PlainRows
{
    private const int BlockValues = 2 << 20; // so many that they get huge pages

    private readonly List<AlignedBuffer> _blocks = [];
    private readonly int _rowsPerBlock;
    private int _forgotten;

    /// <param name="width">Features a row, ≥ 1.</param>
    /// <param name="expectedRows">Rows that will come, if known; keeps small data in a small block.</param>
    public FloatRows(int width, int expectedRows = int.MaxValue)
        : base(width) => _rowsPerBlock = Math.Clamp(Math.Min(expectedRows, BlockValues / width), 1, BlockValues);

    /// <summary>Adds a row.</summary>
    /// <returns>[<see cref="RawRows.Width"/>], to be filled.</returns>
    public Span<float> Append()
    {
        AppendSome(1, out Span<float> row);
        return row;
    }

    /// <summary>Adds rows, as many as lie side by side.</summary>
    /// <param name="most">How many are wanted, ≥ 1.</param>
    /// <param name="rows">[rows, <see cref="RawRows.Width"/>], to be filled.</param>
    /// <returns>How many there are.</returns>
    public int AppendSome(int most, out Span<float> rows)
    {
        if (Count == _blocks.Count * _rowsPerBlock)
            _blocks.Add(new AlignedBuffer(_rowsPerBlock * Width, zeroed: false));
        int first = Count % _rowsPerBlock, count = Math.Min(most, _rowsPerBlock - first);
        rows = _blocks[^1].Span.Slice(first * Width, count * Width);
        Count += count;
        return count;
    }

    /// <summary>A row that was added.</summary>
    public Span<float> Row(int row) =>
        _blocks[row / _rowsPerBlock].Span.Slice(row % _rowsPerBlock * Width, Width);

    /// <inheritdoc/>
    public override void Forget(int end)
    {
        for (; _forgotten < end / _rowsPerBlock; _forgotten++)
            _blocks[_forgotten].Dispose();
    }

    /// <inheritdoc/>
    public override void CopyPart(int row, int feature, Span<double> destination) =>
        TensorPrimitives.ConvertTruncating<float, double>(Row(row).Slice(feature, destination.Length), destination);

    /// <inheritdoc/>
    public override void CopyColumns(int feature, ReadOnlySpan<int> rows, Span<double> destination)
    {
        int count = destination.Length / rows.Length;
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<float> source = Row(rows[i]).Slice(feature, count);
            for (int column = 0; column < source.Length; column++)
                destination[(column * rows.Length) + i] = source[column];
        }
    }

    /// <inheritdoc/>
    public override void CopyColumn(int feature, ReadOnlySpan<int> rows, Span<double> destination)
    {
        for (int i = 0; i < rows.Length; i++)
            destination[i] = Row(rows[i])[feature];
    }
}
