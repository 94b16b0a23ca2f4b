using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace DistTrainer.Engine.Files;

/// <summary>
/// Reads and writes safetensors files: 8 bytes of header length (little-endian), a JSON header with each tensor's type,
/// shape and byte range, then the bytes of the tensors without gaps. PyTorch and others load them as they are.
/// Format: https://huggingface.co/docs/safetensors (float32 tensors only).
/// </summary>
internal static class SafeTensorsFile
{
    /// <summary>Largest header that is read or written, in bytes; the reference implementation's limit.</summary>
    public const int LargestHeader = 100_000_000;

    private const int CopyFloats = 1 << 16;

    /// <summary>Writes the tensors in the given order. The file appears whole or not at all.</summary>
    /// <param name="path">The file; replaced where it exists.</param>
    /// <param name="content">Unique tensor names, none of them <c>__metadata__</c>; shapes that fit their
    /// values.</param>
    /// <exception cref="ArgumentException">A name is used twice or a shape does not fit its values.</exception>
    /// <exception cref="DistTrainerException">The file cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public static void Write(string path, SafeTensors content) =>
        AtomicFile.Write(path, SizeOf(content), stream => Write(stream, content));

    /// <summary>Writes the tensors in the given order to a stream.</summary>
    /// <param name="stream">Any stream that can be written.</param>
    /// <param name="content">As for a file.</param>
    /// <exception cref="ArgumentException">A name is used twice or a shape does not fit its values.</exception>
    public static void Write(Stream stream, SafeTensors content)
    {
        byte[] header = SafeTensorsHeader.Write(content);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (NamedTensor tensor in content.Tensors)
            WriteFloats(stream, tensor.Values.Span);
    }

    /// <summary>Bytes of the file that <see cref="Write(Stream, SafeTensors)"/> makes.</summary>
    public static long SizeOf(SafeTensors content) =>
        8 + SafeTensorsHeader.Write(content)
            .Length + content.Tensors.Sum(tensor => (long)tensor.Values.Length * sizeof(float));

    /// <summary>Reads a whole file strictly: nothing is allocated before the header is known to fit the file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistTrainerException">The file is missing, damaged or holds other types than float32
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static SafeTensors Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return stream.CanSeek ? Read(stream, path)
                : throw Refuse(path, "is a pipe; save what it brings as a file, and give that");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refuse(path, $"cannot be read ({failure.Message})", failure);
        }
    }

    /// <summary>Reads a whole file from a stream that knows its length.</summary>
    /// <param name="stream">At the first byte.</param>
    /// <param name="path">Its name in error messages.</param>
    /// <exception cref="DistTrainerException">The content is damaged or holds other types than float32
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static SafeTensors Read(Stream stream, string path)
    {
        SafeTensorsHeader header = ReadHeader(stream, path);
        return new SafeTensors(
            header.Metadata,
            [.. header.Entries.Select(
                entry => new NamedTensor(entry.Name, entry.Shape, ReadFloats(stream, entry.Length)))]);
    }

    /// <summary>Reads only what a file holds and where, to read parts of it.</summary>
    /// <param name="stream">At the first byte; it knows its length.</param>
    /// <param name="path">Its name in error messages.</param>
    /// <exception cref="DistTrainerException">The header is damaged, does not fit the length or names other types than
    /// float32 (<see cref="FailureKind.ModelFile"/>).</exception>
    public static SafeTensorsIndex ReadIndex(Stream stream, string path)
    {
        SafeTensorsHeader header = ReadHeader(stream, path);
        long start = stream.Position;
        return new SafeTensorsIndex(
            header.Metadata,
            [.. header.Entries.Select(entry => new TensorPlace(entry.Name, entry.Shape, start + entry.Begin))]);
    }

    private static SafeTensorsHeader ReadHeader(Stream stream, string path)
    {
        Span<byte> lengthBytes = stackalloc byte[8];
        if (stream.Length < 8)
            throw Refuse(path, $"has {stream.Length} bytes; a safetensors file has at least 8");
        stream.ReadExactly(lengthBytes);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        if (headerLength > LargestHeader || headerLength > (ulong)(stream.Length - 8))
            throw Refuse(
                path, $"names a header of {headerLength} bytes; the file has {stream.Length - 8} left and at most "
                + $"{LargestHeader} are allowed: it is cut off or no safetensors file");

        byte[] header = new byte[(int)headerLength];
        stream.ReadExactly(header);
        try
        {
            return SafeTensorsHeader.Parse(header, stream.Length - 8 - header.Length);
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException)
        {
            throw Refuse(
                path, failure is FormatException ? failure.Message
                : $"has a header that is not valid JSON ({failure.Message})", failure);
        }
    }

    private static DistTrainerException Refuse(string path, string what, Exception? inner = null) =>
        new(FailureKind.ModelFile, $"{path}: {what.ReplaceLineEndings(" ")}.", inner);

    private static void WriteFloats(Stream stream, ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }

        Span<byte> bytes = stackalloc byte[4];
        foreach (float value in values)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            stream.Write(bytes);
        }
    }

    private static float[] ReadFloats(Stream stream, int count)
    {
        float[] values = new float[count];
        for (int at = 0; at < count; at += CopyFloats)
            stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan(at, Math.Min(CopyFloats, count - at))));
        if (!BitConverter.IsLittleEndian)
        {
            Span<int> bits = MemoryMarshal.Cast<float, int>(values.AsSpan());
            BinaryPrimitives.ReverseEndianness(bits, bits);
        }

        return values;
    }
}
