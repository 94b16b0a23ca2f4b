using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>How much rows count: a column of weights, and weights of classes.</summary>
public sealed class SampleWeightsTests : IDisposable
{
    private const string Text = "a,w,y\n1,0.5,no\n2,2,yes\n3,0,no\n4,1,no\n";
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_column_of_weights_is_no_feature_and_says_how_much_each_row_counts()
    {
        DataParts data = Load(Text, d => d with { WeightColumn = "w" });
        Assert.Equal(["a"], data.Schema.FeatureNames);
        Assert.Equal([0.5f, 2f, 0f, 1f], ((DataSet)data.Train).Weights!);
        Assert.Contains("weights of the training rows: 'w', from 0 to 2", data.Notes);
    }

    [Fact]
    public void The_weights_belong_to_the_hash_of_the_data()
    {
        string Hash(string text) => Load(text, d => d with { WeightColumn = "w" }).Hash;
        Assert.NotEqual(Hash(Text), Hash(Text.Replace("0.5", "0.25", StringComparison.Ordinal)));
        Assert.NotEqual(Hash(Text), Load(Text, d => d with { Ignore = ["w"] }).Hash);
    }

    [Fact]
    public void Validation_rows_have_their_own_weights_and_no_class_weights()
    {
        string text = "a,w,y\n" + string.Concat(
            Enumerable.Range(0, 40).Select(i => $"{i},{i},{(i % 4 == 0 ? "b" : "a")}\n"));
        DataParts data = Load(text, d => d with
        {
            WeightColumn = "w",
            ClassWeights = ClassWeights.Of(new Dictionary<string, double> { ["b"] = 3 }),
            ValidationFraction = 0.25,
        });
        Assert.All(Rows(data.Train), row => Assert.Equal(row.A * (row.A % 4 == 0 ? 3 : 1), row.Weight));
        Assert.All(Rows(data.Validation), row => Assert.Equal(row.A, row.Weight));
    }

    [Fact]
    public void A_part_that_weighs_nothing_is_refused()
    {
        string text = "a,w,p,y\n1,1,train,no\n2,2,train,yes\n3,0,validation,no\n4,0,validation,yes\n";
        Assert.Contains(
            "all 2 validation rows have weight 0 in data.weight-column = 'w'",
            Refusal(text, DataTestFiles.CrossEntropy, d => d with
            {
                WeightColumn = "w",
                Split = new SplitSettings { Order = SplitOrder.Part, By = "p" },
            }), StringComparison.Ordinal);
        Assert.Contains(
            "data.weight-column and data.split.by both name 'w'",
            Refusal(Text, DataTestFiles.CrossEntropy, d => d with
            {
                WeightColumn = "w",
                Split = new SplitSettings { Order = SplitOrder.Group, By = "w" },
            }), StringComparison.Ordinal);
    }

    [Fact]
    public void Balanced_classes_weigh_as_scikit_learn_has_it()
    {
        DataParts data = Load(Text, d => d with { Ignore = ["w"], ClassWeights = ClassWeights.Balanced });
        Assert.Equal([4f / 6, 2f, 4f / 6, 4f / 6], ((DataSet)data.Train).Weights!);
        Assert.Contains("weights of classes in training: 'no' 0.6667, 'yes' 2", data.Notes);
    }

    [Theory]
    [InlineData("a,w,y\n1,-1,no\n2,1,yes\n", "a.csv:2: the weight in column 'w' is -1; 0 and numbers from 1e-15 to 1e15 are allowed")]
    [InlineData("a,w,y\n1,1,no\n2,,yes\n", "a.csv:3: the weight in column 'w' is missing; 0 and numbers from 1e-15 to 1e15 are allowed")]
    [InlineData("a,w,y\n1,0,no\n2,0,yes\n", "all 2 training rows have weight 0 in data.weight-column = 'w'")]
    [InlineData("a,w,y\n1,x,no\n2,z,yes\n", "data.weight-column = 'w' has text; name a column of numbers ≥ 0")]
    [InlineData("a,w,y\n1,1e16,no\n2,1,yes\n", "a.csv:2: the weight in column 'w' is 1E+16; 0 and numbers from 1e-15")]
    [InlineData("a,v,y\n1,1,no\n2,1,yes\n", "data.weight-column names a column 'w' that a.csv does not have")]
    [InlineData("a,w\n1,1\n2,2\n", "data.weight-column = 'w' is the target of a.csv")]
    public void What_cannot_be_a_weight_is_refused(string text, string message) => Assert.Contains(
        message, Refusal(text, DataTestFiles.CrossEntropy, d => d with { WeightColumn = "w" }),
        StringComparison.Ordinal);

    [Fact]
    public void Weights_of_classes_that_are_not_there_are_refused()
    {
        ClassWeights weights = ClassWeights.Of(new Dictionary<string, double> { ["yes!"] = 1 });
        Assert.Contains(
            "data.class-weights names a class 'yes!' that a.csv does not have; did you mean 'yes'?",
            Refusal(Text, DataTestFiles.CrossEntropy, d => d with { ClassWeights = weights }),
            StringComparison.Ordinal);
        Assert.Contains(
            "data.class-weights is for classes, but the task is Regression",
            Refusal(
                "a,y\n1,2\n3,4\n", DataTestFiles.Squared, d => d with { ClassWeights = ClassWeights.Balanced }),
            StringComparison.Ordinal);
    }

    private DataParts Load(string text, Func<DataDescription, DataDescription> change) =>
        _files.LoadCsv(text, DataTestFiles.CrossEntropy, change);

    private string Refusal(string text, LossDescription loss, Func<DataDescription, DataDescription> change) =>
        Assert.Throws<DistTrainerException>(() => _files.LoadCsv(text, loss, change)).Message
            .Replace(_files.Folder + "/", "", StringComparison.Ordinal);

    private static IEnumerable<(float A, float Weight)> Rows(ISampleSource part) =>
        ((DataSet)part).Features.Zip(((DataSet)part).Weights!);
}
