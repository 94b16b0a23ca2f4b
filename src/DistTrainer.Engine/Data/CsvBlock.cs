using System.Buffers;
using System.Runtime.ExceptionServices;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>Some rows of a CSV text, and what was read of them.</summary>
internal sealed class CsvBlock : IDisposable
{
    private byte[] _bytes = [];
    private int _capacity;

    /// <summary>The line on which <see cref="Text"/> begins.</summary>
    public long FirstLine { get; private set; }

    /// <summary>Bytes of the text.</summary>
    public int Length { get; set; }

    /// <summary>Whole rows, in UTF-8.</summary>
    public ReadOnlyMemory<byte> Text => _bytes.AsMemory(0, Length);

    /// <summary>Where the text is read to.</summary>
    public Span<byte> Room => _bytes.AsSpan(0, _capacity);

    /// <summary>The values of the rows, a column each.</summary>
    public ColumnBuffer[] Columns { get; set; } = [];

    /// <summary>The lines of the rows.</summary>
    public RowLines Lines { get; } = new();

    /// <summary>Why the rows could not be read; null where they were.</summary>
    public ExceptionDispatchInfo? Failure { get; set; }

    /// <summary>Takes the next rows, in place of those before.</summary>
    /// <param name="firstLine">The line on which they begin.</param>
    /// <param name="capacity">Room in bytes.</param>
    public void Begin(long firstLine, int capacity)
    {
        (FirstLine, Length, Failure) = (firstLine, 0, null);
        Grow(capacity, 0);
    }

    /// <summary>Makes more room.</summary>
    /// <param name="capacity">Bytes.</param>
    /// <param name="kept">Bytes that stay.</param>
    public void Grow(int capacity, int kept)
    {
        _capacity = capacity;
        if (_bytes.Length >= capacity)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(capacity);
        _bytes.AsSpan(0, kept).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    /// <summary>Forgets what was read of the rows.</summary>
    /// <param name="forms">What the columns' cells are, as the rows before have it.</param>
    public void Clear(ReadOnlySpan<ColumnForm> forms)
    {
        Lines.Clear();
        for (int i = 0; i < Columns.Length; i++)
            Columns[i].BeginPart(forms[i]);
    }

    /// <summary>Whether the columns are what the rows before say, as far as these say it.</summary>
    /// <param name="forms">One a column.</param>
    public bool Fits(ReadOnlySpan<ColumnForm> forms)
    {
        for (int i = 0; i < forms.Length; i++)
        {
            ColumnForm found = Columns[i].Found;
            if (forms[i] != ColumnForm.Any && found != ColumnForm.Any && found != forms[i])
                return false;
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }
}
