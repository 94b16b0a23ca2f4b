using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DistTrainer.Engine.Data;

/// <summary>
/// The header of a NumPy <c>.npy</c> file of version 1, 2 or 3 (NEP 1 and numpy.lib.format): the type of the values and
/// the shape. Only little-endian numbers in C order are taken.
/// </summary>
/// <param name="Kind"><c>f</c> float, <c>i</c> signed, <c>u</c> unsigned, <c>b</c> bool.</param>
/// <param name="ItemSize">Bytes of a value.</param>
/// <param name="Rows">First dimension, ≥ 1.</param>
/// <param name="Width">Product of the other dimensions, ≥ 1.</param>
/// <param name="HeaderLength">Bytes before the first value.</param>
internal sealed partial record NpyHeader(char Kind, int ItemSize, int Rows, int Width, long HeaderLength)
{
    private const int LongestText = 65_536;

    /// <summary>Bytes of all values.</summary>
    public long DataLength => (long)Rows * Width * ItemSize;

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

    private static NpyHeader Parse(string text, string name, long headerLength)
    {
        Match type = DescriptionPattern().Match(text), order = OrderPattern()
            .Match(text), shape = ShapePattern().Match(text);
        if (!type.Success || !order.Success || !shape.Success)
            throw DataError.Of(
                $"{name}: the array's header {DataError.Quote(text.Trim())} has no plain type, order and shape; save "
                + "a plain array of numbers.");
        if (order.Groups[1].ValueSpan is "True")
            throw DataError.Of($"{name}: the array is in Fortran order; save numpy.ascontiguousarray(array) instead.");
        (char kind, int itemSize) = ParseType(type.Groups[1].Value, name);
        string dimensions = shape.Groups[1].Value;
        string[] parts = dimensions.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        long rows = 1, width = 1;
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out int dimension)
                || dimension < 1 || width > Array.MaxLength / dimension)
                throw DataError.Of(
                    $"{name}: the shape {DataError.Quote($"({dimensions})")} cannot be used; every dimension must be "
                    + $"at least 1 and the product at most {Array.MaxLength}.");
            (rows, width) = i == 0 ? (dimension, 1) : (rows, width * dimension);
        }
        if (parts.Length == 0)
            throw DataError.Of($"{name}: the array is a single number; the first dimension must be the samples.");
        RawData.CheckSize(name, rows, width);
        return new(kind, itemSize, (int)rows, (int)width, headerLength);
    }

    private static (char Kind, int ItemSize) ParseType(string type, string name) => type switch
    {
        ['<' or '|' or '=', 'f', '4'] or ['<' or '=', 'f', '8'] or [
            '<' or '|' or '=', 'i' or 'u', '1' or '2' or '4' or '8'] or "|b1"
            => (type[1], type[2] - '0'),
        ['>', ..] =>
            throw DataError.Of(
                $"{name}: values of type {DataError.Quote(type)} are big-endian; save "
                + "array.astype(array.dtype.newbyteorder('<')) instead."),
        _ => throw DataError.Of(
            $"{name}: values of type {DataError.Quote(type)} are not read; f4, f8, i1 to i8, u1 to u8 and b1 are: "
            + "save array.astype('float32') instead."),
    };

    private static DistTrainerException CutOff(string name) =>
        DataError.Of($"{name}: the array ends within its header; get the file again.");

    [GeneratedRegex(@"'descr'\s*:\s*'([^']{1,16})'")]
    private static partial Regex DescriptionPattern();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)\b")]
    private static partial Regex OrderPattern();

    [GeneratedRegex(@"'shape'\s*:\s*\(([0-9,\s]{0,200})\)")]
    private static partial Regex ShapePattern();
}
