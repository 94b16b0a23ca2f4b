using System.Buffers.Binary;
using System.IO.Compression;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads NumPy arrays: a <c>.npz</c> with the arrays <c>x</c> (samples first, the other dimensions make the features)
/// and <c>y</c>, or a <c>.npy</c> whose name ends in <c>x.npy</c> beside one that ends in <c>y.npy</c>.
/// </summary>
internal static class NpyReader
{
    private const int BufferBytes = 1 << 16;

    /// <summary>Reads the features and, where asked, the targets.</summary>
    /// <exception cref="DistTrainerException">A file or array is missing, damaged, or of a kind that is not
    /// read.</exception>
    public static RawData Read(string path, ReadRequest request) => DataError.Guard(path, () =>
        path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase) ? ReadArchive(path, request)
            : ReadPair(path, request));

    private static RawData ReadPair(string path, ReadRequest request)
    {
        const string FeatureEnd = "x.npy", TargetEnd = "y.npy";
        string targetPath = path.EndsWith(FeatureEnd, StringComparison.Ordinal)
            ? path[..^FeatureEnd.Length] + TargetEnd : "";
        RawRows features = ReadFile(path, (stream, header) => ReadRows(stream, header, path));
        if (targetPath.Length > 0 && File.Exists(targetPath))
            return Combine(
                path, features,
                ReadFile(targetPath, (stream, header) => (header.Width, ReadNumbers(stream, header))), targetPath);
        if (request.NeedTargets)
            throw DataError.Of(targetPath.Length > 0
                ? $"{targetPath}: no such file; the targets of {path} are expected there."
                : $"{path}: the targets' file is not known; name the features' file …x.npy and the targets' file "
                    + "…y.npy, or save both as x and y in one .npz.");
        return Combine(path, features, null, "");
    }

    private static T ReadFile<T>(string path, Func<Stream, NpyHeader, T> read)
    {
        using Stream stream = DataError.Guard(path, () => InputFile.Open(path, out _, out _));
        NpyHeader header = NpyHeader.Read(stream, path);
        return stream.CanSeek ? ReadChecked(stream, header, path, stream.Length, read)
            : throw DataError.Of(
                $"{path}: a .npy file within gzip is not read; unpack it, or save a .npz with numpy.savez_compressed.");
    }

    private static RawData ReadArchive(string path, ReadRequest request)
    {
        using Stream file = InputFile.OpenPlain(path);
        using var archive = new ZipArchive(file, ZipArchiveMode.Read);
        RawRows features = ReadEntry(
            path, file.Length, archive, "x", (stream, header, name) => ReadRows(stream, header, name));
        string targetName = $"{path}[y]";
        return !request.NeedTargets && Find(archive, "y") is null
            ? Combine(path, features, null, targetName)
            : Combine(
                path, features, ReadEntry(path, file.Length, archive, "y",
                (stream, header, _) => (header.Width, ReadNumbers(stream, header))), targetName);
    }

    private static ZipArchiveEntry? Find(ZipArchive archive, string array) =>
        archive.Entries.FirstOrDefault(
            entry => string.Equals(entry.FullName, array + ".npy", StringComparison.Ordinal));

    private static T ReadEntry<T>(
        string path, long length, ZipArchive archive, string array, Func<Stream, NpyHeader, string, T> read)
    {
        ZipArchiveEntry entry = Find(archive, array) ?? throw DataError.Of(
            $"{path}: there is no array '{array}' among "
                + $"{string.Join(", ", archive.Entries.Take(12).Select(e => DataError.Quote(e.FullName)))}; save with "
                + "numpy.savez(path, x=features, y=targets).");
        string name = $"{path}[{array}]";
        if (entry.Length / InputFile.LargestExpansion > entry.CompressedLength || entry.CompressedLength > length)
            throw DataError.Of(
                $"{name}: {entry.CompressedLength} bytes cannot unpack to {entry.Length}; the archive is damaged: "
                + "save it again.");
        if (entry.Length > InputFile.LargestUnpacked(entry.CompressedLength))
            throw InputFile.ExpandsTooFar(
                name, entry.CompressedLength, "if it is meant, save it with numpy.savez, not packed.");
        using Stream stream = entry.Open();
        return ReadChecked(
            stream, NpyHeader.Read(stream, name), name, entry.Length, (s, header) => read(s, header, name));
    }

    /// <summary>
    /// Reads the values after the header was held against the length, so that a header that lies allocates nothing.
    /// </summary>
    private static T ReadChecked<T>(
        Stream stream, NpyHeader header, string name, long length, Func<Stream, NpyHeader, T> read)
    {
        if (header.HeaderLength + header.DataLength != length)
            throw DataError.Of(
                $"{name}: the header says {header.Rows} × {header.Width} values of {header.ItemSize} bytes = "
                + $"{header.DataLength} bytes, but {length - header.HeaderLength} follow; the file is cut off or "
                + "damaged: save it again.");
        T result = read(stream, header);
        return stream.ReadByte() < 0 ? result
            : throw DataError.Of($"{name}: there are bytes after the last value; save the file again.");
    }

    private static RawRows ReadRows(Stream stream, NpyHeader header, string name)
    {
        if (header is { Kind: 'u', ItemSize: 1 })
        {
            return new ByteRows(ReadBytes(stream, header), header.Width);
        }
        var rows = new FloatRows(header.Width, header.Rows);
        byte[] buffer = new byte[BufferBytes];
        for (int row = 0; row < header.Rows; row++)
        {
            Span<float> values = rows.Append();
            for (int start = 0; start < values.Length; start += BufferBytes / header.ItemSize)
            {
                Span<float> part = values[start..Math.Min(values.Length, start + (BufferBytes / header.ItemSize))];
                stream.ReadExactly(buffer, 0, part.Length * header.ItemSize);
                for (int i = 0; i < part.Length; i++)
                    part[i] = (float)Value(buffer.AsSpan(i * header.ItemSize, header.ItemSize), header.Kind);
            }
            for (int i = 0; i < values.Length; i++)
            {
                if (!float.IsFinite(values[i]))
                    throw DataError.Of(
                        $"{name}: row {row}, feature {i} is not a finite number within ±3.4e38; clean the array "
                        + "before saving it.");
            }
        }
        return rows;
    }

    private static double[] ReadNumbers(Stream stream, NpyHeader header)
    {
        byte[] bytes = ReadBytes(stream, header);
        double[] values = new double[header.Rows * header.Width];
        for (int i = 0; i < values.Length; i++)
            values[i] = Value(bytes.AsSpan(i * header.ItemSize, header.ItemSize), header.Kind);
        return values;
    }

    private static byte[] ReadBytes(Stream stream, NpyHeader header)
    {
        byte[] bytes = InputFile.ReadBytes(stream, header.DataLength, exact: stream.CanSeek);
        return bytes.Length == header.DataLength ? bytes : throw new EndOfStreamException(
            $"the array ends after {bytes.Length} of {header.DataLength} bytes");
    }

    private static double Value(ReadOnlySpan<byte> bytes, char kind) => (kind, bytes.Length) switch
    {
        ('f', 4) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        ('f', 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        ('i', 1) => (sbyte)bytes[0],
        ('i', 2) => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        ('i', 4) => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        ('i', 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        ('u', 2) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        ('u', 4) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        ('u', 8) => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        ('b', 1) => bytes[0] == 0 ? 0 : 1,
        _ => bytes[0],
    };

    private static RawData Combine(
        string path, RawRows features, (int Width, double[] Values)? targets, string targetName)
    {
        var columns = new List<RawTarget>();
        if (targets is var (width, values))
        {
            if (values.Length / width != features.Count)
                throw DataError.Of(
                    $"{targetName}: {values.Length / width} targets, but {path} has {features.Count} samples; save "
                    + "arrays that belong together.");
            for (int column = 0; column < width; column++)
            {
                double[] numbers = new double[features.Count];
                for (int row = 0; row < numbers.Length; row++)
                    numbers[row] = values[(row * width) + column];
                // The columns of a one-hot array are the classes 0, 1, …
                columns.Add(new(width == 1 ? "y" : $"{column}", numbers, null));
            }
        }
        return new(path, features, ArrayNames.Of(features.Width), columns,
            row => $"{path}: row {row}", (row, target) => $"{targetName}: row {row}, column {target}");
    }
}
