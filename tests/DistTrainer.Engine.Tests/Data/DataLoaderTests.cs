using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CsCheck;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class DataLoaderTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private static string Numbered(int rows) =>
        "x,c,y\n" + string.Concat(
            Enumerable.Range(0, rows).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i},7,{i * 2.5}\n")));

    [Fact]
    public void Every_row_is_in_exactly_one_part_and_parts_keep_the_order_of_the_file() =>
        Gen.Select(Gen.Int[3, 200], Gen.Double[0, 0.4], Gen.Double[0, 0.4], Gen.ULong)
            .Sample((rows, validation, test, seed) =>
        {
            using var files = new DataTestFiles();
            DataParts data = files.LoadCsv(Numbered(rows), DataTestFiles.Squared, d => d with
            {
                ValidationFraction = validation,
                TestFraction = test,
                SplitSeed = seed,
            });
            float[][] parts =
                [.. new[] { data.Train, data.Validation, data.Test }.Select(
                    part => part.Features.Where((_, i) => i % 2 == 0).ToArray())];
            Assert.Equal(Enumerable.Range(0, rows).Select(i => (float)i), parts.SelectMany(part => part).Order());
            Assert.All(parts, part => Assert.Equal(part.Order(), part));
            Assert.Equal((int)Math.Round(rows * test, MidpointRounding.AwayFromZero), parts[2].Length);
        }, iter: 30);

    [Fact]
    public void The_split_depends_on_its_seed_and_nothing_else()
    {
        DataDescription description = DataTestFiles.Whole(_files.Write("a.csv", Numbered(50))) with
        {
            TestFraction = 0.3,
            SplitSeed = 4,
        };
        DataParts data = DataLoader.Load(description, DataTestFiles.Squared);
        Assert.Equal(data.Hash, DataLoader.Load(description, DataTestFiles.Squared).Hash);
        Assert.Equal(
            data.Test.Features,
            DataLoader.Load(description with { ValidationFraction = 0.2, Limit = 3 }, DataTestFiles.Squared)
            .Test.Features);
        Assert.NotEqual(data.Hash, DataLoader.Load(description with { SplitSeed = 5 }, DataTestFiles.Squared).Hash);
    }

    [Fact]
    public void Statistics_come_from_the_training_part_alone_and_constant_features_keep_their_scale()
    {
        DataDescription description = DataTestFiles.Whole(_files.Write("a.csv", Numbered(40))) with
        {
            TestFraction = 0.25,
            Normalization = NormalizationKind.Standardize,
        };
        DataParts data = DataLoader.Load(description, DataTestFiles.Squared),
            raw = DataLoader.Load(description with { Normalization = NormalizationKind.None }, DataTestFiles.Squared);
        double[] train = [.. raw.Train.Features.Where((_, i) => i % 2 == 0).Select(x => (double)x)];
        double mean = train.Average(), deviation = Math.Sqrt(train.Average(x => (x - mean) * (x - mean)));
        Normalization found = data.Schema.Normalization;
        Assert.Equal([(float)mean, 7f], found.Offset);
        Assert.Equal([(float)(1 / deviation), 1f], found.Scale);
        Assert.Equal((float)(((double)raw.Test.Features[0] - found.Offset[0]) * found.Scale[0]), data.Test.Features[0]);
        Assert.Equal(0f, data.Test.Features[1]);
    }

    [Fact]
    public void Min_max_maps_the_training_part_to_0_and_1()
    {
        DataParts data = _files.LoadCsv(Numbered(11), DataTestFiles.Squared, d => d with
        {
            Normalization = NormalizationKind.MinMax,
        });
        Assert.Equal(
            Enumerable.Range(0, 11)
            .Select(i => (float)(i * (double)(1 / 10f))), data.Train.Features.Where((_, i) => i % 2 == 0));
        Assert.Equal([0f, 7f], data.Schema.Normalization.Offset);
    }

    [Fact]
    public void A_tiny_or_huge_spread_never_gives_a_value_that_is_not_finite()
    {
        DataParts data = _files.LoadCsv("a,b,y\n1e-45,-3e38,1\n0,3e38,2\n", DataTestFiles.Squared, d => d with
        {
            Normalization = NormalizationKind.Standardize,
        });
        Assert.All(data.Train.Features, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Unit_bytes_takes_bytes_only() =>
        Assert.StartsWith("a.csv:3: feature 'a' is 256; data.normalization = unit-bytes takes 0 to 255",
            _files.CsvError("a,y\n255,1\n256,1\n", DataTestFiles.Squared,
                d => d with { Normalization = NormalizationKind.UnitBytes }), StringComparison.Ordinal);

    [Fact]
    public void Standardized_targets_can_be_restored()
    {
        DataParts data = _files.LoadCsv(Numbered(20), DataTestFiles.Squared, d => d with { NormalizeTargets = true });
        Assert.Equal(0, data.Train.Targets.Average(), 1e-6);
        float[] target = [data.Train.Targets[19]];
        data.Schema.Normalization.RestoreTargets(target);
        Assert.Equal(47.5f, target[0], 1e-4f);
    }

    [Fact]
    public void The_hash_is_the_SHA256_of_the_floats_of_all_parts()
    {
        DataParts data = _files.LoadCsv(Numbered(10), DataTestFiles.Squared, d => d with
        {
            TestFraction = 0.2,
            ValidationFraction = 0.2,
        });
        float[] all =
            [.. new[] { data.Train, data.Validation, data.Test }.SelectMany(
                part => part.Features.Concat(part.Targets))];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(all.AsSpan()))), data.Hash);
    }

    [Fact]
    public void The_limit_takes_the_first_training_rows()
    {
        DataParts data = _files.LoadCsv(Numbered(10), DataTestFiles.Squared, d => d with { Limit = 3 });
        Assert.Equal([0f, 1f, 2f], data.Train.Features.Where((_, i) => i % 2 == 0));
    }

    [Theory]
    [InlineData(0.5, 0.5, "of 10 sample(s) none is left for training after 5 for validation and 5 for the test")]
    [InlineData(0.95, 0, "after 10 for validation and 0")]
    public void Fractions_that_leave_nothing_for_training_are_refused(double validation, double test, string message) =>
        Assert.Contains(
            message, _files.CsvError(Numbered(10), DataTestFiles.Squared,
            d => d with { ValidationFraction = validation, TestFraction = test }), StringComparison.Ordinal);

    [Fact]
    public void Settings_out_of_range_are_configuration_errors_that_name_their_key()
    {
        DataDescription description = DataTestFiles.Whole(_files.Write("a.csv", Numbered(10)));
        void Refused(DataDescription bad, LossDescription loss, string start) =>
            Assert.StartsWith(
                start, DataTestFiles.Error(() => DataLoader.Load(bad, loss), FailureKind.Configuration),
                StringComparison.Ordinal);
        Refused(description with { ValidationFraction = 1 }, DataTestFiles.Squared, "data.validation-fraction = 1:");
        Refused(description with { TestFraction = -0.1 }, DataTestFiles.Squared, "data.test-fraction = -0.1:");
        Refused(description with { TestFraction = double.NaN }, DataTestFiles.Squared, "data.test-fraction = NaN:");
        Refused(description with { Limit = -1 }, DataTestFiles.Squared, "data.limit = -1:");
        Refused(
            description with { Task = TaskKind.Classification }, DataTestFiles.Squared,
            "data.task = Classification does not fit");
        Refused(
            description with { NormalizeTargets = true }, DataTestFiles.CrossEntropy,
            "data.normalize-targets is for regression");
    }

    [Theory]
    [InlineData("a,y\n1,10\n2,9\n3,-1\n4,10\n", new[] { "-1", "9", "10" }, new[] { 2f, 1f, 0f, 2f })]
    [InlineData("a,y\n1,b\n2,B\n3,a\n4,10\n", new[] { "10", "B", "a", "b" }, new[] { 3f, 1f, 2f, 0f })]
    [InlineData("a,y\n1,1.0\n2,1\n3,01\n4,-0\n", new[] { "0", "1" }, new[] { 1f, 1f, 1f, 0f })]
    public void Classes_are_sorted_numbers_as_numbers(string text, string[] classes, float[] targets)
    {
        DataParts data = _files.LoadCsv(text, DataTestFiles.CrossEntropy);
        Assert.Equal(classes, data.Schema.ClassNames);
        Assert.Equal(targets, data.Train.Targets);
    }

    [Theory]
    [InlineData("a,y\n1,1\n2,1.5\n", "a.csv:3:2: the label 1.5 is not a whole number")]
    [InlineData("a,y\n1,5\n2,5\n", "a.csv: all 2 samples have the label '5'")]
    public void Labels_that_are_no_classes_are_refused(string text, string message) =>
        Assert.StartsWith(message, _files.CsvError(text, DataTestFiles.CrossEntropy), StringComparison.Ordinal);

    [Fact]
    public void One_hot_columns_become_class_numbers()
    {
        Func<DataDescription, DataDescription> targets = d => d with { Targets = ["cat", "dog", "cow"] };
        DataParts data = _files.LoadCsv(
            "a,cat,dog,cow\n1,0,1,0\n2,1,0,0\n3,0,0,1.0\n", DataTestFiles.CrossEntropy, targets);
        Assert.Equal([1f, 0f, 2f], data.Train.Targets);
        Assert.Equal((3, 1), (data.Schema.Outputs, data.Train.TargetWidth));
        Assert.Equal(["cat", "dog", "cow"], data.Schema.ClassNames);
        Assert.StartsWith(
            "a.csv:3: 2 of the 3 one-hot targets are 1",
            _files.CsvError("a,cat,dog,cow\n1,0,1,0\n2,1,0,1\n", DataTestFiles.CrossEntropy, targets),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "a.csv:2:3: 0.5 in a one-hot target",
            _files.CsvError("a,cat,dog,cow\n1,0,0.5,0\n", DataTestFiles.CrossEntropy, targets),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Binary_targets_are_0_or_1()
    {
        DataParts data = _files.LoadCsv("a,p,q\n1,0,1\n2,1,1\n", DataTestFiles.Binary, d => d with
        {
            Targets = ["p", "q"],
        });
        Assert.Equal((TaskKind.Binary, 2, 2), (data.Schema.Task, data.Schema.Outputs, data.Train.TargetWidth));
        Assert.Equal([0f, 1f, 1f, 1f], data.Train.Targets);
        Assert.StartsWith(
            "a.csv:3:2: the target 2 is neither 0 nor 1", _files.CsvError("a,p\n1,0\n2,2\n", DataTestFiles.Binary),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_file_is_read_by_the_names_of_the_training_file()
    {
        string test = _files.Write("t.csv", "y,extra,b,a\ndog,9,2,1\n");
        DataParts data = _files.LoadCsv("a,b,y\n1,2,cat\n3,4,dog\n", DataTestFiles.CrossEntropy, d => d with
        {
            TestSource = test,
            TestFraction = 0.9,
        });
        Assert.Equal([1f, 2f], data.Test.Features);
        Assert.Equal([1f], data.Test.Targets);
        Assert.Equal(2, data.Train.Count);
        Assert.Equal(
            data.Hash, _files.LoadCsv("a,b,y\n1,2,cat\n3,4,dog\n", DataTestFiles.CrossEntropy,
            d => d with { TestSource = test, Targets = ["2"] }).Hash);
        _files.Write("t.csv", "a,b,y\n1,2,cow\n");
        Assert.Equal("t.csv:2:3: the label 'cow' is not a class of the training data; the classes are 'cat', 'dog'.",
            _files.CsvError(
                "a,b,y\n1,2,cat\n3,4,dog\n", DataTestFiles.CrossEntropy, d => d with { TestSource = test }));
    }

    [Fact]
    public void Rows_to_predict_for_need_no_target_and_get_the_models_scaling()
    {
        DataParts data = _files.LoadCsv("a,b,y\n0,10,cat\n4,30,dog\n", DataTestFiles.CrossEntropy, d => d with
        {
            Normalization = NormalizationKind.MinMax,
        });
        foreach (string text in (string[])["b,a\n20,2\n", "id,y,b,a\nx,?,20,2\n", "2,20\n"])
        {
            PredictionRows rows = DataLoader.LoadForPrediction(
                DataTestFiles.Whole(_files.Write("p.csv", text)), data.Schema);
            Assert.Equal([2 * 0.25f, (float)(10 * (double)(1 / 20f))], rows.Features);
            Assert.Equal((1, 2), (rows.Count, rows.FeatureCount));
        }
        string bad = _files.Write("p.csv", "aa,b\n1,2\n");
        Assert.Equal($"{bad}:1: the model wants a column 'a', which is not there; did you mean 'aa'?",
            DataTestFiles.Error(() => DataLoader.LoadForPrediction(DataTestFiles.Whole(bad), data.Schema)));
        string wide = _files.Write("p.csv", "1,2,3,4\n");
        Assert.EndsWith("the file has 4 columns without names, the model wants 2; add a header line.",
            DataTestFiles.Error(() => DataLoader.LoadForPrediction(DataTestFiles.Whole(wide), data.Schema)),
                StringComparison.Ordinal);
    }

    [Fact]
    public void A_labelled_file_is_loaded_whole_with_the_models_classes_and_scaling()
    {
        DataParts data = _files.LoadCsv("a,y\n0,10\n4,20\n8,10\n", DataTestFiles.CrossEntropy, d => d with
        {
            Normalization = NormalizationKind.MinMax,
        });
        DataSet same = DataLoader.LoadLabelled(DataTestFiles.Whole(_files.PathOf("a.csv")), data.Schema);
        Assert.Equal(data.Train.Features, same.Features);
        Assert.Equal(data.Train.Targets, same.Targets);
        string renamed = _files.Write("r.csv", "label,a\n20,4\n");
        Assert.StartsWith(
            $"{renamed}:1: there is no target column 'y'",
            DataTestFiles.Error(() => DataLoader.LoadLabelled(DataTestFiles.Whole(renamed), data.Schema)),
            StringComparison.Ordinal);
        Assert.Equal(
            [1f], DataLoader.LoadLabelled(DataTestFiles.Whole(renamed) with { Targets = ["label"] }, data.Schema)
            .Targets);
        Assert.Equal(
            [1f], DataLoader.LoadLabelled(DataTestFiles.Whole(renamed) with { Targets = ["0"] }, data.Schema).Targets);
    }

    [Theory]
    [InlineData("1,2,3\n4,5,6\n", "", "p,q,r\n7,8,9\n", "", new[] { 7f, 8f }, 9f)]
    [InlineData("1,2,3\n4,5,6\n", "1", "p,q,r\n7,8,9\n", "", new[] { 7f, 9f }, 8f)]
    [InlineData("1,2,3\n4,5,6\n", "", "7,8,9\n", "0", new[] { 8f, 9f }, 7f)]
    [InlineData("1,2,3\n4,5,6\n", "", "p,q,r\n7,8,9\n", "p", new[] { 8f, 9f }, 7f)]
    [InlineData("a,b,y\n1,2,3\n", "", "7,8,9\n", "1", new[] { 7f, 9f }, 8f)]
    [InlineData("a,b,y\n1,2,3\n", "", "y,b,a\n7,8,9\n", "", new[] { 9f, 8f }, 7f)]
    public void Columns_are_found_by_place_where_the_file_or_the_model_has_no_names(
        string train, string trainTarget, string file, string fileTarget, float[] features, float target)
    {
        DataSchema schema =
            _files.LoadCsv(train, DataTestFiles.Squared,
            d => d with { Targets = trainTarget.Length > 0 ? [trainTarget] : [] }).Schema;
        DataDescription description = DataTestFiles.Whole(_files.Write("e.csv", file)) with
        {
            Targets = fileTarget.Length > 0 ? [fileTarget] : [],
        };
        DataSet labelled = DataLoader.LoadLabelled(description, schema);
        Assert.Equal(features, labelled.Features);
        Assert.Equal([target], labelled.Targets);
    }

    [Theory]
    [InlineData("", "7,8\n")]
    [InlineData("", "p,q\n7,8\n")]
    [InlineData("", "p,q,r\n7,8,9\n")]
    [InlineData("1", "p,q\n7,8\n")]
    [InlineData("0", "7,8\n")]
    [InlineData("1", "p,q,r\n7,9,8\n")]
    public void Rows_for_a_model_without_names_are_taken_by_place(string trainTarget, string file)
    {
        DataSchema schema =
            _files.LoadCsv("1,2,3\n4,5,6\n", DataTestFiles.Squared,
            d => d with { Targets = trainTarget.Length > 0 ? [trainTarget] : [] }).Schema;
        Assert.Equal(
            [7f, 8f], DataLoader.LoadForPrediction(DataTestFiles.Whole(_files.Write("p.csv", file)), schema).Features);
    }

    [Theory]
    [InlineData("a,b,y\n1,2,3\n", "7,8,9\n", "",
        ":1: there is no target column 'y'; the file's columns have no names: add a header line.")]
    [InlineData(
        "a,b,y\n1,2,3\n", "7,8,9,10\n", "2",
        ":1: the model wants a column 'a', which is not there; the file has 4 columns without names, the model wants "
        + "2 and 1 target(s); add a header line.")]
    [InlineData(
        "1,2,3\n4,5,6\n", "0,x,y\n7,8,9\n", "y",
        ":1: the model wants a column '1', which is not there; did you mean '0'?")]
    [InlineData(
        "1,2,3\n4,5,6\n", "p,q\n7,8\n", "q",
        ":1: the model wants a column '0', which is not there; the file has 2 columns, the model wants 2 and 1 "
        + "target(s) in the order of its own data, which had no names.")]
    public void Columns_that_cannot_be_told_apart_are_refused(string train, string file, string target, string message)
    {
        DataSchema schema = _files.LoadCsv(train, DataTestFiles.Squared).Schema;
        string path = _files.Write("e.csv", file);
        Assert.Equal(
            path + message, DataTestFiles.Error(
                () => DataLoader.LoadLabelled(
                    DataTestFiles.Whole(path) with { Targets = target.Length > 0 ? [target] : [] }, schema)));
    }

    [Fact]
    public void A_feature_of_the_model_cannot_be_the_target()
    {
        DataSchema schema = _files.LoadCsv("a,b,y\n1,2,3\n", DataTestFiles.Squared).Schema;
        DataDescription description = DataTestFiles.Whole(_files.PathOf("a.csv")) with { Targets = ["a"] };
        Assert.StartsWith(
            "data.targets: column 'a' of",
            DataTestFiles.Error(() => DataLoader.LoadLabelled(description, schema), FailureKind.Configuration),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_cannot_be_scaled_is_refused_with_its_line()
    {
        DataParts data = _files.LoadCsv("a,y\n0,1\n1e-30,2\n", DataTestFiles.Squared, d => d with
        {
            Normalization = NormalizationKind.MinMax,
        });
        string far = _files.Write("p.csv", "a\n1\n1e30\n");
        Assert.StartsWith(
            $"{far}:3: a feature is so far from the training data",
            DataTestFiles.Error(() => DataLoader.LoadForPrediction(DataTestFiles.Whole(far), data.Schema)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_ending_and_a_folder_without_data_are_refused()
    {
        string path = _files.Write("a.bin", [1, 2]);
        Assert.Contains(
            "set data.format",
            DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared)),
            StringComparison.Ordinal);
        Assert.Contains(
            "train-images-idx3-ubyte",
            DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(_files.Folder), DataTestFiles.Squared)),
            StringComparison.Ordinal);
        Assert.Contains(
            "is a folder",
            DataTestFiles.Error(() =>
            DataLoader.Load(DataTestFiles.Whole(_files.Folder) with { Format = DataFormat.Npy },
            DataTestFiles.Squared)), StringComparison.Ordinal);
    }
}
