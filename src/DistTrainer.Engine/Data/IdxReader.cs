using System.Buffers.Binary;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads the IDX files of MNIST (bytes only), gzip too. Format: LeCun, "The MNIST database": two zero bytes, a type
/// byte, the number of dimensions, the dimensions as big-endian 32-bit numbers, the values.
/// </summary>
internal static class IdxReader
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Reads images and, where given, their labels.</summary>
    /// <param name="imagesPath">A file of two or more dimensions; all but the first make the features.</param>
    /// <param name="labelsPath">A file of one dimension; null reads no labels.</param>
    /// <exception cref="DistTrainerException">A file is damaged, or the two do not fit each other.</exception>
    public static RawMatrix Read(string imagesPath, string? labelsPath)
    {
        (byte[] images, int[] shape) = ReadBytes(imagesPath, 2, 4);
        int width = images.Length / shape[0];
        RawTarget[] targets = [];
        if (labelsPath is not null)
        {
            (byte[] labels, int[] labelShape) = ReadBytes(labelsPath, 1, 1);
            if (labelShape[0] != shape[0])
                throw DataError.Of(
                    $"{labelsPath}: {labelShape[0]} labels, but {imagesPath} has {shape[0]} images; give two files "
                    + "that belong together.");
            targets = [new("label", Array.ConvertAll(labels, label => (double)label), null)];
        }
        return new(imagesPath, new ByteRows(images, width), ArrayNames.Of(width), targets,
            row => $"{imagesPath}: image {row}", (row, _) => $"{labelsPath}: label {row}");
    }

    private static (byte[] Values, int[] Shape) ReadBytes(string path, int fewestDimensions, int mostDimensions) =>
        DataError.Guard(path, () =>
    {
        using Stream stream = InputFile.Open(path, out long largest, out bool exact);
        Span<byte> header = stackalloc byte[4 + (4 * mostDimensions)];
        if (stream.ReadAtLeast(header[..4], 4, throwOnEndOfStream: false) < 4 || header is not [0, 0, _, _, ..])
            throw DataError.Of(
                $"{path}: the file does not begin like an IDX file (00 00 08 and the number of dimensions); give an "
                + "MNIST-like file.");
        if (header[2] != UnsignedByte)
            throw DataError.Of(
                $"{path}: IDX values of type 0x{header[2]:x2} are not read; unsigned bytes (0x08) are: convert the "
                + "file.");
        int dimensions = header[3];
        if (dimensions < fewestDimensions || dimensions > mostDimensions)
        {
            string wanted = fewestDimensions == 1 ? "labels have 1"
                : $"images have {fewestDimensions} to {mostDimensions}";
            throw DataError.Of(
                $"{path}: the file has {dimensions} dimension(s) where {wanted}; check which file is which.");
        }
        Span<byte> rest = header.Slice(4, 4 * dimensions);
        if (stream.ReadAtLeast(rest, rest.Length, throwOnEndOfStream: false) < rest.Length)
            throw DataError.Of($"{path}: the file ends within its header; get it again.");
        int[] shape = ReadShape(path, rest);
        long length = CheckedLength(path, shape, largest - 4 - rest.Length, exact);
        byte[] values = InputFile.ReadBytes(stream, length, exact);
        if (values.Length < length)
            throw DataError.Of($"{path}: the file ends after {values.Length} of {length} values; get it again.");
        if (stream.ReadByte() >= 0)
            throw DataError.Of($"{path}: there are bytes after the last of {length} values; get the file again.");
        return (values, shape);
    });

    private static int[] ReadShape(string path, ReadOnlySpan<byte> bytes)
    {
        int[] shape = new int[bytes.Length / 4];
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = BinaryPrimitives.ReadInt32BigEndian(bytes[(4 * i)..]);
            if (shape[i] < 1)
                throw DataError.Of(
                    $"{path}: dimension {i} is {(uint)shape[i]}; 1 to {int.MaxValue} is allowed: the file is damaged "
                    + "or has no samples.");
        }
        return shape;
    }

    /// <summary>
    /// The number of values, after it was held against what the file can contain: nothing is allocated for a header
    /// that lies.
    /// </summary>
    private static long CheckedLength(string path, int[] shape, long available, bool exact)
    {
        long length = 1;
        foreach (int dimension in shape)
        {
            if (length > Array.MaxLength / dimension)
                throw DataError.Of(
                    $"{path}: {string.Join(" × ", shape)} values are more than the {Array.MaxLength} that fit in "
                    + "memory as one array; the file is damaged, or must be divided.");
            length *= dimension;
        }
        if (length > available || (exact && length != available))
            throw DataError.Of(
                $"{path}: the header says {string.Join(" × ", shape)} = {length} values, the file has "
                + $"{(exact ? "" : "at most ")}{available}; it is cut off or damaged: get it again.");
        return length;
    }
}

/// <summary>Names for the features of files that have none.</summary>
internal static class ArrayNames
{
    /// <summary>x0, x1, …</summary>
    public static string[] Of(int width) => [.. Enumerable.Range(0, width).Select(i => $"x{i}")];
}
