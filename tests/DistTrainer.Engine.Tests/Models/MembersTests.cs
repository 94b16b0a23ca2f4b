using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Tests.Layers;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.Engine.Tests.Models;

/// <summary>A network of several members against its members as networks of their own.</summary>
public class MembersTests
{
    private const int Rows = 45;
    private const int Members = 3;
    private static readonly int[] s_bounds = [0, 11, 11, 30, Rows];

    private static readonly ModelDescription s_model = new()
    {
        Layers = [new LayerDescription { Units = 9, Activation = "tanh", Dropout = 0.3f }, new LayerDescription()],
        Members = Members,
    };

    private static readonly EmbeddedColumn[] s_columns = [new("colour", 4, 3)];

    public static TheoryData<string> Losses => ["cross-entropy", "binary-cross-entropy", "huber"];

    [Fact]
    public void Tensors_are_named_by_member_and_module()
    {
        Network network = Network.Create(s_model with { Members = 2 }, 5, 2, s_columns);
        Assert.Equal(
            [
                "members.0.0 embedding 5→7", "members.0.1 dense 7→9", "members.0.2 tanh 9→9", "members.0.3 dropout 9→9",
                "members.0.4 dense 9→2", "members.1.0 embedding 5→7", "members.1.1 dense 7→9", "members.1.2 tanh 9→9",
                "members.1.3 dropout 9→9", "members.1.4 dense 9→2",
            ],
            network.Layers.Select(layer => layer.Title));
        Assert.Equal(
            [
                "members.0.0.colour.weight", "members.0.1.weight", "members.0.1.bias", "members.0.4.weight",
                "members.0.4.bias", "members.1.0.colour.weight", "members.1.1.weight", "members.1.1.bias",
                "members.1.4.weight", "members.1.4.bias",
            ],
            network.Layout.Tensors.Select(tensor => tensor.Name));
        Assert.All(
            network.Layout.Tensors,
            tensor => Assert.StartsWith(network.Layers[tensor.Layer].Name, tensor.Name, StringComparison.Ordinal));
        Assert.Equal(
            ["0.weight", "0.bias", "3.weight", "3.bias"],
            Network.Create(s_model with { Members = 1 }, 5, 2).Layout.Tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void Each_member_has_first_values_and_masks_of_its_own_and_the_first_those_of_a_network_alone()
    {
        Network network = Network.Create(s_model, 5, 2), alone = Network.Create(s_model with { Members = 1 }, 5, 2);
        float[] parameters = network.InitialParameters(7);
        int length = alone.Layout.Length;
        Assert.Equal(alone.InitialParameters(7), parameters[..length]);
        Assert.NotEqual(parameters[..length], parameters[length..(2 * length)]);

        // The same values in all members: masks alone can tell them apart.
        float[] same = [.. Enumerable.Repeat(parameters[..length], Members).SelectMany(values => values)];
        using var engine = new GradientEngine(network, Rows, 1);
        engine.Load(Data("cross-entropy"), Samples, training: true, step: 4, seed: 1);
        engine.Forward(same);
        float[] first = engine.Output(network.LastOf(0)).Values.ToArray();
        Assert.NotEqual(first, engine.Output(network.LastOf(1)).Values.ToArray());
        Assert.NotEqual(first, engine.Output(network.LastOf(2)).Values.ToArray());
        engine.Load(Data("cross-entropy"), Samples, training: false, step: 4, seed: 1);
        engine.Forward(same);
        Assert.Equal(
            engine.Output(network.LastOf(0)).Values.ToArray(), engine.Output(network.LastOf(2)).Values.ToArray());
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void Each_member_has_the_gradient_of_a_network_alone_and_the_loss_is_their_mean(string loss)
    {
        Network network = Network.Create(s_model with { Loss = LossDescription.Of(loss) }, 5, 2, s_columns);
        float[] parameters = network.InitialParameters(7), gradient = new float[parameters.Length];
        LossSums[] sums = Step(network, parameters, loss, gradient);
        var alone = new LossSums[Members][];
        for (int member = 0, start = 0; member < Members; member++)
        {
            Network single = Alone(network, member);
            int end = start + single.Layout.Length;
            float[] own = new float[end - start];
            alone[member] = Step(single, parameters[start..end], loss, own);
            Assert.Equal(own, gradient[start..end]);
            start = end;
        }
        for (int shard = 0; shard < sums.Length; shard++)
        {
            LossSums all = alone[0][shard] + alone[1][shard] + alone[2][shard];
            Assert.Equal(s_bounds[shard + 1] - s_bounds[shard], sums[shard].Count);
            Assert.Equal(all.LossSum / Members, sums[shard].LossSum);
            Assert.Equal(all.SquaredErrorSum / Members, sums[shard].SquaredErrorSum);
            Assert.InRange(sums[shard].Correct - (all.Correct / (double)Members), -0.5, 0.5);
        }
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void Predictions_and_evaluation_are_those_of_the_mean_of_the_outputs(string loss)
    {
        Network network = Network.Create(s_model with { Loss = LossDescription.Of(loss) }, 5, 2, s_columns);
        float[] parameters = network.InitialParameters(7);
        DataSet data = Data(loss);
        var mean = new PanelBuffer(2, Rows);
        mean.Panels.Values.Clear();
        for (int member = 0, start = 0; member < Members; member++)
        {
            Network single = Alone(network, member);
            using var engine = new GradientEngine(single, Rows, data.TargetWidth, forTraining: false);
            engine.Load(data, Samples, training: false, step: 0, seed: 0);
            engine.Forward(parameters.AsSpan(start, single.Layout.Length));
            for (int i = 0; i < Rows * 2; i++)
                mean[i / 2, i % 2] += engine.MeanOutput()[i / 2, i % 2];
            start += single.Layout.Length;
        }
        for (int i = 0; i < Rows * 2; i++)
            mean[i / 2, i % 2] /= Members;

        float[] expected = new float[Rows * 2], predictions = new float[Rows * 2];
        network.Loss.Predict(mean.Panels, expected);
        using var evaluator = new Evaluator(network, data.TargetWidth);
        evaluator.Predict(data.Features, parameters, predictions);
        Assert.Equal(expected, predictions);

        var sums = new LossSums[1];
        network.Loss.Evaluate(mean.Panels, data.Targets, [], [0, Rows], default, sums);
        Assert.Equal(sums[0], evaluator.Evaluate(data, parameters));
    }

    [Fact]
    public void The_signal_is_measured_in_each_member()
    {
        Network network = Network.Create(s_model, 5, 2);
        float[] parameters = network.InitialParameters(7);
        IReadOnlyList<SignalProbe.LayerSignal> signals = SignalProbe.Measure(
            network, Data("cross-entropy"), parameters, Rows, seed: 1);
        Assert.Equal(
            Enumerable.Range(0, Members).SelectMany(
                member => new[] { $"members.{member}.0 dense 5→9", $"members.{member}.3 dense 9→2" }),
            signals.Select(signal => signal.Title));
        int length = network.Layout.Length / Members;
        for (int member = 0; member < Members; member++)
        {
            IReadOnlyList<SignalProbe.LayerSignal> alone = SignalProbe.Measure(
                Alone(network, member), Data("cross-entropy"), parameters.AsSpan(member * length, length), Rows, 1);
            Assert.Equal(alone.Select(Sizes), signals.Skip(2 * member).Take(2).Select(Sizes));
        }

        static (double Activation, double Gradient) Sizes(SignalProbe.LayerSignal signal) =>
            (signal.ActivationDeviation, signal.GradientDeviation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65)]
    public void Members_out_of_range_are_refused(int members)
    {
        var refused = Assert.Throws<DistTrainerException>(
            () => Network.Create(s_model with { Members = members }, 5, 2));
        Assert.Equal(FailureKind.Configuration, refused.Kind);
        Assert.Equal($"model.members is {members}; allowed: a whole number from 1 to 64.", refused.Message);
    }

    [Fact]
    public void More_modules_than_masks_can_be_told_apart_are_refused()
    {
        var model = new ModelDescription
        {
            Layers = [.. Enumerable.Repeat(new LayerDescription { Units = 2, Dropout = 0.1f }, 600)],
            Members = 64,
        };
        var refused = Assert.Throws<DistTrainerException>(() => Network.Create(model, 2, 2));
        Assert.StartsWith("model.members times model.layers", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_that_are_not_alike_are_refused()
    {
        ILayer wide = Network.Create(s_model, 5, 2).Layers[0].Layer;
        ILayer other = Network.Create(s_model, 6, 2).Layers[0].Layer;
        Assert.Throws<ArgumentException>(() => new Network([[wide], [other]], s_model.Loss.Create()));
        Assert.Throws<ArgumentException>(() => new Network([[wide], [wide, wide]], s_model.Loss.Create()));
    }

    private static int[] Samples => [.. Enumerable.Range(0, Rows)];

    /// <summary>A member's own layers, so with its dropout's key, as a network of their own.</summary>
    private static Network Alone(Network network, int member) => new(
        [.. network.Layers.Skip(member * network.Modules).Take(network.Modules).Select(layer => layer.Layer)],
        network.Loss);

    private static LossSums[] Step(Network network, float[] parameters, string loss, float[] gradient)
    {
        DataSet data = Data(loss);
        using var engine = new GradientEngine(network, Rows, data.TargetWidth);
        using var buffer = new AlignedBuffer(parameters.Length);
        var node = new GradientNode(new TreeNode(0, 4), buffer);
        s_bounds.CopyTo(node.Bounds, 0);
        engine.Load(data, Samples, training: true, step: 4, seed: 1);
        engine.Forward(parameters);
        var sums = new LossSums[4];
        engine.Loss(s_bounds, sums, withGradient: true);
        for (int stage = network.Stages - 1; stage >= 0; stage--)
            engine.Backward(stage, parameters, [node]);
        buffer.Span.CopyTo(gradient);
        return sums;
    }

    /// <summary>Four plain features and a category.</summary>
    private static DataSet Data(string loss)
    {
        var random = new Random(11);
        float[] features =
            [.. Enumerable.Range(0, Rows * 5).Select(i => i % 5 == 4 ? random.Next(4) : random.NextSingle() - 0.5f)];
        int width = loss == "cross-entropy" ? 1 : 2;
        float[] targets = [.. Enumerable.Range(0, Rows * width).Select(_ => (float)random.Next(2))];
        return new DataSet(features, targets, 5, width);
    }
}
