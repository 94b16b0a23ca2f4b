using System.Text.Json;
using DistTrainer.Engine.Metrics;
using Xunit;

namespace DistTrainer.Engine.Tests.Metrics;

/// <summary>Figures are scikit-learn's on the same predictions (tests/golden/make_figures.py).</summary>
public class FiguresTests
{
    private const double Tolerance = 1e-9;
    private static readonly JsonElement s_golden = Read();

    public static TheoryData<int> Classifications => [.. Enumerable.Range(0, 8)];

    public static TheoryData<int> Regressions => [.. Enumerable.Range(0, 3)];

    [Theory]
    [MemberData(nameof(Classifications))]
    public void Figures_of_classes_are_those_of_scikit_learn(int index)
    {
        JsonElement golden = s_golden.GetProperty("classification")[index];
        int count = golden.GetProperty("classes").GetInt32();
        float[] probabilities = Floats(golden, "probabilities");
        int[] labels = [.. golden.GetProperty("labels").EnumerateArray().Select(label => label.GetInt32())];

        var figures = ClassificationFigures.Of(
            probabilities, labels, [.. Enumerable.Range(0, count).Select(c => $"class {c}")]);

        Assert.Equal(labels.Length, figures.Count);
        Assert.Equal(Value(golden, "accuracy"), figures.Accuracy, Tolerance);
        Assert.Equal(Value(golden, "balancedAccuracy"), figures.BalancedAccuracy, Tolerance);
        Assert.Equal(Value(golden, "logLoss"), figures.LogLoss, Tolerance);
        Assert.Equal(Value(golden, "f1"), figures.F1, Tolerance);
        Assert.Equal(golden.GetProperty("auc").ValueKind == JsonValueKind.Null, figures.AreaUnderCurve is null);
        Assert.Equal(
            figures.AreaUnderCurve is null ? 0 : Value(golden, "auc"), figures.AreaUnderCurve ?? 0, Tolerance);
        for (int c = 0; c < count; c++)
        {
            Assert.Equal($"class {c}", figures.Classes[c].Name);
            Assert.Equal(golden.GetProperty("support")[c].GetInt64(), figures.Classes[c].Count);
            Assert.Equal(golden.GetProperty("precision")[c].GetDouble(), figures.Classes[c].Precision, Tolerance);
            Assert.Equal(golden.GetProperty("recall")[c].GetDouble(), figures.Classes[c].Recall, Tolerance);
            Assert.Equal(golden.GetProperty("classF1")[c].GetDouble(), figures.Classes[c].F1, Tolerance);
            Assert.Equal(
                golden.GetProperty("confusion")[c].EnumerateArray().Select(cell => cell.GetInt64()),
                figures.Confusion[c]);
        }
    }

    [Theory]
    [MemberData(nameof(Regressions))]
    public void Figures_of_values_are_those_of_scikit_learn(int index)
    {
        JsonElement golden = s_golden.GetProperty("regression")[index];
        var figures = RegressionFigures.Of("y", Floats(golden, "predictions"), Floats(golden, "targets"));
        Assert.Equal(1, figures.MeanAbsoluteError / Value(golden, "meanAbsoluteError"), Tolerance);
        Assert.Equal(1, figures.RootMeanSquaredError / Value(golden, "rootMeanSquaredError"), Tolerance);
        Assert.Equal(Value(golden, "r2"), figures.R2!.Value, Tolerance);
        Assert.Equal(1, figures.MedianAbsoluteError / Value(golden, "medianAbsoluteError"), Tolerance);
    }

    [Fact]
    public void What_is_not_known_is_null_and_what_is_not_finite_ends()
    {
        Assert.Null(RegressionFigures.Of("y", [1, 2], [3, 3]).R2);
        Assert.Null(ClassificationFigures.Of([0.2f, 0.8f], [1], ["a", "b"]).AreaUnderCurve);
        var figures = ClassificationFigures.Of([float.NaN, 1, 0.5f, float.NaN], [0, 1], ["a", "b"]);
        Assert.Equal(2, figures.Count);
        Assert.True(double.IsNaN(figures.LogLoss));
    }

    [Fact]
    public void Predictions_that_do_not_fit_the_samples_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ClassificationFigures.Of([1, 0, 1], [0], ["a", "b"]));
        Assert.Throws<ArgumentException>(() => ClassificationFigures.Of([], [], ["a", "b"]));
        Assert.Throws<ArgumentException>(() => ClassificationFigures.Of([1, 0], [2], ["a", "b"]));
        Assert.Throws<ArgumentException>(() => RegressionFigures.Of("y", [1], [1, 2]));
    }

    private static double Value(JsonElement golden, string name) => golden.GetProperty(name).GetDouble();

    private static float[] Floats(JsonElement golden, string name) =>
        [.. golden.GetProperty(name).EnumerateArray().Select(value => value.GetSingle())];

    private static JsonElement Read()
    {
        using Stream stream = typeof(FiguresTests).Assembly.GetManifestResourceStream("golden.figures.json")!;
        return JsonDocument.Parse(stream).RootElement.Clone();
    }
}
