using System.IO.Compression;
using System.Numerics.Tensors;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads NumPy arrays: the features (samples first, the other dimensions make the features) and the targets are two
/// arrays of a <c>.npz</c> (see <see cref="NpzArrays"/>), or a <c>.npy</c> whose name ends in <c>x.npy</c> beside one
/// that ends in <c>y.npy</c>.
/// </summary>
internal static class NpyReader
{
    private const int BlockRows = 4096;

    /// <summary>Reads the features and, where asked, the targets.</summary>
    /// <param name="path">The file.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="names">What the job calls the arrays of a <c>.npz</c>; null: nothing.</param>
    /// <param name="test">Whether the arrays of the test part are meant.</param>
    /// <exception cref="DistTrainerException">A file or array is missing, damaged, or of a kind that is not
    /// read.</exception>
    public static RawMatrix Read(string path, ReadRequest request, DataArrays? names = null, bool test = false) =>
        DataError.Guard(path, () =>
    {
        if (IsArchive(path))
            return ReadArchive(path, request, names ?? new(), test);
        return names is null || names == new DataArrays() || request.Features is not null
            ? ReadPair(path, request)
            : throw DataError.Configuration(
                $"data.arrays names arrays of a .npz, but {path} is a single array; take it out.");
    });

    /// <summary>Whether a <c>.npz</c> has a test part of its own.</summary>
    /// <param name="path">The file.</param>
    /// <param name="names">What the job calls its arrays.</param>
    /// <exception cref="DistTrainerException">The file is missing or damaged.</exception>
    public static bool HasTest(string path, DataArrays names) => DataError.Guard(path, () =>
    {
        if (!IsArchive(path))
            return false;
        using Stream file = InputFile.OpenPlain(path);
        using var archive = new ZipArchive(file, ZipArchiveMode.Read);
        return new NpzArrays(path, archive, names).HasTest;
    });

