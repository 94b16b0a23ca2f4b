using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>A folder for the files of one test.</summary>
public sealed class DataTestFiles : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("disttrainer-data-").FullName;

    public static LossDescription CrossEntropy { get; } = new() { Kind = "cross-entropy" };

    public static LossDescription Squared { get; } = new() { Kind = "mean-squared-error" };

    public static LossDescription Binary { get; } = new() { Kind = "binary-cross-entropy" };

    public string PathOf(string name) => Path.Combine(Folder, name);

    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    /// <summary>A description that keeps all rows for training, unchanged.</summary>
    public static DataDescription Whole(string path) => new()
    {
        Source = path,
        ValidationFraction = 0,
        TestFraction = 0,
    };

    public DataParts LoadCsv(
        string content, LossDescription loss, Func<DataDescription, DataDescription>? change = null)
    {
        DataDescription description = Whole(Write("a.csv", content));
        return DataLoader.Load(change?.Invoke(description) ?? description, loss);
    }

    public string CsvError(
        string content, LossDescription loss, Func<DataDescription, DataDescription>? change = null) =>
        Error(() => LoadCsv(content, loss, change)).Replace(Folder + "/", "", StringComparison.Ordinal);

    public static string Error(Action action, FailureKind kind = FailureKind.Data)
    {
        DistTrainerException exception = Assert.Throws<DistTrainerException>(action);
        Assert.Equal(kind, exception.Kind);
        Assert.DoesNotContain('\n', exception.Message);
        return exception.Message;
    }

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }

    public static byte[] Idx(byte[] values, params int[] shape)
    {
        byte[] file = new byte[4 + (4 * shape.Length) + values.Length];
        (file[2], file[3]) = (8, (byte)shape.Length);
        for (int i = 0; i < shape.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + (4 * i)), shape[i]);
        values.CopyTo(file, 4 + (4 * shape.Length));
        return file;
    }

    public static byte[] Npy(string type, string shape, byte[] values, int version = 1, string order = "False") =>
        NpyOf($"{{'descr': '{type}', 'fortran_order': {order}, 'shape': ({shape}), }}", values, version);

    /// <summary>An array of fields with names.</summary>
    public static byte[] Structured(string fields, int rows, int bytes) =>
        NpyOf($"{{'descr': {fields}, 'fortran_order': False, 'shape': ({rows},), }}", new byte[bytes], 1);

    private static byte[] NpyOf(string dictionary, byte[] values, int version)
    {
        int start = version == 1 ? 10 : 12;
        string text = dictionary.PadRight(64 * ((start + dictionary.Length + 64) / 64) - start - 1) + "\n";
        byte[] size = new byte[start - 8];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(size, (ushort)text.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(size, (uint)text.Length);
        return [0x93, .. "NUMPY"u8, (byte)version, 0, .. size, .. Encoding.UTF8.GetBytes(text), .. values];
    }

    public static byte[] Bytes<T>(params T[] values)
        where T : unmanaged => System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    public string Npz(string name, params (string Entry, byte[] Content)[] entries)
    {
        using (ZipArchive archive = ZipFile.Open(PathOf(name), ZipArchiveMode.Create))
        {
            foreach ((string entry, byte[] content) in entries)
            {
                using Stream stream = archive.CreateEntry(entry).Open();
                stream.Write(content);
            }
        }
        return PathOf(name);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
