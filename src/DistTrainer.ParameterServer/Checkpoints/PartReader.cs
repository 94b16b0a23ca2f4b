using System.Buffers.Binary;
using System.Runtime.InteropServices;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// One part file, open. All its bytes are checked against the manifest before the first float is handed out, and the
/// file stays open, so what was checked is what is read.
/// </summary>
internal sealed class PartReader : IDisposable
{
    // a buffer of 64 KiB: a larger one would be fresh memory for each checkpoint
    private const int ChunkFloats = 1 << 14;
    private readonly FileStream _stream;
    private readonly string _path;
    private readonly CheckpointFile _file;
    private readonly long[] _vectorPositions;

    private PartReader(FileStream stream, string path, CheckpointFile file, long[] vectorPositions) =>
        (_stream, _path, _file, _vectorPositions) = (stream, path, file, vectorPositions);

    /// <summary>Opens a part and checks it.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="manifest">A manifest that was checked.</param>
    /// <param name="layout">Its layout.</param>
    /// <param name="index">Number of the part.</param>
    /// <param name="withSha">Whether the SHA-256 is checked beside the CRC-32C.</param>
    /// <exception cref="DistTrainerException">The file is not what the manifest says
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static PartReader Open(
        string folder, CheckpointManifest manifest, ParameterLayout layout, int index, bool withSha)
    {
        CheckpointFile file = manifest.Files[index];
        string path = Path.Combine(folder, file.Name);
        FileStream? stream = null;
        try
        {
            stream = File.OpenRead(path);
            CheckBytes(stream, path, file, withSha);
            stream.Position = 0;
            SafeTensorsIndex content = SafeTensorsFile.ReadIndex(stream, path);
            return new PartReader(stream, path, file, CheckContent(content, path, manifest, layout, file));
        }
        catch (Exception failure)
        {
            stream?.Dispose();
            if (failure is IOException or UnauthorizedAccessException)
                throw ManifestFile.Refused(path, $"cannot be read ({failure.Message})", failure);
            throw;
        }
    }

    /// <summary>Reads a stretch of one vector.</summary>
    /// <param name="vector">Index of the vector, in the order of <see cref="PartFormat.Vectors"/>.</param>
    /// <param name="start">First element in the flat vector, within this part.</param>
    /// <param name="values">Filled.</param>
    public void Read(int vector, int start, Span<float> values)
    {
        for (int done = 0; done < values.Length; done += ChunkFloats)
        {
            Span<float> chunk = values.Slice(done, Math.Min(ChunkFloats, values.Length - done));
            ReadBytes(
                _vectorPositions[vector] + ((long)(start - _file.Start) + done) * sizeof(float),
                MemoryMarshal.AsBytes(chunk));
            if (!BitConverter.IsLittleEndian)
            {
                Span<int> bits = MemoryMarshal.Cast<float, int>(chunk);
                BinaryPrimitives.ReverseEndianness(bits, bits);
            }
        }
    }

    /// <summary>Hands the bytes of the parameters on, as they lie in the file.</summary>
    public void CopyParameters(Action<ReadOnlySpan<byte>> take)
    {
        byte[] buffer = new byte[Math.Min(ChunkFloats, _file.End - _file.Start) * sizeof(float)];
        long length = (long)(_file.End - _file.Start) * sizeof(float);
        for (long done = 0; done < length; done += buffer.Length)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done));
            ReadBytes(_vectorPositions[0] + done, chunk);
            take(chunk);
        }
    }

    public void Dispose() => _stream.Dispose();

    private static void CheckBytes(FileStream stream, string path, CheckpointFile file, bool withSha)
    {
        if (stream.Length != file.Bytes)
            throw ManifestFile.Refused(
                path, $"has {stream.Length} bytes; the manifest says {file.Bytes}: it was cut off or changed");
        using var checksums = new ChecksumStream(null, withSha);
        stream.CopyTo(checksums, 1 << 18);
        if (checksums.Crc32CText != file.Crc32C)
            throw ManifestFile.Refused(
                path, $"has the CRC-32C {checksums.Crc32CText}; the manifest says {PartFormat.Show(file.Crc32C)}: it "
                + "was changed, or is another part");
        if (withSha && checksums.Sha256Text != file.Sha256)
            throw ManifestFile.Refused(
                path, $"has the SHA-256 {checksums.Sha256Text}; the manifest says {PartFormat.Show(file.Sha256)}: it "
                + "was changed, or is another part");
    }

    /// <summary>Checks names, shapes and texts; they follow from the manifest.</summary>
    /// <returns>The vectors' first bytes.</returns>
    private static long[] CheckContent(
        SafeTensorsIndex content, string path, CheckpointManifest manifest, ParameterLayout layout, CheckpointFile file)
    {
        foreach ((string name, string text) in PartFormat.Metadata(manifest.Run, manifest.Step, file.Start, file.End))
        {
            if (!content.Metadata.TryGetValue(name, out string? found) || found != text)
                throw ManifestFile.Refused(
                    path, $"says {name} {PartFormat.Show(found)}; the manifest says {PartFormat.Show(text)}: it is "
                    + "part of another checkpoint");
        }

        IReadOnlyList<PartFormat.Piece> pieces;
        try
        {
            pieces = PartFormat.Pieces(layout, file.Start, file.End);
        }
        catch (ArgumentException failure)
        {
            throw ManifestFile.Refused(path, failure.Message.TrimEnd('.'), failure);
        }
        IReadOnlyList<string?> vectors = PartFormat.Vectors(manifest.Optimizer.Slots, manifest.HasBest);
        if (content.Tensors.Count != vectors.Count * pieces.Count)
            throw ManifestFile.Refused(
                path, $"has {content.Tensors.Count} tensors; the manifest asks for {vectors.Count * pieces.Count}");
        for (int i = 0; i < content.Tensors.Count; i++)
        {
            PartFormat.Piece piece = pieces[i % pieces.Count];
            string name = piece.NameIn(vectors[i / pieces.Count]);
            TensorPlace found = content.Tensors[i];
            if (found.Name != name || !found.Shape.SequenceEqual(piece.Shape))
                throw ManifestFile.Refused(
                    path, $"has the tensor {PartFormat.Show(found.Name)} of shape {found.ShapeText}; here must be "
                    + $"{name} of shape [{string.Join(", ", piece.Shape)}]");
        }
        return [
            .. Enumerable.Range(0, vectors.Count).Select(vector => content.Tensors[vector * pieces.Count].Position)];
    }

    private void ReadBytes(long position, Span<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                int read = RandomAccess.Read(_stream.SafeFileHandle, bytes, position);
                if (read == 0)
                    throw ManifestFile.Refused(
                        _path, $"ends at byte {position}, though it was whole when it was opened");
                position += read;
                bytes = bytes[read..];
            }
        }
        catch (IOException failure)
        {
            throw ManifestFile.Refused(_path, $"cannot be read ({failure.Message})", failure);
        }
    }
}
