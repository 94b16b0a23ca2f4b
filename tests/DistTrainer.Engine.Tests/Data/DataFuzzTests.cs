using System.Text;
using CsCheck;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>
/// Random, cut and bit-flipped files give data or one clear error, never another exception and never a large
/// allocation.
/// </summary>
public sealed class DataFuzzTests
{
    private const long LargestAllocation = 8_000_000;

    private static readonly byte[] s_images = DataTestFiles.Idx(
        [.. Enumerable.Range(0, 96).Select(i => (byte)i)], 6, 4, 4);
    private static readonly byte[] s_labels = DataTestFiles.Idx([0, 1, 2, 0, 1, 2], 6);
    private static readonly byte[] s_array = DataTestFiles.Npy(
        "<f4", "6, 2", DataTestFiles.Bytes([.. Enumerable.Range(0, 12).Select(i => i * 0.5f)]));
    private static readonly byte[] s_numbers = DataTestFiles.Npy("<i4", "6,", DataTestFiles.Bytes(0, 1, 2, 0, 1, 2));
    private static readonly byte[] s_table = Encoding.UTF8.GetBytes(
        "a,\"b\",y\r\n1,2.5,0\n-3e4,\"4\",1\n5,6,\"2\"\n7,8,0\n9,1,1\n2,3,2\n");

    /// <summary>The file cut at a random place, with random bytes changed; or only random bytes.</summary>
    private static Gen<byte[]> Damaged(byte[] file) => Gen.Frequency(
        (1, Gen.Byte.Array[0, 200]),
        (3, Gen.Int[0, file.Length].Select(length => file[..length])),
        (6, Gen.Select(Gen.Int[0, file.Length - 1], Gen.Int[0, 7]).Array[1, 4].Select(flips =>
        {
            byte[] damaged = [.. file];
            foreach ((int place, int bit) in flips)
                damaged[place] ^= (byte)(1 << bit);
            return damaged;
        })));

    private static void Check(string source, LossDescription loss)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            DataParts data = DataLoader.Load(DataTestFiles.Whole(source), loss);
            Assert.All(data.Train.Features, value => Assert.True(float.IsFinite(value)));
        }
        catch (DistTrainerException exception)
        {
            Assert.Equal(FailureKind.Data, exception.Kind);
            Assert.DoesNotContain('\n', exception.Message);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, LargestAllocation);
    }

    private static void Fuzz(
        byte[] file, string name, LossDescription loss, Func<byte[], byte[]>? pack = null,
        params (string Name, byte[] Content)[] others) =>
        Damaged(file).Sample(damaged =>
        {
            using var files = new DataTestFiles();
            foreach ((string other, byte[] content) in others)
                files.Write(other, content);
            Check(files.Write(name, pack?.Invoke(damaged) ?? damaged), loss);
        }, iter: 1500, threads: 1);

    [Fact]
    public void Damaged_idx_images() =>
        Fuzz(s_images, "images-idx3-ubyte", DataTestFiles.CrossEntropy, null, ("labels-idx1-ubyte", s_labels));

    [Fact]
    public void Damaged_idx_images_within_gzip() => Fuzz(
        s_images, "images-idx3-ubyte.gz", DataTestFiles.CrossEntropy, DataTestFiles.Gzip, ("labels-idx1-ubyte", s_labels));

    [Fact]
    public void Damaged_gzip_of_idx_images() =>
        Fuzz(DataTestFiles.Gzip(s_images), "images-idx3-ubyte.gz", DataTestFiles.CrossEntropy, null,
        ("labels-idx1-ubyte", s_labels));

    [Fact]
    public void Damaged_npy_features() => Fuzz(s_array, "x.npy", DataTestFiles.CrossEntropy, null, ("y.npy", s_numbers));

    [Fact]
    public void Damaged_npz()
    {
        using var files = new DataTestFiles();
        Fuzz(File.ReadAllBytes(files.Npz("a.npz", ("x.npy", s_array), ("y.npy", s_numbers))), "a.npz",
            DataTestFiles.CrossEntropy);
    }

    [Fact]
    public void Damaged_csv_of_classes() => Fuzz(s_table, "a.csv", DataTestFiles.CrossEntropy);

    [Fact]
    public void Damaged_csv_of_values() => Fuzz(s_table, "a.csv", DataTestFiles.Squared);

    [Fact]
    public void Damaged_gzip_of_csv() => Fuzz(DataTestFiles.Gzip(s_table), "a.csv.gz", DataTestFiles.Squared);
}
