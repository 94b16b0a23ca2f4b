using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class ArrayFileTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private static DataParts Load(string path, LossDescription loss) =>
        DataLoader.Load(DataTestFiles.Whole(path), loss);

    private void WriteFolder(string suffix, int train = 3, int test = 2)
    {
        byte[] Images(int count) =>
            DataTestFiles.Idx([.. Enumerable.Range(0, count * 4).Select(i => (byte)(i * 20))], count, 2, 2);
        byte[] Labels(int count) =>
            DataTestFiles.Idx([.. Enumerable.Range(0, count).Select(i => (byte)(i % 2))], count);
        byte[] Pack(byte[] content) => suffix == ".gz" ? DataTestFiles.Gzip(content) : content;
        _files.Write($"train-images-idx3-ubyte{suffix}", Pack(Images(train)));
        _files.Write($"train-labels-idx1-ubyte{suffix}", Pack(Labels(train)));
        _files.Write($"t10k-images-idx3-ubyte{suffix}", Pack(Images(test)));
        _files.Write($"t10k-labels-idx1-ubyte{suffix}", Pack(Labels(test)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".gz")]
    public void A_folder_of_idx_files_gives_training_and_test_part(string suffix)
    {
        WriteFolder(suffix);
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(_files.Folder) with { TestFraction = 0.5, Normalization = NormalizationKind.UnitBytes },
            DataTestFiles.CrossEntropy);
        Assert.Equal((3, 0, 2, 4), (data.Train.Count, data.Validation.Count, data.Test.Count, data.Train.FeatureCount));
        Assert.Equal(20 * (1 / 255f), data.Train.Features[1]);
        Assert.Equal([0f, 1f, 0f], data.Train.Targets);
        Assert.Equal(["0", "1"], data.Schema.ClassNames);
        Assert.Equal(2, DataLoader.LoadLabelled(DataTestFiles.Whole(_files.Folder), data.Schema).Count);
    }

    [Fact]
    public void Single_idx_files_find_their_labels()
    {
        WriteFolder("");
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(_files.PathOf("train-images-idx3-ubyte"))
                with
            { TestSource = _files.PathOf("t10k-images-idx3-ubyte") }, DataTestFiles.CrossEntropy);
        Assert.Equal((3, 2), (data.Train.Count, data.Test.Count));
    }

    public static TheoryData<byte[], string> BadImages => new()
    {
        { [], "does not begin like an IDX file" },
        { [1, 2, 3, 4, 5], "does not begin like an IDX file" },
        { [0, 0, 13, 3, 0, 0, 0, 1], "type 0x0d" },
        { [0, 0, 8, 1, 0, 0, 0, 1, 7], "the file has 1 dimension(s)" },
        { [0, 0, 8, 200, 0, 0, 0, 1, 7], "the file has 200 dimension(s)" },
        { [0, 0, 8, 3, 0, 0, 0], "ends within its header" },
        { DataTestFiles.Idx([], 0, 2, 2), "dimension 0 is 0" },
        { DataTestFiles.Idx([], -1, 2, 2), "dimension 0 is 4294967295" },
        { DataTestFiles.Idx([], 65536, 65536, 65536), "fit in memory" },
        { DataTestFiles.Idx([], 2, int.MaxValue, 1), "fit in memory" },
        { DataTestFiles.Idx([], 1, int.MaxValue / 2, 1), "1073741823 values, the file has 0" },
        { DataTestFiles.Idx([1, 2, 3], 1, 2, 2), "= 4 values, the file has 3" },
        { DataTestFiles.Idx([1, 2, 3, 4, 5], 1, 2, 2), "= 4 values, the file has 5" },
        { DataTestFiles.Gzip(DataTestFiles.Idx([1, 2, 3], 1, 2, 2)), "the file ends after 3 of 4 values" },
        { DataTestFiles.Gzip(DataTestFiles.Idx([1, 2, 3, 4, 5], 1, 2, 2)), "bytes after the last of 4 values" },
        { DataTestFiles.Gzip(DataTestFiles.Idx(new byte[600_000], 1, 1000, 601)),
            "the file ends after 600000 of 601000 values" },
        { DataTestFiles.Gzip(DataTestFiles.Idx([], 1, int.MaxValue / 2, 1)), "the file has at most" },
    };

    [Theory]
    [MemberData(nameof(BadImages))]
    public void A_damaged_idx_file_is_refused_before_anything_large_is_allocated(byte[] content, string message)
    {
        WriteFolder("");
        string path = _files.Write("train-images-idx3-ubyte", content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string error = DataTestFiles.Error(() => Load(path, DataTestFiles.CrossEntropy));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
        Assert.StartsWith(path, error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_that_do_not_belong_to_the_images_are_refused()
    {
        WriteFolder("");
        _files.Write("train-labels-idx1-ubyte", DataTestFiles.Idx([0, 1], 2));
        Assert.Contains(
            "2 labels, but", DataTestFiles.Error(() => Load(_files.Folder, DataTestFiles.CrossEntropy)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_label_that_training_never_saw_is_refused_with_its_place()
    {
        WriteFolder("");
        string labels = _files.Write("t10k-labels-idx1-ubyte", DataTestFiles.Idx([0, 9], 2));
        Assert.Equal($"{labels}: label 1: the label '9' is not a class of the training data; the classes are '0', '1'.",
            DataTestFiles.Error(() => Load(_files.Folder, DataTestFiles.CrossEntropy)));
    }

    public static TheoryData<string, byte[], float[]> Types => new()
    {
        { "<f4", DataTestFiles.Bytes(1.5f, -2f), [1.5f, -2f] },
        { "<f8", DataTestFiles.Bytes(1.5, -2.0), [1.5f, -2f] },
        { "|i1", DataTestFiles.Bytes<sbyte>(1, -2), [1f, -2f] },
        { "<i2", DataTestFiles.Bytes<short>(300, -2), [300f, -2f] },
        { "<i4", DataTestFiles.Bytes(300, -2), [300f, -2f] },
        { "<i8", DataTestFiles.Bytes(300L, -2L), [300f, -2f] },
        { "|u1", DataTestFiles.Bytes<byte>(200, 2), [200f, 2f] },
        { "<u2", DataTestFiles.Bytes<ushort>(40000, 2), [40000f, 2f] },
        { "<u4", DataTestFiles.Bytes(3000000000u, 2u), [3000000000f, 2f] },
        { "<u8", DataTestFiles.Bytes(1UL << 60, 2UL), [1152921504606846976f, 2f] },
        { "|b1", DataTestFiles.Bytes<byte>(1, 0), [1f, 0f] },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_numeric_type_of_numpy_is_read(string type, byte[] values, float[] expected)
    {
        string path = _files.Write("x.npy", DataTestFiles.Npy(type, "2,", values));
        _files.Write("y.npy", DataTestFiles.Npy("<f8", "2, 1", DataTestFiles.Bytes(0.25, 0.5)));
        DataParts data = Load(path, DataTestFiles.Squared);
        Assert.Equal(expected, data.Train.Features);
        Assert.Equal([0.25f, 0.5f], data.Train.Targets);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Versions_1_to_3_and_more_dimensions_are_read(int version)
    {
        float[] values = [.. Enumerable.Range(0, 24).Select(i => (float)i)];
        string path = _files.Write(
            "train_x.npy", DataTestFiles.Npy("<f4", "2, 3, 4", DataTestFiles.Bytes(values), version));
        _files.Write("train_y.npy", DataTestFiles.Npy("<i8", "2,", DataTestFiles.Bytes(7L, 3L), version));
        DataParts data = Load(path, DataTestFiles.CrossEntropy);
        Assert.Equal((2, 12), (data.Train.Count, data.Train.FeatureCount));
        Assert.Equal(values, data.Train.Features);
        Assert.Equal([1f, 0f], data.Train.Targets);
        Assert.Equal(["3", "7"], data.Schema.ClassNames);
    }

    [Fact]
    public void An_npz_with_one_hot_targets_gives_classes()
    {
        string path = _files.Npz("a.npz",
            ("x.npy", DataTestFiles.Npy("<f4", "3, 1", DataTestFiles.Bytes(1f, 2f, 3f))),
            ("y.npy", DataTestFiles.Npy("|u1", "3, 3", [0, 0, 1, 1, 0, 0, 0, 1, 0])));
        DataParts data = Load(path, DataTestFiles.CrossEntropy);
        Assert.Equal([2f, 0f, 1f], data.Train.Targets);
        Assert.Equal(["0", "1", "2"], data.Schema.ClassNames);
        Assert.Equal(data.Train.Targets, DataLoader.LoadLabelled(DataTestFiles.Whole(path), data.Schema).Targets);
    }

    public static TheoryData<byte[], string> BadArrays => new()
    {
        { [], "does not begin like one of NumPy" },
        { DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f), order: "True"),
            "Fortran order; save numpy.ascontiguousarray(array)" },
        { DataTestFiles.Npy(">f4", "2,", DataTestFiles.Bytes(1f, 2f)), "big-endian" },
        { DataTestFiles.Npy("<f2", "2,", [0, 0, 0, 0]), "are not read" },
        { DataTestFiles.Npy("<c8", "2,", new byte[16]), "are not read" },
        { DataTestFiles.Npy("|O", "2,", new byte[16]), "are not read" },
        { DataTestFiles.Npy("<f4", "", DataTestFiles.Bytes(1f)), "single number" },
        { DataTestFiles.Npy("<f4", "0, 3", []), "every dimension must be at least 1" },
        { DataTestFiles.Npy("<f4", "2, 99999999999", []), "every dimension must be at least 1" },
        { DataTestFiles.Npy("<f4", "2000000000, 1000", []), "fit in memory" },
        { DataTestFiles.Npy("<f4", "1, 2147483591", []), "but 0 follow" },
        { DataTestFiles.Npy("<f4", "500000000, 4", []), "but 0 follow" },
        { DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f)), "but 4 follow" },
        { DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f, 3f)), "but 12 follow" },
        { DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, float.NaN)),
            "row 1, feature 0 is not a finite number" },
        { DataTestFiles.Npy("<f8", "2,", DataTestFiles.Bytes(1e300, 1)), "row 0, feature 0 is not a finite number" },
        { DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f), version: 3)[..11], "ends within its header" },
        { [.. DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f), version: 2)[..8], 0xFF, 0xFF, 0xFF, 0x7F],
            "a header of 2147483647 bytes" },
        { DataTestFiles.Gzip(DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f))), "within gzip" },
    };

    [Theory]
    [MemberData(nameof(BadArrays))]
    public void A_damaged_or_foreign_array_is_refused_before_anything_large_is_allocated(byte[] content, string message)
    {
        string path = _files.Write("x.npy", content);
        _files.Write("y.npy", DataTestFiles.Npy("<f8", "2,", DataTestFiles.Bytes(0.25, 0.5)));
        long before = GC.GetAllocatedBytesForCurrentThread();
        string error = DataTestFiles.Error(() => Load(path, DataTestFiles.Squared));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
        Assert.StartsWith(path, error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_unequal_arrays_are_refused()
    {
        byte[] two = DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f)),
            three = DataTestFiles.Npy("<f4", "3,", DataTestFiles.Bytes(1f, 2f, 3f));
        Assert.Contains(
            "there is no array 'y' among 'x.npy', 'labels.npy'",
            DataTestFiles.Error(() =>
            Load(_files.Npz("a.npz", ("x.npy", two), ("labels.npy", two)), DataTestFiles.Squared)),
            StringComparison.Ordinal);
        Assert.Contains(
            "3 targets, but",
            DataTestFiles.Error(() =>
            Load(_files.Npz("b.npz", ("x.npy", two), ("y.npy", three)), DataTestFiles.Squared)),
            StringComparison.Ordinal);
        Assert.Contains(
            "the targets of", DataTestFiles.Error(() => Load(_files.Write("alone.x.npy", two), DataTestFiles.Squared)),
            StringComparison.Ordinal);
        Assert.Contains(
            "name the features' file",
            DataTestFiles.Error(() => Load(_files.Write("alone.npy", two), DataTestFiles.Squared)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Column_settings_are_refused_where_there_are_no_columns()
    {
        WriteFolder("");
        DataDescription description = DataTestFiles.Whole(_files.Folder);
        DataTestFiles.Error(
            () => DataLoader.Load(description with { Targets = ["y"] }, DataTestFiles.CrossEntropy),
            FailureKind.Configuration);
        DataTestFiles.Error(
            () => DataLoader.Load(description with { Header = true }, DataTestFiles.CrossEntropy),
            FailureKind.Configuration);
    }
}
