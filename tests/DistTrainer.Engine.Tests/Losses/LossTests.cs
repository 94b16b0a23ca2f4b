using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Tests.Layers;
using DistTrainer.Engine.Tests.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Losses;

public class LossTests
{
    private static readonly LossDescription[] s_described =
    [
        new() { Kind = "cross-entropy" },
        new() { Kind = "cross-entropy", Settings = PartSettings.Of(("label-smoothing", 0.1f)) },
        new() { Kind = "binary-cross-entropy" },
        new() { Kind = "mean-squared-error" },
        new() { Kind = "huber" },
        new() { Kind = "huber", Settings = PartSettings.Of(("huber-delta", 0.25f)) },
    ];

    public static TheoryData<int, int> Cases
    {
        get
        {
            var cases = new TheoryData<int, int>();
            foreach (int loss in Enumerable.Range(0, s_described.Length))
            {
                foreach (int rows in new[] { 1, 31, 32, 33, 67 })
                    cases.Add(loss, rows);
            }
            return cases;
        }
    }

    public static TheoryData<int> All => [.. Enumerable.Range(0, s_described.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_and_gradients_agree_with_the_double_oracle(int index, int rows)
    {
        LossDescription loss = s_described[index];
        foreach (int width in new[] { 1, 2, 7, 10 })
        {
            Example example = Example.Make(loss, width, rows);
            (PanelBuffer gradient, LossSums[] sums) = Evaluate(loss, example, [0, rows]);
            double total = 0;
            for (int row = 0; row < rows; row++)
            {
                double[] outputs = [.. Enumerable.Range(0, width).Select(i => (double)example.Outputs[row, i])];
                float[] target = example.Target(row);
                total += Oracle.Loss(loss, outputs, target);
                for (int i = 0; i < width; i++)
                {
                    double slope = Oracle.Slope(
                        x => Oracle.Loss(loss, [.. outputs.Select((o, j) => j == i ? x : o)], target), outputs[i]);
                    Assert.True(Math.Abs(slope - gradient[row, i]) <= 1e-6 * Math.Max(1, Math.Abs(slope)),
                        $"row {row}, output {i}: {gradient[row, i]:R} is not {slope:R}");
                }
            }
            Assert.Equal(rows, sums[0].Count);
            Assert.True(
                Math.Abs(total - sums[0].LossSum) <= 1e-6 * Math.Max(1, total),
                $"{sums[0].LossSum:R} is not {total:R}");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_sums_of_data_shards_are_cut_at_their_bounds_and_add_up_row_by_row(int index)
    {
        LossDescription loss = s_described[index];
        Example example = Example.Make(loss, 3, 67);
        LossSums[] single = Evaluate(loss, example, [.. Enumerable.Range(0, 68)]).Sums;
        foreach (int[] bounds in new int[][] { [0, 67], [0, 0, 67], [0, 1, 1, 1, 40, 67, 67], [0, 32, 64, 67],
            [0, 31, 33, 66, 67] })
        {
            (PanelBuffer gradient, LossSums[] sums) = Evaluate(loss, example, bounds);
            Assert.Equal(Evaluate(loss, example, [0, 67]).Gradient.AllRows(), gradient.AllRows());
            for (int shard = 0; shard < sums.Length; shard++)
                Assert.Equal(
                    single[bounds[shard]..bounds[shard + 1]]
                    .Aggregate(default(LossSums), (sum, next) => sum + next), sums[shard]);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void What_lies_in_unused_lanes_changes_no_bit_and_their_gradient_is_zero(int index)
    {
        LossDescription loss = s_described[index];
        (PanelBuffer gradient, LossSums[] sums) = Evaluate(loss, Example.Make(loss, 3, 33, garbage: 5), [0, 33]);
        (PanelBuffer other, LossSums[] otherSums) = Evaluate(loss, Example.Make(loss, 3, 33, garbage: 6), [0, 33]);
        Assert.Equal(other.AllRows(), gradient.AllRows());
        Assert.Equal(otherSums, sums);
        for (int feature = 0; feature < 3; feature++)
            Assert.All(
                gradient.Panels.Panel(1).Slice((feature * 32) + 1, 31).ToArray(), value => Assert.Equal(0f, value));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_sample_has_the_same_bits_in_whatever_row_it_lies(int index)
    {
        LossDescription loss = s_described[index];
        Example example = Example.Make(loss, 4, 67);
        Example reversed = example.Reversed();
        int[] bounds = [.. Enumerable.Range(0, 68)];
        (PanelBuffer gradient, LossSums[] sums) = Evaluate(loss, example, bounds);
        (PanelBuffer otherGradient, LossSums[] otherSums) = Evaluate(loss, reversed, bounds);
        for (int row = 0; row < 67; row++)
        {
            Assert.Equal(gradient.Row(row), otherGradient.Row(66 - row));
            Assert.Equal(sums[row], otherSums[66 - row]);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Without_a_gradient_the_sums_are_the_same_bits(int index)
    {
        LossDescription loss = s_described[index];
        Example example = Example.Make(loss, 3, 40);
        var sums = new LossSums[2];
        loss.Create().Evaluate(example.Outputs.Panels, example.Targets, [], [0, 11, 40], default, sums);
        Assert.Equal(Evaluate(loss, example, [0, 11, 40]).Sums, sums);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void An_output_that_is_not_finite_makes_the_loss_sum_not_finite(int index)
    {
        LossDescription loss = s_described[index];
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            for (int place = 0; place < 3; place++)
            {
                for (int target = 0; target < 3; target++)
                {
                    Example example = Example.Make(loss, 3, 40);
                    example.Outputs[35, place] = bad;
                    if (loss.Kind == "cross-entropy")
                        example.Targets[35] = target;
                    else if (loss.Kind == "binary-cross-entropy")
                        example.Targets[(35 * 3) + place] = target / 2f;
                    LossSums[] sums = Evaluate(loss, example, [0, 20, 40]).Sums;
                    Assert.False(
                        double.IsFinite(sums[1].LossSum), $"{bad} at {place}, target {target}: {sums[1].LossSum}");
                    Assert.True(double.IsFinite(sums[0].LossSum));
                }
            }
        }
    }

    [Theory]
    [InlineData(3f)]
    [InlineData(-1f)]
    [InlineData(1.5f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_class_number_out_of_range_names_row_value_and_range(float target)
    {
        Example example = Example.Make(s_described[0], 3, 40);
        example.Targets[38] = target;
        var error = Assert.Throws<DistTrainerException>(() => Evaluate(s_described[0], example, [0, 40]));
        Assert.Equal(FailureKind.Data, error.Kind);
        Assert.Contains("Row 38", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            target.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message,
            StringComparison.Ordinal);
        Assert.Contains("from 0 to 2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.5f)]
    [InlineData(2f)]
    [InlineData(float.NaN)]
    public void A_binary_target_that_is_no_probability_names_row_and_output(float target)
    {
        Example example = Example.Make(s_described[2], 3, 40);
        example.Targets[(33 * 3) + 2] = target;
        var error = Assert.Throws<DistTrainerException>(() => Evaluate(s_described[2], example, [0, 40]));
        Assert.Equal(FailureKind.Data, error.Kind);
        Assert.Contains("Row 33 of the batch has target", error.Message, StringComparison.Ordinal);
        Assert.Contains("for output 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_of_equal_logits_is_the_predicted_class()
    {
        Assert.Equal(1, One(s_described[0], [2, 2, 1], [0]).Correct);
        Assert.Equal(0, One(s_described[0], [2, 2, 1], [1]).Correct);
        Assert.Equal(1, One(s_described[0], [1, 2, 3], [2]).Correct);
    }

    [Fact]
    public void A_binary_sample_is_correct_when_all_outputs_are_on_the_right_side()
    {
        Assert.Equal(1, One(s_described[2], [2, -1], [1, 0]).Correct);
        Assert.Equal(0, One(s_described[2], [2, 1], [1, 0]).Correct);
        Assert.Equal(1, One(s_described[2], [0, -1], [0, 0]).Correct);
        Assert.Equal(0, One(s_described[2], [0, -1], [1, 0]).Correct);
    }

    [Fact]
    public void Regression_reports_the_squared_errors_of_all_outputs()
    {
        foreach (int index in new[] { 3, 4, 5 })
            Assert.Equal(
                new LossSums(1, One(s_described[index], [1, 5], [2, 2]).LossSum, 0, 10),
                One(s_described[index], [1, 5], [2, 2]));
        Assert.Equal(5, One(s_described[3], [1, 5], [2, 2]).LossSum);
        Assert.Equal((0.5 + 2.5) / 2, One(s_described[4], [1, 5], [2, 2]).LossSum);
    }

    [Fact]
    public void Extreme_logits_neither_overflow_nor_lose_the_loss()
    {
        Assert.Equal(0, One(s_described[0], [1e30f, 0], [0]).LossSum);
        Assert.Equal(1e30f, One(s_described[0], [1e30f, 0], [1]).LossSum);
        Assert.Equal(1e30f, One(s_described[2], [1e30f], [0]).LossSum);
        Assert.Equal(Math.Exp(-50), One(s_described[2], [50], [1]).LossSum, 1e-27);
    }

    [Fact]
    public void Predictions_are_probabilities_or_the_outputs_row_by_row()
    {
        foreach (LossDescription loss in s_described)
        {
            Example example = Example.Make(loss, 3, 67);
            float[] predictions = new float[67 * 3];
            loss.Create().Predict(example.Outputs.Panels, predictions);
            for (int row = 0; row < 67; row++)
            {
                double[] outputs = [.. Enumerable.Range(0, 3).Select(i => (double)example.Outputs[row, i])];
                for (int i = 0; i < 3; i++)
                {
                    double expected = loss.Kind switch
                    {
                        "cross-entropy" => Math.Exp(outputs[i]) / outputs.Sum(Math.Exp),
                        "binary-cross-entropy" => Oracle.Sigmoid(outputs[i]),
                        _ => outputs[i],
                    };
                    Assert.Equal(expected, predictions[(row * 3) + i], 1e-6);
                }
            }
        }
    }

    [Fact]
    public void No_rows_leave_zero_sums()
    {
        LossSums[] sums = [new(9, 9, 9, 9), new(9, 9, 9, 9)];
        s_described[0].Create().Evaluate(new PanelBuffer(3, 0).Panels, [], [], [0, 0, 0], default, sums);
        Assert.Equal([default, default], sums);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_weight_multiplies_a_samples_loss_and_gradient_and_leaves_what_is_counted(int described)
    {
        LossDescription loss = s_described[described];
        Example example = Example.Make(loss, 3, 45);
        float[] weights = [.. Enumerable.Range(0, 45).Select(row => row % 4 * 0.75f)];
        (PanelBuffer plain, LossSums[] counted) = Evaluate(loss, example, [0, 20, 45]);
        (PanelBuffer gradient, LossSums[] sums) = Evaluate(loss, example, [0, 20, 45], weights);
        for (int row = 0; row < 45; row++)
        {
            for (int output = 0; output < 3; output++)
                Assert.Equal(plain[row, output] * weights[row], gradient[row, output]);
        }
        double expected = 0;
        for (int row = 20; row < 45; row++)
            expected += One(loss, example.OutputsOf(row), example.Target(row)).LossSum * weights[row];
        Assert.Equal(expected, sums[1].LossSum);
        Assert.Equal(weights[20..].Sum(weight => (double)weight), sums[1].Weight);
        Assert.Equal(
            (counted[1].Count, counted[1].Correct, counted[1].SquaredErrorSum),
            (sums[1].Count, sums[1].Correct, sums[1].SquaredErrorSum));
        Assert.Equal(expected / sums[1].Weight, sums[1].MeanLoss);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Weights_of_one_change_no_bit(int described)
    {
        Example example = Example.Make(s_described[described], 3, 45);
        (PanelBuffer plain, LossSums[] sums) = Evaluate(s_described[described], example, [0, 20, 45]);
        float[] ones = [.. Enumerable.Repeat(1f, 45)];
        (PanelBuffer gradient, LossSums[] weighted) = Evaluate(s_described[described], example, [0, 20, 45], ones);
        Assert.True(plain.Panels.Values.SequenceEqual(gradient.Panels.Values));
        Assert.Equal(sums, weighted);
    }

    [Fact]
    public void Arguments_that_do_not_fit_each_other_are_refused()
    {
        Example example = Example.Make(s_described[0], 3, 10);
        foreach (int[] bounds in new int[][] { [0, 9], [1, 10], [0, 7, 5, 10], [0, 11], [] })
            Assert.Throws<ArgumentException>(() => Evaluate(s_described[0], example, bounds));
        Assert.Throws<ArgumentException>(
            () => s_described[0].Create()
            .Evaluate(example.Outputs.Panels, new float[9], [], [0, 10], default, new LossSums[1]));
        Assert.Throws<ArgumentException>(
            () => s_described[0].Create().Evaluate(
                example.Outputs.Panels, example.Targets, [], [0, 10], new PanelBuffer(2, 10).Panels, new LossSums[1]));
        Assert.Throws<ArgumentException>(() => Evaluate(s_described[0], example, [0, 10], new float[9]));
        Assert.Throws<ArgumentException>(() => s_described[0].Create().Predict(example.Outputs.Panels, new float[29]));
    }

    [Fact]
    public void Settings_out_of_range_name_the_setting_and_the_value()
    {
        foreach (float smoothing in new[] { -0.1f, 1f, float.NaN })
            Assert.Contains(
                "label-smoothing",
                Assert.Throws<DistTrainerException>(() =>
                LossDescription.Of("cross-entropy", ("label-smoothing", smoothing)).Create())
                .Message, StringComparison.Ordinal);
        foreach (float delta in new[] { 0f, -1f, float.NaN, float.PositiveInfinity })
            Assert.Contains(
                "huber-delta", Assert.Throws<DistTrainerException>(() =>
                LossDescription.Of("huber", ("huber-delta", delta)).Create()).Message, StringComparison.Ordinal);
        Assert.Throws<DistTrainerException>(() => LossDescription.Of("mean-cubed-error").Create());
    }

    private static LossSums One(LossDescription loss, float[] outputs, float[] target)
    {
        var sums = new LossSums[1];
        loss.Create()
            .Evaluate(PanelBuffer.Of(outputs.Length, 1, (_, i) => outputs[i]).Panels, target, [], [0, 1], default, sums);
        return sums[0];
    }

    private static (PanelBuffer Gradient, LossSums[] Sums) Evaluate(
        LossDescription loss, Example example, int[] bounds, float[]? weights = null)
    {
        var gradient = new PanelBuffer(example.Outputs.Features, example.Outputs.Rows, garbage: 8);
        var sums = new LossSums[Math.Max(0, bounds.Length - 1)];
        loss.Create().Evaluate(example.Outputs.Panels, example.Targets, weights, bounds, gradient.Panels, sums);
        return (gradient, sums);
    }

    private sealed record Example(PanelBuffer Outputs, float[] Targets)
    {
        private int Width => Targets.Length / Outputs.Rows;

        public float[] OutputsOf(int row) => [.. Enumerable.Range(0, Outputs.Features).Select(i => Outputs[row, i])];

        public float[] Target(int row) => Targets[(row * Width)..((row + 1) * Width)];

        /// <summary>
        /// Outputs on ±4 and targets such that no error lies within 1e-3 of a kink of Huber's derivative.
        /// </summary>
        public static Example Make(LossDescription loss, int outputs, int rows, int garbage = 1)
        {
            var random = new Random(17);
            bool classes = loss.Kind == "cross-entropy";
            var values = PanelBuffer.Of(outputs, rows, (_, _) => ((random.NextSingle() * 2) - 1) * 4, garbage);
            float[] targets = new float[rows * (classes ? 1 : outputs)];
            for (int i = 0; i < targets.Length; i++)
            {
                targets[i] = loss.Kind switch
                {
                    "cross-entropy" => random.Next(outputs),
                    "binary-cross-entropy" => i % 3 == 0 ? random.NextSingle() : i % 2,
                    _ => ((random.NextSingle() * 2) - 1) * 4,
                };
                if (!classes
                    && Math.Abs(
                        Math.Abs(values[i / outputs,
                        i % outputs] - targets[i]) - (loss.Settings.All.ContainsKey("huber-delta") ? 0.25f : 1)) < 1e-3)
                    values[i / outputs, i % outputs] = targets[i];
            }
            return new Example(values, targets);
        }

        public Example Reversed()
        {
            int rows = Outputs.Rows;
            var outputs = PanelBuffer.Of(Outputs.Features, rows, (row, i) => Outputs[rows - 1 - row, i]);
            return new Example(outputs, [.. Enumerable.Range(0, rows).SelectMany(row => Target(rows - 1 - row))]);
        }
    }
}
