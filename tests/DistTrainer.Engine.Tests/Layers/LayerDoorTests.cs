using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using Xunit;

namespace DistTrainer.Engine.Tests.Layers;

/// <summary>
/// What a layer may ask for beside its inputs: a shape, and memory from its forward to its backward pass.
/// </summary>
public class LayerDoorTests
{
    private const int Rows = 37;

    // 5 features → 32, as 4×8 → pooled to 2×4 → pooled to 1×2 → 1 output.
    private static readonly ModelDescription s_model = new()
    {
        Layers =
        [
            new LayerDescription { Units = 32 },
            new LayerDescription
            {
                Kind = "test-pool",
                Activation = "tanh",
                Dropout = 0.5f,
                Settings = PartSettings.Of(("height", 4), ("width", 8)),
            },
            new LayerDescription { Kind = "test-pool" },
            new LayerDescription(),
        ],
        Loss = LossDescription.Of("mean-squared-error"),
    };

    static LayerDoorTests() => PluginRegistry.Shared.Add(new Pools());

    [Fact]
    public void A_shape_goes_from_layer_to_layer_through_activation_and_dropout()
    {
        Network network = Network.Create(s_model, 5, 1);
        Assert.Equal(
            ["0 dense 5→32", "1 max-pool 32→8", "2 tanh 8→8", "3 dropout 8→8", "4 max-pool 8→2", "5 dense 2→1"],
            network.Layers.Select(layer => layer.Title));
        Assert.Equal("1×2×4", $"{network.Layers[1].Layer.OutputShape}");
        Assert.Equal("1×1×2", $"{network.Layers[4].Layer.OutputShape}");
        Assert.Equal("32", $"{network.Layers[0].Layer.OutputShape}");
    }

    [Theory]
    [InlineData(
        "model.layers[0]: the plug-in's test-pool takes 32 features and gives 8 (as 1×2×4); here it must take 5 and "
        + "give 8", 4, 8)]
    [InlineData("model.layers[0].height = -1 is out of range; allowed: a whole number from 0 to 1000.", -1, 8)]
    public void A_layer_that_does_not_fit_its_place_is_refused(string message, int height, int width)
    {
        var layer = new LayerDescription
        {
            Kind = "test-pool",
            Settings = PartSettings.Of(("height", height), ("width", width)),
        };
        var refused = Assert.Throws<DistTrainerException>(
            () => Network.Create(s_model with { Layers = [layer, new LayerDescription()] }, 5, 1));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_forward_pass_saves_is_there_in_the_backward_pass()
    {
        Network network = Network.Create(s_model, 5, 1);
        float[] parameters = network.InitialParameters(3);
        var random = new Random(7);
        float[] features = [.. Enumerable.Range(0, Rows * 5).Select(_ => (2 * random.NextSingle()) - 1)];
        var data = new DataSet(features, [.. Enumerable.Range(0, Rows).Select(row => features[row * 5])], 5, 1);
        using var engine = new GradientEngine(network, Rows, 1);
        using var buffer = new AlignedBuffer(network.Layout.Length);
        var node = new GradientNode(new TreeNode(0, 1), buffer);
        (node.Bounds[0], node.Bounds[1]) = (0, Rows);
        Loss(engine, data, parameters);
        for (int layer = network.Layers.Count - 1; layer >= 0; layer--)
            engine.Backward(layer, parameters, [node]);

        // A step may lead over an edge where another input is the largest, so single derivatives may be off.
        const float Step = 1e-3f;
        double apart = 0, length = 0;
        for (int i = 0; i < parameters.Length; i += 7)
        {
            float before = parameters[i];
            parameters[i] = before + Step;
            double above = Loss(engine, data, parameters);
            parameters[i] = before - Step;
            double below = Loss(engine, data, parameters);
            parameters[i] = before;
            apart += Math.Pow(((above - below) / (2 * Step)) - buffer.Span[i], 2);
            length += Math.Pow(buffer.Span[i], 2);
        }
        Assert.True(length > 1);
        Assert.InRange(Math.Sqrt(apart / length), 0, 0.05);
    }

    private static double Loss(GradientEngine engine, DataSet data, float[] parameters)
    {
        engine.Load(data, [.. Enumerable.Range(0, Rows)], training: true, step: 1, seed: 9);
        engine.Forward(parameters);
        var sums = new LossSums[1];
        engine.Loss([0, Rows], sums, withGradient: true);
        return sums[0].LossSum;
    }

    private sealed class Pools : IDistTrainerPlugin
    {
        private static readonly Setting<int> s_height = Setting.Whole(
            "height", "Rows of a channel; 0: those of the input", 0, 0, 1000);
        private static readonly Setting<int> s_width = Setting.Whole(
            "width", "Columns of a channel; 0: those of the input", 0, 0, 1000);

        public void Register(PluginRegistry registry) =>
            registry.Add(new LayerPart("test-pool", Create, s_height, s_width));

        private static MaxPool Create(LayerSite site, PartSettings settings) => settings.Get(s_height) == 0
            ? new MaxPool(site.Input)
            : new MaxPool(new Shape(1, settings.Get(s_height), settings.Get(s_width)));
    }

    /// <summary>The largest of each 2 × 2 values; the forward pass saves which it was.</summary>
    private sealed class MaxPool(Shape input) : ILayer
    {
        public string Name => "max-pool";

        public int Inputs => input.Features;

        public int Outputs => OutputShape.Features;

        public Shape OutputShape => new(input.Channels, input.Height / 2, input.Width / 2);

        public IReadOnlyList<ParameterRequest> Parameters => [];

        public int ScratchLength(int rows) => 0;

        public int SavedLength(int rows) => rows * Outputs;

        public void Forward(
            in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels from, ActivationPanels to)
        {
            to.Values.Clear();
            for (int row = 0; row < from.Rows; row++)
            {
                for (int output = 0; output < Outputs; output++)
                {
                    int first = First(output), best = first;
                    foreach (int other in (ReadOnlySpan<int>)[first + 1, first + input.Width, first + input.Width + 1])
                        best = from[row, other] > from[row, best] ? other : best;
                    context.Saved[(row * Outputs) + output] = best;
                    to[row, output] = from[row, best];
                }
            }
        }

        public void BackwardInput(
            in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels from, ActivationPanels to,
            ActivationPanels outputGradient, ActivationPanels inputGradient)
        {
            inputGradient.Values.Clear();
            for (int row = 0; row < from.Rows; row++)
            {
                for (int output = 0; output < Outputs; output++)
                    inputGradient[row, (int)context.Saved[(row * Outputs) + output]] = outputGradient[row, output];
            }
        }

        public bool BackwardParameters(
            in LayerContext context, ActivationPanels from, ActivationPanels outputGradient,
                ReadOnlySpan<int> dataShardBounds, Span<float> gradient) => true;

        private int First(int output)
        {
            int width = input.Width / 2, height = input.Height / 2;
            int channel = output / (width * height), y = output / width % height, x = output % width;
            return (((channel * input.Height) + (2 * y)) * input.Width) + (2 * x);
        }
    }
}
