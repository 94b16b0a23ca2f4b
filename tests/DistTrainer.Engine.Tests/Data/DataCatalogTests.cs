using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class DataCatalogTests
{
    private const string FashionMnist = "fashion-mnist";

    [Theory]
    [InlineData("digits", "cross-entropy", 1797, 64, 10)]
    [InlineData("iris", "cross-entropy", 150, 4, 3)]
    [InlineData("concrete", "mean-squared-error", 1030, 8, 1)]
    public void The_data_that_come_with_the_program_have_the_stated_size(
        string name, string loss, int samples, int features, int outputs)
    {
        DataParts data = DataLoader.Load(
            new DataDescription { Source = name, Normalization = NormalizationKind.Standardize }, new LossDescription
            {
                Kind = loss,
            });
        CatalogEntry entry = DataCatalog.List().Single(entry => entry.Name == name);
        Assert.Equal(samples, data.Train.Count + data.Validation.Count + data.Test.Count);
        Assert.Equal((samples, features, outputs), (entry.Samples, data.Train.FeatureCount, data.Schema.Outputs));
        Assert.Equal((entry.Features, entry.Task), (features, data.Schema.Task));
        Assert.True(data.Validation.Count > 0 && data.Test.Count > data.Validation.Count);
    }

    [Fact]
    public void Digits_have_the_known_class_counts_and_pixel_range()
    {
        DataParts data = DataLoader.Load(DataTestFiles.Whole("digits"), DataTestFiles.CrossEntropy);
        Assert.Equal([178, 182, 177, 183, 181, 182, 181, 179, 174, 180], data.Train.Targets.CountBy(label => label)
            .OrderBy(pair => pair.Key).Select(pair => pair.Value));
        Assert.Equal((0f, 16f), (data.Train.Features.Min(), data.Train.Features.Max()));
    }

    [Fact]
    public void Concrete_has_the_known_range_and_mean_of_strength()
    {
        DataParts data = DataLoader.Load(DataTestFiles.Whole("concrete"), DataTestFiles.Squared);
        Assert.Equal((2.33f, 82.6f), (data.Train.Targets.Min(), data.Train.Targets.Max()));
        Assert.Equal(35.818, data.Train.Targets.Average(), 1e-3);
    }

    /// <summary>The same on every instruction set: the suite runs with SIMD off too.</summary>
    [Fact]
    public void The_hash_of_the_standardized_digits_is_the_golden_one() =>
        Assert.Equal(
            "3b8e88c2238f61293e37f0294996bbfd881672d65f7d9a061841d3a4869cb613",
            DataLoader.Load(DataTestFiles.Whole("digits") with { Normalization = NormalizationKind.Standardize },
            DataTestFiles.CrossEntropy).Hash);

    [Fact]
    public void Iris_has_named_classes() =>
        Assert.Equal(
            ["setosa", "versicolor", "virginica"],
            DataLoader.Load(DataTestFiles.Whole("iris"), DataTestFiles.CrossEntropy).Schema.ClassNames);

    [Fact]
    public void An_unknown_name_is_refused_with_the_nearest_one() =>
        Assert.Equal(
            "there is no data set named 'fashion-mist'; did you mean 'fashion-mnist'?", DataTestFiles.Error(
                () => DataCatalog.Locate("fashion-mist")));

    [Fact]
    public void Fashion_MNIST_is_loaded_where_it_is_found_and_else_the_way_to_get_it_is_told()
    {
        if (DataCatalog.List().Single(entry => entry.Name == FashionMnist).Location is null)
        {
            Assert.Contains(
                "disttrainer data fetch fashion-mnist",
                DataTestFiles.Error(() => DataCatalog.Locate(FashionMnist)), StringComparison.Ordinal);
            return;
        }
        DataParts data = DataLoader.Load(
            new DataDescription { Source = FashionMnist, Normalization = NormalizationKind.UnitBytes },
            DataTestFiles.CrossEntropy);
        Assert.Equal(
            (54_000, 6_000, 10_000, 784, 10),
            (data.Train.Count, data.Validation.Count, data.Test.Count, data.Train.FeatureCount, data.Schema.Outputs));
        // The mean of the 60,000 images is known to be 0.2860.
        double sum = data.Train.Features.Sum(value => (double)value) + data.Validation.Features.Sum(
            value => (double)value);
        Assert.Equal(0.2860, sum / (60_000.0 * 784), 5e-5);
    }

    [Fact]
    public void Twelve_public_tables_are_fetched_each_from_a_fixed_state_of_its_address_and_with_its_checksum()
    {
        RemoteDataSet[] tables = [.. RemoteCatalog.All.Where(set => set.Target is not null)];
        Assert.Equal(
            ["abalone", "adult", "auto-imports", "diamonds", "german", "horse-colic", "housing", "mpg", "penguins",
                "taxis", "titanic", "wine-quality"], tables.Select(set => set.Name).Order(StringComparer.Ordinal));
        Assert.All(tables, set =>
        {
            Assert.Matches("^https://[^/]+/[^/]+/[^/]+/[0-9a-f]{40}/$", set.Origin.ToString());
            Assert.All(set.Files, file => Assert.Matches("^[0-9a-f]{64}$", file.Sha256));
            Assert.All(set.Files, file => Assert.Equal(DataFormat.Csv, SourceFiles.FormatOf(file.Name)));
        });
        Assert.Distinct(RemoteCatalog.All.SelectMany(set => set.Files).Select(file => file.Sha256));
    }

    /// <summary>Where they were fetched; without a network there is nothing to see.</summary>
    [Fact]
    public void A_public_table_has_the_stated_size_where_it_is_found_and_else_the_way_to_get_it_is_told()
    {
        foreach (CatalogEntry entry in DataCatalog.List().Where(entry => entry.Target is not null))
        {
            if (entry.Location is null)
            {
                Assert.EndsWith(
                    $"; run 'disttrainer data fetch {entry.Name}'.",
                    DataTestFiles.Error(() => DataCatalog.Locate(entry.Name)), StringComparison.Ordinal);
                continue;
            }
            DataParts data = DataLoader.Load(
                DataTestFiles.Whole(entry.Name),
                entry.Task == TaskKind.Regression ? DataTestFiles.Squared : DataTestFiles.CrossEntropy);
            Assert.Equal(entry.Target, data.Schema.TargetNames.Single());
            Assert.Equal((entry.Samples, entry.Features), (data.Train.Count, data.Columns.Count));
        }
    }

    [Fact]
    public void The_catalog_says_target_and_task_where_no_other_is_named()
    {
        var abalone = new DataDescription { Source = "abalone" };
        Assert.Equal(["8"], DataCatalog.WithTarget(abalone).Targets);
        Assert.Equal(TaskKind.Regression, DataCatalog.TaskOf(abalone));
        Assert.Equal(TaskKind.Regression, DataCatalog.TaskOf(abalone with { Targets = ["8"] }));
        Assert.Equal(["0"], DataCatalog.WithTarget(abalone with { Targets = ["0"] }).Targets);
        Assert.Null(DataCatalog.TaskOf(abalone with { Targets = ["0"] }));
        Assert.Empty(DataCatalog.WithTarget(abalone with { Source = "abalone.csv" }).Targets);
        Assert.Null(DataCatalog.TaskOf(abalone with { Source = "iris" }));
    }
}
