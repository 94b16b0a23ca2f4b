using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads the values of a NumPy array one after another, block by block, so that no second copy of them is held.
/// </summary>
/// <param name="stream">At the first value.</param>
/// <param name="type">Their type.</param>
/// <param name="count">How many there are.</param>
internal sealed class NpyValues(Stream stream, NpyType type, long count)
{
    private readonly byte[] _buffer = new byte[Math.Max(1, (1 << 16) / type.Size) * type.Size];
    private long _read;
    private int _next;
    private int _end;

    /// <summary>Reads the next numbers, each rounded once.</summary>
    /// <typeparam name="T">What they become.</typeparam>
    /// <param name="values">Overwritten.</param>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public void Read<T>(Span<T> values)
        where T : unmanaged, INumberBase<T>
    {
        while (values.Length > 0)
        {
            if (_next == _end && typeof(T) == typeof(float)
                && type is { Kind: 'f', Size: sizeof(float), BigEndian: false }
                && values.Length * sizeof(float) >= _buffer.Length)
            {
                Take(MemoryMarshal.AsBytes(values));
                return;
            }
            Fill();
            int part = Math.Min(values.Length, (_end - _next) / type.Size);
            Convert(_buffer.AsSpan(_next, part * type.Size), values[..part]);
            _next += part * type.Size;
            values = values[part..];
        }
    }

    /// <summary>Reads the next text, without the zeros that fill it up.</summary>
    /// <returns>Null where it is not valid UTF-8 or UTF-32.</returns>
    public string? ReadText()
    {
        Fill();
        ReadOnlySpan<byte> bytes = _buffer.AsSpan(_next, type.Size);
        _next += type.Size;
        if (type.Kind == 'S')
        {
            bytes = bytes.TrimEnd((byte)0);
            return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
        }
        ReadOnlySpan<int> runes = MemoryMarshal.Cast<byte, int>(bytes).TrimEnd(0);
        var text = new StringBuilder(runes.Length);
        foreach (int rune in runes)
        {
            if (!Rune.IsValid(rune))
                return null;
            text.Append(new Rune(rune).ToString());
        }
        return text.ToString();
    }

    /// <summary>Takes the next block into the buffer where nothing is left in it, and makes it little-endian.</summary>
    private void Fill()
    {
        if (_next < _end)
            return;
        int length = (int)Math.Min(_buffer.Length, (count - _read) * type.Size);
        Take(_buffer.AsSpan(0, length));
        (_next, _end) = (0, length);
        int unit = type.Kind switch
        {
            'U' => 4,
            'S' => 1,
            _ => type.Size,
        };
        if (type.BigEndian && unit > 1)
            Reverse(_buffer.AsSpan(0, length), unit);
    }

    private void Take(Span<byte> bytes)
    {
        int read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (read < bytes.Length || bytes.Length == 0)
            throw new EndOfStreamException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the array ends after {(_read * type.Size) + read} of {count * type.Size} bytes"));
        _read += bytes.Length / type.Size;
    }

    private static void Reverse(Span<byte> bytes, int unit)
    {
        switch (unit)
        {
            case 2:
                Span<short> twos = MemoryMarshal.Cast<byte, short>(bytes);
                BinaryPrimitives.ReverseEndianness(twos, twos);
                break;
            case 4:
                Span<int> fours = MemoryMarshal.Cast<byte, int>(bytes);
                BinaryPrimitives.ReverseEndianness(fours, fours);
                break;
            default:
                Span<long> eights = MemoryMarshal.Cast<byte, long>(bytes);
                BinaryPrimitives.ReverseEndianness(eights, eights);
                break;
        }
    }

    private void Convert<T>(ReadOnlySpan<byte> bytes, Span<T> values)
        where T : unmanaged, INumberBase<T>
    {
        switch (type.Kind, type.Size)
        {
            case ('f', 2):
                Convert<Half, T>(bytes, values);
                break;
            case ('f', 4):
                Convert<float, T>(bytes, values);
                break;
            case ('f', 8):
                Convert<double, T>(bytes, values);
                break;
            case ('i', 1):
                Convert<sbyte, T>(bytes, values);
                break;
            case ('i', 2):
                Convert<short, T>(bytes, values);
                break;
            case ('i', 4):
                Convert<int, T>(bytes, values);
                break;
            case ('i', 8):
                Convert<long, T>(bytes, values);
                break;
            case ('u', 2):
                Convert<ushort, T>(bytes, values);
                break;
            case ('u', 4):
                Convert<uint, T>(bytes, values);
                break;
            case ('u', 8):
                Convert<ulong, T>(bytes, values);
                break;
            case ('b', 1):
                for (int i = 0; i < bytes.Length; i++)
                    values[i] = bytes[i] == 0 ? T.Zero : T.One;
                break;
            default:
                Convert<byte, T>(bytes, values);
                break;
        }
    }

    private static void Convert<TFrom, T>(ReadOnlySpan<byte> bytes, Span<T> values)
        where TFrom : unmanaged, INumberBase<TFrom>
        where T : unmanaged, INumberBase<T>
    {
        if (typeof(TFrom) == typeof(T))
        {
            bytes.CopyTo(MemoryMarshal.AsBytes(values));
            return;
        }
        ReadOnlySpan<TFrom> numbers = MemoryMarshal.Cast<byte, TFrom>(bytes);
        for (int i = 0; i < numbers.Length; i++)
            values[i] = T.CreateTruncating(numbers[i]);
    }
}
