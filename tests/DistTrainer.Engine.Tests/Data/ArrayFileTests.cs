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
        { "<f2", DataTestFiles.Bytes((Half)1.5f, (Half)(-2f)), [1.5f, -2f] },
        { ">f2", [0x3E, 0, 0xC0, 0], [1.5f, -2f] },
        { ">f4", [0x3F, 0xC0, 0, 0, 0xC0, 0, 0, 0], [1.5f, -2f] },
        { ">f8", [0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0], [1.5f, -2f] },
        { ">i2", [1, 44, 0xFF, 0xFE], [300f, -2f] },
        { ">u4", [0xB2, 0xD0, 0x5E, 0, 0, 0, 0, 2], [3000000000f, 2f] },
        { ">i8", [0, 0, 0, 0, 0, 0, 1, 44, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE], [300f, -2f] },
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
        { DataTestFiles.Npy("<c8", "2,", new byte[16]), "are not read" },
        { DataTestFiles.Npy("<f16", "2,", new byte[32]), "values of type '<f16' are not read" },
        { DataTestFiles.Npy("<M8[ns]", "2,", new byte[16]), "values of type '<M8[ns]' are not read" },
        { DataTestFiles.Npy("|V4", "2,", new byte[8]), "values of type '|V4' are not read" },
        { DataTestFiles.Npy("|O", "2,", new byte[16]),
            "are objects of Python (pickle), which are not read; save array.astype('float32')" },
        { DataTestFiles.Npy("<U2", "2,", new byte[16]), "the features are text" },
        { DataTestFiles.Npy("|S0", "2,", []), "texts of 1 to 4096 characters are" },
        { DataTestFiles.Npy("<U99999", "2,", []), "texts of 1 to 4096 characters are" },
        { DataTestFiles.Structured("[('age', '<f8'), ('kind', '<i4')]", 2, 24),
            "has fields with names ('age', 'kind'), which are not read; save the features as" },
        { DataTestFiles.Npy("<f4", "2, 3", DataTestFiles.Bytes(1f, 2f, 3f, float.NaN, 5f, 6f), order: "True"),
            "row 1, feature 1 is not a finite number" },
        { DataTestFiles.Npy("<f4", "2, 1000000000", [], order: "True"), "but 0 follow" },
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
        Assert.EndsWith(
            "a.npz: no array has a usual name of targets (y, Y, targets, target, labels, label, y_train, Y_train); "
            + "there are the arrays 'x', 'scores': name one with data.arrays.targets.",
            DataTestFiles.Error(() =>
            Load(_files.Npz("a.npz", ("x.npy", two), ("scores.npy", two)), DataTestFiles.Squared)),
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

    private static byte[] Texts(string type, int size, params string[] values) => DataTestFiles.Npy(
        type, $"{values.Length},", [.. values.SelectMany(value =>
        {
            byte[] text = (type[1] == 'U' ? System.Text.Encoding.UTF32 : System.Text.Encoding.UTF8).GetBytes(value);
            return text.Concat(new byte[size - text.Length]);
        })]);

    [Theory]
    [InlineData("<U5", 20)]
    [InlineData("|S6", 6)]
    public void Texts_are_classes_as_in_a_csv(string type, int size)
    {
        string path = _files.Write("x.npy", DataTestFiles.Npy("<f4", "4,", DataTestFiles.Bytes(1f, 2f, 3f, 4f)));
        _files.Write("y.npy", Texts(type, size, "dog", "cät", "dog", "emu"));
        DataParts data = Load(path, DataTestFiles.CrossEntropy);
        Assert.Equal(["cät", "dog", "emu"], data.Schema.ClassNames);
        Assert.Equal([1f, 0f, 1f, 2f], data.Train.Targets);
        DataParts table = Load(
            _files.Write("a.csv", "x0,y\n1,dog\n2,cät\n3,dog\n4,emu\n"), DataTestFiles.CrossEntropy);
        Assert.Equal(table.Hash, data.Hash);
        Assert.Equal([1f, 2f, 3f, 4f],
            DataLoader.LoadForPrediction(DataTestFiles.Whole(path), data.Schema).Features);
        Assert.Contains("the targets are text, 1 a sample; text is read as one class a sample",
            DataTestFiles.Error(() => Load(path, DataTestFiles.Squared)), StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_that_are_no_labels_are_refused_with_their_row()
    {
        string path = _files.Write("x.npy", DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f)));
        string targets = _files.Write("y.npy", Texts("<U3", 12, "a", "nan"));
        Assert.Equal($"{targets}: row 1 has no label ('nan'); give every row a label, or leave the row out.",
            DataTestFiles.Error(() => Load(path, DataTestFiles.CrossEntropy)));
        _files.Write("y.npy", DataTestFiles.Npy("|S2", "2,", [65, 0, 0xC3, 0x28]));
        Assert.StartsWith($"{targets}: row 1: the text is not valid (UTF-8)",
            DataTestFiles.Error(() => Load(path, DataTestFiles.CrossEntropy)), StringComparison.Ordinal);
        _files.Write("y.npy", DataTestFiles.Npy("<U1", "2,", [65, 0, 0, 0, 0, 0xD8, 0, 0]));
        Assert.StartsWith($"{targets}: row 1: the text is not valid (UTF-32)",
            DataTestFiles.Error(() => Load(path, DataTestFiles.CrossEntropy)), StringComparison.Ordinal);
    }

    /// <summary>The values of an array in the order of Fortran: the first dimension runs fastest.</summary>
    private static T[] ToFortran<T>(T[] values, params int[] shape)
    {
        var ordered = new T[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            (int rest, int place, int step) = (i, 0, values.Length);
            for (int dimension = shape.Length - 1; dimension >= 0; dimension--)
            {
                step /= shape[dimension];
                (place, rest) = (place + (rest % shape[dimension] * step), rest / shape[dimension]);
            }
            ordered[place] = values[i];
        }
        return ordered;
    }

    [Theory]
    [InlineData("<f4", false)]
    [InlineData("|u1", false)]
    [InlineData("<f4", true)]
    [InlineData("|u1", true)]
    public void Arrays_in_the_order_of_Fortran_give_the_same_hash(string type, bool packed)
    {
        const int Rows = 5000;
        int[] shape = [Rows, 2, 3, 4];
        byte[] values = [.. Enumerable.Range(0, Rows * 24).Select(i => (byte)(i * 7 % 251))];
        float[] hot = [.. Enumerable.Range(0, Rows * 3).Select(i => i / 3 % 3 == i % 3 ? 1f : 0f)];
        byte[] Of(byte[] all) => type == "|u1" ? all : DataTestFiles.Bytes([.. all.Select(value => (float)value)]);
        string Write(string name, byte[] x, byte[] y)
        {
            if (packed)
                return _files.Npz($"{name}.npz", ("x.npy", x), ("y.npy", y));
            _files.Write($"{name}-y.npy", y);
            return _files.Write($"{name}-x.npy", x);
        }
        string rowMajor = Write("c", DataTestFiles.Npy(type, string.Join(", ", shape), Of(values)),
            DataTestFiles.Npy("<f4", $"{Rows}, 3", DataTestFiles.Bytes(hot)));
        string columnMajor = Write("f",
            DataTestFiles.Npy(type, string.Join(", ", shape), Of(ToFortran(values, shape)), order: "True"),
            DataTestFiles.Npy("<f4", $"{Rows}, 3", DataTestFiles.Bytes(ToFortran(hot, Rows, 3)), order: "True"));
        DataParts data = Load(columnMajor, DataTestFiles.CrossEntropy);
        Assert.Equal(values.Take(48).Select(value => (float)value), data.Train.Features.Take(48));
        Assert.Equal(Load(rowMajor, DataTestFiles.CrossEntropy).Hash, data.Hash);
    }

    [Theory]
    [InlineData("x", "y")]
    [InlineData("X", "y")]
    [InlineData("features", "targets")]
    [InlineData("features", "labels")]
    [InlineData("data", "target")]
    [InlineData("images", "labels")]
    public void Arrays_with_usual_names_are_found(string features, string targets)
    {
        string path = _files.Npz("a.npz",
            ("extra.npy", DataTestFiles.Npy("|O", "2,", new byte[16])),
            ($"{targets}.npy", DataTestFiles.Npy("<i8", "2,", DataTestFiles.Bytes(1L, 0L))),
            ($"{features}.npy", DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1f, 2f))));
        DataParts data = Load(path, DataTestFiles.CrossEntropy);
        Assert.Equal([1f, 2f], data.Train.Features);
        Assert.Equal([1f, 0f], data.Train.Targets);
    }

    [Fact]
    public void The_test_arrays_of_Keras_are_the_test_part()
    {
        string path = _files.Npz("mnist.npz",
            ("x_test.npy", DataTestFiles.Npy("|u1", "1, 2", [7, 8])),
            ("x_train.npy", DataTestFiles.Npy("|u1", "2, 2", [1, 2, 3, 4])),
            ("y_test.npy", DataTestFiles.Npy("|u1", "1,", [1])),
            ("y_train.npy", DataTestFiles.Npy("|u1", "2,", [0, 1])));
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(path) with { TestFraction = 0.5 }, DataTestFiles.CrossEntropy);
        Assert.Equal([1f, 2f, 3f, 4f], data.Train.Features);
        Assert.Equal([7f, 8f], data.Test.Features);
        Assert.Equal([7f, 8f], DataLoader.LoadLabelled(DataTestFiles.Whole(path), data.Schema).Features);
        string other = _files.Npz("other.npz",
            ("x.npy", DataTestFiles.Npy("|u1", "1, 2", [5, 6])), ("y.npy", DataTestFiles.Npy("|u1", "1,", [0])));
        DataDescription withFile = DataTestFiles.Whole(path) with { TestSource = other };
        Assert.Equal([5f, 6f], DataLoader.Load(withFile, DataTestFiles.CrossEntropy).Test.Features);
    }

    [Fact]
    public void Arrays_can_be_named()
    {
        byte[] Column(params float[] values) =>
            DataTestFiles.Npy("<f4", $"{values.Length},", DataTestFiles.Bytes(values));
        string path = _files.Npz("a.npz", ("x.npy", Column(0, 0)), ("y.npy", Column(0, 0)),
            ("pixels.npy", Column(1, 2)), ("digits.npy", Column(3, 4)), ("later.npy", Column(5)),
            ("later_digits.npy", Column(6)));
        DataDescription named = DataTestFiles.Whole(path) with
        {
            Arrays = new DataArrays
            {
                Features = "pixels",
                Targets = "digits",
                TestFeatures = "later",
                TestTargets = "later_digits",
            },
        };
        DataParts data = DataLoader.Load(named, DataTestFiles.Squared);
        Assert.Equal([1f, 2f, 3f, 4f], [.. data.Train.Features, .. data.Train.Targets]);
        Assert.Equal([5f, 6f], [.. data.Test.Features, .. data.Test.Targets]);
        Assert.Equal(
            $"{path}: data.arrays.targets names an array 'digit' that is not there; there are the arrays 'x', 'y', "
            + "'pixels', 'digits', 'later', 'later_digits'.",
            DataTestFiles.Error(() => DataLoader.Load(
                named with { Arrays = named.Arrays with { Targets = "digit" } }, DataTestFiles.Squared)));
        string usual = _files.Npz("b.npz", ("x.npy", Column(9)));
        Assert.Equal([9f], DataLoader.LoadForPrediction(named with { Source = usual }, data.Schema).Features);
        foreach (string other in (string[])[_files.Write("a.csv", "a,y\n1,2\n"), _files.Write("x.npy", Column(1))])
            Assert.StartsWith("data.arrays ", DataTestFiles.Error(
                () => DataLoader.Load(named with { Source = other }, DataTestFiles.Squared),
                FailureKind.Configuration), StringComparison.Ordinal);
    }

    /// <summary>What a packed array says of its length is no reason to take memory for it.</summary>
    [Fact]
    public void A_packed_array_shorter_than_it_says_is_refused_before_anything_large_is_allocated()
    {
        byte[] claim = DataTestFiles.Npy("<f4", "4000000, 4", [], order: "True");
        string path = _files.Npz("a.npz", ("x.npy", [.. claim, .. new byte[200_000]]),
            ("y.npy", DataTestFiles.Npy("<f4", "1,", new byte[4])));
        long before = GC.GetAllocatedBytesForCurrentThread();
        string error = DataTestFiles.Error(() => Load(path, DataTestFiles.Squared));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
        Assert.Contains("the header says 4000000 × 4 values", error, StringComparison.Ordinal);
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
