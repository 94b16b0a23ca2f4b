using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using Xunit;

namespace DistTrainer.Engine.Tests.Optimizers;

public class OptimizerTests
{
    private const int Length = 37;

    public static TheoryData<string, OptimizerDescription> Rules => new()
    {
        { "sgd", new OptimizerDescription { Kind = "sgd", LearningRate = 0.01f } },
        { "sgd momentum",
            new OptimizerDescription { Kind = "sgd", LearningRate = 0.01f,
            Settings = PartSettings.Of(("momentum", 0.9f)) } },
        { "sgd dampening", new OptimizerDescription { Kind = "sgd", LearningRate = 0.01f,
            Settings = PartSettings.Of(("momentum", 0.9f), ("dampening", 0.3f)) } },
        { "sgd nesterov", new OptimizerDescription { Kind = "sgd", LearningRate = 0.01f,
            Settings = PartSettings.Of(("momentum", 0.8f), ("nesterov", true)) } },
        { "adam", new OptimizerDescription { Kind = "adam" } },
        { "adam betas",
            new OptimizerDescription { Kind = "adam",
            Settings = PartSettings.Of(("beta1", 0.5f), ("beta2", 0.9f), ("epsilon", 1e-3f)) } },
        { "amsgrad",
            new OptimizerDescription { Kind = "adam",
            Settings = PartSettings.Of(("beta2", 0.7f), ("ams-grad", true)) } },
        { "adamw", new OptimizerDescription { Kind = "adamw", LearningRate = 0.01f } },
        { "rmsprop", new OptimizerDescription { Kind = "rmsprop" } },
        { "rmsprop momentum",
            new OptimizerDescription { Kind = "rmsprop",
            Settings = PartSettings.Of(("momentum", 0.9f), ("alpha", 0.9f)) } },
        { "rmsprop centered",
            new OptimizerDescription { Kind = "rmsprop", Settings = PartSettings.Of(("centered", true)) } },
        { "rmsprop centered momentum",
            new OptimizerDescription { Kind = "rmsprop",
            Settings = PartSettings.Of(("centered", true), ("momentum", 0.5f)) } },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Fifty_steps_agree_with_the_double_reference(string name, OptimizerDescription description)
    {
        RegularizationDescription[] penalties =
        [
            new(), new() { L1 = 0.01f }, new() { L2 = 0.01f }, new() { L1 = 0.005f, L2 = 0.02f }, new()
            {
                DecoupledWeightDecay = 0.01f,
            },
        ];
        foreach (RegularizationDescription penalty in penalties)
        {
            float[] parameters = Random(1);
            double[] expected = [.. parameters.Select(p => (double)p)];
            var reference = new ReferenceOptimizer(description, penalty, Length);
            var optimizer = Optimizer.Create(description);
            using OptimizerState state = optimizer.CreateState(Length);
            double rate = (double)(decimal)description.LearningRate;
            for (int t = 1; t <= 50; t++)
            {
                float[] gradient = Random(t + 1);
                reference.Step(t, rate, [.. gradient.Select(g => g / 4.0)], expected);
                var adjustment = new GradientAdjustment(
                    0.25f, float.PositiveInfinity, penalty.L1, penalty.L2,
                        (float)(1 - rate * penalty.DecoupledWeightDecay));
                optimizer.Update(optimizer.At(t, rate), adjustment, new GradientTerms(gradient), state, 0, parameters);
            }
            for (int i = 0; i < Length; i++)
                Assert.True(Math.Abs(parameters[i] - expected[i]) <= 1e-5 * Math.Max(Math.Abs(expected[i]), 0.1),
                    $"{name}, {penalty}, element {i}: {parameters[i]:R} instead of {expected[i]:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_cut_at_any_place_gives_the_same_bits(string name, OptimizerDescription description)
    {
        (float[] whole, float[][] wholeSlots) = Run(description, Length);
        for (int cut = 0; cut < Length; cut++)
        {
            (float[] parameters, float[][] slots) = Run(description, cut);
            Assert.True(whole.SequenceEqual(parameters), $"{name}, cut at {cut}");
            Assert.True(
                wholeSlots.Zip(slots)
                .All(pair => pair.First.SequenceEqual(pair.Second)), $"{name}, state, cut at {cut}");
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Two_terms_give_the_bits_of_their_sum(string name, OptimizerDescription description)
    {
        var optimizer = Optimizer.Create(description);
        float[] a = Random(1), b = Random(2), parameters = Random(3), expected = Random(3);
        using OptimizerState state = optimizer.CreateState(Length), expectedState = optimizer.CreateState(Length);
        foreach (GradientAdjustment adjustment in new[] { GradientAdjustment.ScaleOnly(0.3f),
            new GradientAdjustment(0.3f, 0.2f, 0.1f, 0.1f, 0.9f) })
        {
            optimizer.Update(optimizer.At(1, 0.1), adjustment, new GradientTerms(a, b), state, 0, parameters);
            optimizer.Update(
                optimizer.At(1, 0.1), adjustment, new GradientTerms([.. a.Zip(b, (x, y) => x + y)]),
                expectedState, 0, expected);
            Assert.True(expected.SequenceEqual(parameters), name);
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void What_is_remembered_ends_at_zero_when_no_gradient_comes_any_more(
        string name, OptimizerDescription description)
    {
        float[] parameters = Random(1);
        var optimizer = Optimizer.Create(description);
        using OptimizerState state = optimizer.CreateState(Length);
        float[] gradient = Random(2), none = new float[Length];
        for (int t = 1; t <= 3000; t++)
            optimizer.Update(
                optimizer.At(t, 0.01), new GradientAdjustment(1, float.PositiveInfinity, 0, 0, 1),
                new GradientTerms(t <= 3 ? gradient : none), state, 0, parameters);
        foreach (string slot in optimizer.SlotNames)
        {
            Assert.True(!state.Slot(slot).ToArray().Any(float.IsSubnormal), $"{name}: {slot}");
            if (slot is "momentum_buffer" or "exp_avg")
                Assert.All(state.Slot(slot).ToArray(), value => Assert.Equal(0, value));
        }
    }

    [Fact]
    public void RmsProp_is_Adam_without_first_moment_but_for_bias_correction()
    {
        var adam = Optimizer.Create(new OptimizerDescription
        {
            Kind = "adam",
            Settings = PartSettings.Of(("beta1", 0), ("beta2", 0.9f), ("epsilon", 1e-20f)),
        });
        var rmsProp = Optimizer.Create(new OptimizerDescription
        {
            Kind = "rmsprop",
            Settings = PartSettings.Of(("alpha", 0.9f), ("epsilon", 1e-20f)),
        });
        float[] a = Random(1), b = Random(1);
        using OptimizerState adamState = adam.CreateState(Length), rmsPropState = rmsProp.CreateState(Length);
        for (int t = 1; t <= 20; t++)
        {
            float[] gradient = Random(t + 1);
            adam.Update(
                adam.At(t, 0.01), GradientAdjustment.ScaleOnly(1), new GradientTerms(gradient), adamState, 0, a);
            rmsProp.Update(
                rmsProp.At(t, 0.01 * Math.Sqrt(1 - Math.Pow(0.9, t))), GradientAdjustment.ScaleOnly(1),
                new GradientTerms(gradient), rmsPropState, 0, b);
        }
        for (int i = 0; i < Length; i++)
            Assert.Equal(a[i], b[i], 1e-5f);
        Assert.Equal(adamState.Slot("exp_avg_sq").ToArray(), rmsPropState.Slot("square_avg").ToArray());
    }

    [Fact]
    public void AmsGrad_is_Adam_while_the_second_moment_rises()
    {
        var adam = Optimizer.Create(new OptimizerDescription { Kind = "adam" });
        var amsGrad = Optimizer.Create(new OptimizerDescription
        {
            Kind = "adam",
            Settings = PartSettings.Of(("ams-grad", true)),
        });
        float[] a = Random(1), b = Random(1);
        using OptimizerState adamState = adam.CreateState(Length), amsGradState = amsGrad.CreateState(Length);
        for (int t = 1; t <= 20; t++)
        {
            float[] gradient = [.. Random(2).Select(g => g * t)];
            adam.Update(
                adam.At(t, 0.01), GradientAdjustment.ScaleOnly(1), new GradientTerms(gradient), adamState, 0, a);
            amsGrad.Update(
                amsGrad.At(t, 0.01), GradientAdjustment.ScaleOnly(1), new GradientTerms(gradient), amsGradState, 0, b);
        }
        Assert.Equal(a, b);
    }

    [Fact]
    public void Centered_RmsProp_stays_finite_when_all_gradients_are_equal()
    {
        var optimizer = Optimizer.Create(new OptimizerDescription
        {
            Kind = "rmsprop",
            Settings = PartSettings.Of(("centered", true), ("alpha", 0.5f)),
        });
        float[] parameters = Random(1), gradient = Random(2);
        using OptimizerState state = optimizer.CreateState(Length);
        for (int t = 1; t <= 200; t++)
            optimizer.Update(
                optimizer.At(t, 1e-6), GradientAdjustment.ScaleOnly(1), new GradientTerms(gradient),
                state, 0, parameters);
        Assert.All(parameters, p => Assert.True(float.IsFinite(p)));
    }

    [Fact]
    public void Values_are_clamped_before_penalties_and_the_sign_of_zero_is_zero()
    {
        var optimizer = Optimizer.Create(new OptimizerDescription { Kind = "sgd" });
        float[] parameters = [1, -1, 0, 1];
        using OptimizerState state = optimizer.CreateState(4);
        optimizer.Update(
            optimizer.At(1, 1), new GradientAdjustment(0.5f, 2, 0.25f, 0, 1), new GradientTerms([100, -100, 100, 1]),
            state, 0, parameters);
        Assert.Equal([1 - 2.25f, -1 + 2.25f, -2, 1 - 0.75f], parameters);
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        var optimizer = Optimizer.Create(new OptimizerDescription());
        using OptimizerState state = optimizer.CreateState(4);
        float[] three = new float[3], four = new float[4];
        UpdateContext context = optimizer.At(1, 1);
        Assert.Throws<ArgumentException>(
            () => optimizer.Update(context, GradientAdjustment.ScaleOnly(1), new GradientTerms(three), state, 0, four));
        Assert.Throws<ArgumentException>(
            () => optimizer.Update(
                context, GradientAdjustment.ScaleOnly(1), new GradientTerms(four, three), state, 0, four));
        Assert.Throws<ArgumentException>(
            () => optimizer.Update(context, GradientAdjustment.ScaleOnly(1), new GradientTerms(four), state, 1, four));
        Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.At(0, 1));
        Assert.Contains("exp_avg, exp_avg_sq", Assert.Throws<ArgumentException>(() => state.Slot("momentum").Length)
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_happens_to_no_parameters()
    {
        var optimizer = Optimizer.Create(new OptimizerDescription());
        using OptimizerState state = optimizer.CreateState(0);
        optimizer.Update(optimizer.At(1, 1), GradientAdjustment.ScaleOnly(1), new GradientTerms([]), state, 0, []);
        Assert.Equal(0, state.Slot(0).Length);
    }

    private static (float[] Parameters, float[][] Slots) Run(OptimizerDescription description, int cut)
    {
        var optimizer = Optimizer.Create(description);
        float[] parameters = Random(1);
        using OptimizerState state = optimizer.CreateState(Length);
        for (int t = 1; t <= 3; t++)
        {
            float[] gradient = Random(t + 1);
            var adjustment = new GradientAdjustment(0.1f, 0.05f, 0.01f, 0.01f, 0.999f);
            optimizer.Update(
                optimizer.At(t, 0.1), adjustment, new GradientTerms(gradient.AsSpan(cut)), state, cut,
                parameters.AsSpan(cut));
            optimizer.Update(
                optimizer.At(t, 0.1), adjustment, new GradientTerms(gradient.AsSpan(0, cut)), state, 0,
                parameters.AsSpan(0, cut));
        }
        return (parameters, [.. Enumerable.Range(0, state.Names.Count).Select(slot => state.Slot(slot).ToArray())]);
    }

    private static float[] Random(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Length).Select(_ => 2 * random.NextSingle() - 1)];
    }
}