    private static bool IsArchive(string path)
    {
        if (path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
            return true;
        using Stream file = InputFile.OpenPlain(path);
        Span<byte> magic = stackalloc byte[4];
        return file.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("PK\x3\x4"u8);
    }

    private static RawMatrix ReadPair(string path, ReadRequest request)
    {
        const string FeatureEnd = "x.npy", TargetEnd = "y.npy";
        string targetPath = path.EndsWith(FeatureEnd, StringComparison.Ordinal)
            ? path[..^FeatureEnd.Length] + TargetEnd : "";
        RawRows features = ReadFile(path, (stream, header) => ReadRows(stream, header, path));
        if (!request.NeedTargets)
            return Combine(path, features, [], "");
        if (targetPath.Length > 0 && File.Exists(targetPath))
            return Combine(
                path, features, ReadFile(
                    targetPath, (stream, header) => ReadTargets(stream, header, targetPath, path, features, request)),
                targetPath);
        throw DataError.Of(targetPath.Length > 0
            ? $"{targetPath}: no such file; the targets of {path} are expected there."
            : $"{path}: the targets' file is not known; name the features' file …x.npy and the targets' file …y.npy, "
                + "or save both as x and y in one .npz.");
    }

    private static T ReadFile<T>(string path, Func<Stream, NpyHeader, T> read)
    {
        using Stream stream = DataError.Guard(path, () => InputFile.Open(path, out _, out _));
        NpyHeader header = NpyHeader.Read(stream, path);
        if (!stream.CanSeek)
            throw DataError.Of(
                $"{path}: a .npy file within gzip is not read; unpack it, or save a .npz with numpy.savez_compressed.");
        CheckLength(header, path, stream.Length);
        return ReadToEnd(stream, header, path, read);
    }

    private static RawMatrix ReadArchive(string path, ReadRequest request, DataArrays names, bool test)
    {
        using Stream file = InputFile.OpenPlain(path);
        using var archive = new ZipArchive(file, ZipArchiveMode.Read);
        var arrays = new NpzArrays(path, archive, names);
        ZipArchiveEntry featureEntry = arrays.Features(test, request);
        ZipArchiveEntry? targetEntry = arrays.Targets(test, request);
        string name = NpzArrays.NameIn(path, featureEntry);
        RawRows features = ReadEntry(
            name, file.Length, featureEntry, isWhole: false, (stream, header) => ReadRows(stream, header, name));
        if (targetEntry is null)
            return Combine(path, features, [], name);
        string targetName = NpzArrays.NameIn(path, targetEntry);
        return Combine(
            path, features, ReadEntry(
                targetName, file.Length, targetEntry, isWhole: true,
                (stream, header) => ReadTargets(stream, header, targetName, path, features, request)), targetName);
    }

    /// <summary>Reads one array of an archive.</summary>
    /// <param name="name">What errors call it.</param>
    /// <param name="length">Bytes of the archive.</param>
    /// <param name="entry">The array.</param>
    /// <param name="isWhole">Whether <paramref name="read"/> takes memory for all values at once.</param>
    /// <param name="read">Reads the values.</param>
    private static T ReadEntry<T>(
        string name, long length, ZipArchiveEntry entry, bool isWhole, Func<Stream, NpyHeader, T> read)
    {
        if (entry.Length / InputFile.LargestExpansion > entry.CompressedLength || entry.CompressedLength > length)
            throw DataError.Of(
                $"{name}: {entry.CompressedLength} bytes cannot unpack to {entry.Length}; the archive is damaged: "
                + "save it again.");
        if (entry.Length > InputFile.LargestUnpacked(entry.CompressedLength))
            throw InputFile.ExpandsTooFar(
                name, entry.CompressedLength, "if it is meant, save it with numpy.savez, not packed.");
        using Stream stream = entry.Open();
        NpyHeader header = NpyHeader.Read(stream, name);
        CheckLength(header, name, entry.Length);
        if ((isWhole || header.IsByColumn) && entry.CompressedLength < entry.Length)
            CheckUnpacked(entry, header);
        return ReadToEnd(stream, header, name, read);
    }

    /// <summary>
    /// Holds the header against the length before anything is allocated, so that a header that lies gets no memory.
    /// </summary>
    private static void CheckLength(NpyHeader header, string name, long length)
    {
        if (header.HeaderLength + header.DataLength != length)
            throw DataError.Of(
                $"{name}: the header says {header.Rows} × {header.Width} values of {header.Type.Size} bytes = "
                + $"{header.DataLength} bytes, but {length - header.HeaderLength} follow; the file is cut off or "
                + "damaged: save it again.");
    }

    /// <summary>Unpacks an array once for its length alone: what an archive says of that may be a lie too.</summary>
    private static void CheckUnpacked(ZipArchiveEntry entry, NpyHeader header)
    {
        using Stream stream = entry.Open();
        byte[] buffer = new byte[1 << 14];
        long length = -header.HeaderLength;
        while (stream.Read(buffer) is var count and > 0)
            length += count;
        if (length != header.DataLength)
            throw new EndOfStreamException($"the array ends after {length} of {header.DataLength} bytes");
    }

    private static T ReadToEnd<T>(Stream stream, NpyHeader header, string name, Func<Stream, NpyHeader, T> read)
    {
        T result = read(stream, header);
        return stream.ReadByte() < 0 ? result
            : throw DataError.Of($"{name}: there are bytes after the last value; save the file again.");
    }

    private static RawRows ReadRows(Stream stream, NpyHeader header, string name)
    {
        if (header.Type.IsText)
            throw DataError.Of(
                $"{name}: the features are text; they must be numbers: encode them before saving the array.");
        if (header.Type.IsByte)
            return new ByteRows(
                header.IsByColumn ? ReadByteColumns(stream, header) : ReadBytes(stream, header), header.Width);
        var rows = new FloatRows(header.Width, header.Rows);
        var values = new NpyValues(stream, header.Type, (long)header.Rows * header.Width);
        if (header.IsByColumn)
            ReadColumns(values, header, rows, name);
        else
        {
            while (rows.Count < header.Rows)
            {
                int first = rows.Count;
                rows.AppendSome(header.Rows - first, out Span<float> next);
                values.Read(next);
                if (!TensorPrimitives.IsFiniteAll<float>(next) && next.IndexOfAnyExceptInRange(
                    float.MinValue, float.MaxValue) is var bad)
                    throw NotFinite(name, first + (bad / header.Width), bad % header.Width);
            }
        }
        return rows;
    }

    private static void ReadColumns(NpyValues values, NpyHeader header, FloatRows rows, string name)
    {
        for (int row = 0; row < header.Rows; row++)
            rows.Append();
        float[] block = new float[Math.Min(BlockRows, header.Rows)];
        foreach (int feature in header.FortranPlaces())
        {
            for (int first = 0; first < header.Rows; first += block.Length)
            {
                Span<float> part = block.AsSpan(0, Math.Min(block.Length, header.Rows - first));
                values.Read(part);
                for (int i = 0; i < part.Length; i++)
                    rows.Row(first + i)[feature] = float.IsFinite(part[i]) ? part[i]
                        : throw NotFinite(name, first + i, feature);
            }
        }
    }

    private static byte[] ReadByteColumns(Stream stream, NpyHeader header)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)header.DataLength);
        byte[] block = new byte[Math.Min(BlockRows, header.Rows)];
        var values = new NpyValues(stream, header.Type, header.DataLength);
        foreach (int feature in header.FortranPlaces())
        {
            for (int first = 0; first < header.Rows; first += block.Length)
            {
                Span<byte> part = block.AsSpan(0, Math.Min(block.Length, header.Rows - first));
                values.Read(part);
                for (int i = 0; i < part.Length; i++)
                    bytes[((first + i) * header.Width) + feature] = part[i];
            }
        }
        return bytes;
    }

    private static byte[] ReadBytes(Stream stream, NpyHeader header)
    {
        byte[] bytes = InputFile.ReadBytes(stream, header.DataLength, exact: stream.CanSeek);
        return bytes.Length == header.DataLength ? bytes : throw new EndOfStreamException(
            $"the array ends after {bytes.Length} of {header.DataLength} bytes");
    }

    private static DistTrainerException NotFinite(string name, int row, int feature) => DataError.Of(
        $"{name}: row {row}, feature {feature} is not a finite number within ±3.4e38; clean the array before saving "
        + "it.");

    private static RawTarget[] ReadTargets(
        Stream stream, NpyHeader header, string name, string path, RawRows features, ReadRequest request)
    {
        if (header.Rows != features.Count)
            throw DataError.Of(
                $"{name}: {header.Rows} targets, but {path} has {features.Count} samples; save arrays that belong "
                + "together.");
        var values = new NpyValues(stream, header.Type, (long)header.Rows * header.Width);
        if (header.Type.IsText)
            return [new("y", null, ReadTexts(values, header, name, request))];
        double[][] columns = new double[header.Width][];
        for (int column = 0; column < columns.Length; column++)
            columns[column] = new double[header.Rows];
        if (header.IsByColumn)
        {
            foreach (int column in header.FortranPlaces())
                values.Read(columns[column].AsSpan());
        }
        else
        {
            double[] row = new double[header.Width];
            for (int i = 0; i < header.Rows; i++)
            {
                values.Read(row.AsSpan());
                for (int column = 0; column < row.Length; column++)
                    columns[column][i] = row[column];
            }
        }
        // The columns of a one-hot array are the classes 0, 1, …
        return [.. columns.Select((numbers, column) =>
            new RawTarget(columns.Length == 1 ? "y" : $"{column}", numbers, null))];
    }

    private static string[] ReadTexts(NpyValues values, NpyHeader header, string name, ReadRequest request)
    {
        if (!request.TextTargets || header.Width > 1)
            throw DataError.Of(
                $"{name}: the targets are text, {header.Width} a sample; text is read as one class a sample, with the "
                + "loss cross-entropy: save numbers instead, or choose that loss.");
        // Most texts are there often: one of each is enough.
        var known = new HashSet<string>(StringComparer.Ordinal);
        string[] texts = new string[header.Rows];
        for (int row = 0; row < texts.Length; row++)
        {
            string text = values.ReadText()?.Trim() ?? throw DataError.Of(
                $"{name}: row {row}: the text is not valid ({(header.Type.Kind == 'S' ? "UTF-8" : "UTF-32")}); save "
                + "array.astype(str) instead.");
            if (CsvHeader.IsMissing(text))
                throw DataError.Of(
                    $"{name}: row {row} has no label ({DataError.Quote(text)}); give every row a label, or leave the "
                    + "row out.");
            if (!known.TryGetValue(text, out string? same))
                known.Add(same = text);
            texts[row] = same;
        }
        return texts;
    }

    private static RawMatrix Combine(string path, RawRows features, RawTarget[] targets, string targetName) =>
        new(path, features, ArrayNames.Of(features.Width), targets,
            row => $"{path}: row {row}", (row, target) => $"{targetName}: row {row}, column {target}");
}
