using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Golden;
using Xunit;

namespace DistTrainer.Engine.Tests.Golden;

/// <summary>Forward pass, loss and gradients of the engine against PyTorch's.</summary>
public class GoldenGradientTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Names => [.. GoldenCases.Gradients.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Outputs_loss_and_gradient_are_those_of_pytorch(string name)
    {
        GradientCase golden = GoldenCases.Gradients.Single(c => c.Name == name);
        DataSet data = GoldenCases.Data(golden.Model);
        Network network = Network.Create(golden.Model, data.FeatureCount, golden.Model.Layers[^1].Units!.Value);
        float[] parameters = GoldenCases.InitialParameters(golden.Model);
        using var engine = new GradientEngine(network, data.Count, data.TargetWidth);
        using var gradient = new AlignedBuffer(parameters.Length);
        var node = new GradientNode(new TreeNode(0, 1), gradient);
        node.Bounds[1] = data.Count;
        var sums = new LossSums[1];

        engine.Load(data, [.. Enumerable.Range(0, data.Count)], training: true, step: 1, seed: 1);
        engine.Forward(parameters);
        engine.Loss(node.Bounds, sums, withGradient: true);
        for (int layer = network.Layers.Count - 1; layer >= 0; layer--)
            engine.Backward(layer, parameters, [node]);

        Closeness.AssertClose(golden.ExpectedOutputs, RowMajor(engine.MeanOutput()), Tolerance);
        Assert.Equal(data.Count, sums[0].Count);
        Assert.Equal(golden.Loss, sums[0].LossSum / data.Count, Tolerance * golden.Loss);
        Closeness.AssertClose(
            golden.ExpectedGradient, [.. gradient.Span.ToArray().Select(g => g / data.Count)], Tolerance);
    }

    private static float[] RowMajor(ActivationPanels panels)
    {
        float[] values = new float[panels.Rows * panels.Features];
        for (int i = 0; i < values.Length; i++)
            values[i] = panels[i / panels.Features, i % panels.Features];
        return values;
    }
}
