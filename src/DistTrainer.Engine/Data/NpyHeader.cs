using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DistTrainer.Engine.Data;

/// <summary>
/// The header of a NumPy <c>.npy</c> file of version 1, 2 or 3 (NEP 1 and numpy.lib.format): the type of the values,
/// their order and the shape.
/// </summary>
/// <param name="Type">The type of the values.</param>
/// <param name="Fortran">Whether the first dimension runs fastest, not the last.</param>
/// <param name="Rows">First dimension, ≥ 1.</param>
/// <param name="Inner">The other dimensions, each ≥ 1.</param>
/// <param name="HeaderLength">Bytes before the first value.</param>
internal sealed partial record NpyHeader(NpyType Type, bool Fortran, int Rows, int[] Inner, long HeaderLength)
{
    private const int LongestText = 65_536;

    /// <summary>Product of the other dimensions, ≥ 1.</summary>
    public int Width { get; } = Inner.Aggregate(1, (product, dimension) => product * dimension);

    /// <summary>Whether the values of a row do not stand side by side, and have to be brought together.</summary>
    public bool IsByColumn => Fortran && Rows > 1 && Width > 1;

    /// <summary>Bytes of all values.</summary>
    public long DataLength => (long)Rows * Width * Type.Size;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads the header and leaves the stream at the first value. Nothing large is allocated.</summary>
    /// <param name="stream">At the beginning of the array.</param>
    /// <param name="name">Of the file, or of the array within it, for errors.</param>
    /// <exception cref="DistTrainerException">It is no such file, or its values are of another kind.</exception>
    public static NpyHeader Read(Stream stream, string name)
    {
        Span<byte> start = stackalloc byte[12];
        if (stream.ReadAtLeast(start[..8], 8, throwOnEndOfStream: false) < 8 || !start[..6].SequenceEqual(Magic))
            throw DataError.Of(
                $"{name}: the array does not begin like one of NumPy (93 'NUMPY'); save it with numpy.save or "
                + "numpy.savez.");
        int version = start[6];
        if (version is < 1 or > 3)
            throw DataError.Of(
                $"{name}: version {version} of the NumPy format is not known; versions 1 to 3 are: save it with a "
                + "current NumPy.");
        Span<byte> size = version == 1 ? start[8..10] : start[8..12];
        if (stream.ReadAtLeast(size, size.Length, throwOnEndOfStream: false) < size.Length)
            throw CutOff(name);
        uint length = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(size)
            : BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (length > LongestText)
            throw DataError.Of(
                $"{name}: a header of {length} bytes is not read; up to {LongestText} are: the file is damaged, or no "
                + "plain array.");
        byte[] text = new byte[length];
        if (stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false) < text.Length)
            throw CutOff(name);
        return Parse(Encoding.UTF8.GetString(text), name, 8 + size.Length + length);
    }

    /// <summary>
    /// The places in a row of the values in the order of the file, where that is Fortran's: its first dimension runs
    /// fastest, a row's last one.
    /// </summary>
    public IEnumerable<int> FortranPlaces()
    {
        int[] index = new int[Inner.Length];
        for (int i = 0; i < Width; i++)
        {
            int place = 0;
            for (int dimension = 0; dimension < index.Length; dimension++)
                place = (place * Inner[dimension]) + index[dimension];
            yield return place;
            for (int dimension = 0; dimension < index.Length && ++index[dimension] == Inner[dimension]; dimension++)
                index[dimension] = 0;
        }
    }

    private static NpyHeader Parse(string text, string name, long headerLength)
    {
        if (StructurePattern().IsMatch(text))
        {
            string fields = string.Join(
                ", ", FieldPattern().Matches(text).Take(12).Select(field => DataError.Quote(field.Groups[1].Value)));
            throw DataError.Of(
                $"{name}: the array has fields with names ({fields}), which are not read; save the features as "
                + "numpy.lib.recfunctions.structured_to_unstructured(array[[…]]) and the targets as an array of their "
                + "own, or the table as CSV or Parquet.");
        }
        Match type = DescriptionPattern().Match(text), order = OrderPattern()
            .Match(text), shape = ShapePattern().Match(text);
        if (!type.Success || !order.Success || !shape.Success)
            throw DataError.Of(
                $"{name}: the array's header {DataError.Quote(text.Trim())} has no plain type, order and shape; save "
                + "a plain array of numbers.");
        NpyType found = NpyType.Parse(type.Groups[1].Value, name);
        (int rows, int[] inner) = ParseShape(shape.Groups[1].Value, name);
        return new(found, order.Groups[1].ValueSpan is "True", rows, inner, headerLength);
    }

    private static (int Rows, int[] Inner) ParseShape(string dimensions, string name)
    {
        string[] parts = dimensions.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int[] shape = new int[parts.Length];
        long width = 1;
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out shape[i])
                || shape[i] < 1 || width > Array.MaxLength / shape[i])
                throw DataError.Of(
                    $"{name}: the shape {DataError.Quote($"({dimensions})")} cannot be used; every dimension must be "
                    + $"at least 1 and the product at most {Array.MaxLength}.");
            width = i == 0 ? 1 : width * shape[i];
        }
        if (shape.Length == 0)
            throw DataError.Of($"{name}: the array is a single number; the first dimension must be the samples.");
        RawData.CheckSize(name, shape[0], width);
        return (shape[0], shape[1..]);
    }

    private static DistTrainerException CutOff(string name) =>
        DataError.Of($"{name}: the array ends within its header; get the file again.");

    [GeneratedRegex(@"'descr'\s*:\s*'([^']{1,16})'")]
    private static partial Regex DescriptionPattern();

    [GeneratedRegex(@"'descr'\s*:\s*\[")]
    private static partial Regex StructurePattern();

    [GeneratedRegex(@"\('([^']{1,100})'\s*,")]
    private static partial Regex FieldPattern();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)\b")]
    private static partial Regex OrderPattern();

    [GeneratedRegex(@"'shape'\s*:\s*\(([0-9,\s]{0,200})\)")]
    private static partial Regex ShapePattern();
}

