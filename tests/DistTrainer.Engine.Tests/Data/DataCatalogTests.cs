using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class DataCatalogTests
{
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
        if (DataCatalog.List().Single(entry => entry.Name == DataCatalog.FashionMnist).Location is null)
        {
            Assert.Contains(
                "disttrainer data fetch fashion-mnist",
                DataTestFiles.Error(() => DataCatalog.Locate(DataCatalog.FashionMnist)), StringComparison.Ordinal);
            return;
        }
        DataParts data = DataLoader.Load(
            new DataDescription { Source = DataCatalog.FashionMnist, Normalization = NormalizationKind.UnitBytes },
            DataTestFiles.CrossEntropy);
        Assert.Equal(
            (54_000, 6_000, 10_000, 784, 10),
            (data.Train.Count, data.Validation.Count, data.Test.Count, data.Train.FeatureCount, data.Schema.Outputs));
        // The mean of the 60,000 images is known to be 0.2860.
        double sum = data.Train.Features.Sum(value => (double)value) + data.Validation.Features.Sum(
            value => (double)value);
        Assert.Equal(0.2860, sum / (60_000.0 * 784), 5e-5);
    }
}