/// <summary>The type of a NumPy array's values.</summary>
/// <param name="Kind"><c>f</c> float, <c>i</c> signed, <c>u</c> unsigned, <c>b</c> bool, <c>U</c> text of UTF-32,
/// <c>S</c> text of bytes.</param>
/// <param name="Size">Bytes of a value, ≥ 1.</param>
/// <param name="BigEndian">Whether a number's highest byte comes first.</param>
internal readonly record struct NpyType(char Kind, int Size, bool BigEndian)
{
    private const int LongestText = 4096;

    /// <summary>Whether the values are texts, which only classes can be.</summary>
    public bool IsText => Kind is 'U' or 'S';

    /// <summary>Whether a value is one byte that says a number from 0 to 255.</summary>
    public bool IsByte => (Kind, Size) == ('u', 1);

    /// <summary>From NumPy's name of it: byte order, kind, size.</summary>
    /// <param name="type">Such as <c>&lt;f4</c>.</param>
    /// <param name="name">Of the array, for errors.</param>
    /// <exception cref="DistTrainerException">It is of a kind that is not read.</exception>
    public static NpyType Parse(string type, string name)
    {
        char kind = type.Length > 1 ? type[1] : ' ';
        bool isSized = int.TryParse(type.AsSpan(Math.Min(2, type.Length)), NumberStyles.None,
            CultureInfo.InvariantCulture, out int size);
        bool isRead = isSized && type[0] is '<' or '>' or '|' or '=' && (kind, size) switch
        {
            ('f', 2 or 4 or 8) or ('i' or 'u', 1 or 2 or 4 or 8) or ('b', 1) => true,
            ('U' or 'S', >= 1 and <= LongestText) => true,
            _ => false,
        };
        if (isRead)
            return new(kind, kind == 'U' ? 4 * size : size, type[0] == '>');
        string what = $"{name}: values of type {DataError.Quote(type)}";
        throw DataError.Of(kind switch
        {
            'O' => $"{what} are objects of Python (pickle), which are not read; save array.astype('float32'), or "
                + "array.astype(str) for the names of classes, instead.",
            'U' or 'S' => $"{what} are not read; texts of 1 to {LongestText} characters are.",
            _ => $"{what} are not read; f2, f4, f8, i1 to i8, u1 to u8 and b1 are, and U and S for the names of "
                + "classes: save array.astype('float32') instead.",
        });
    }
}
