using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Xunit;
using RunOptions = DistTrainer.Jobs.RunOptions;

namespace DistTrainer.Cluster.Tests.Export;

/// <summary>ONNX Runtime, given raw rows, computes what the engine does.</summary>
public sealed class OnnxFileTests : IDisposable
{
    private const int Rows = 37;
    private const int Features = 5;
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".onnx");

    public static TheoryData<string, string, NormalizationKind> Cases()
    {
        var cases = new TheoryData<string, string, NormalizationKind>();
        foreach (string activation in PluginRegistry.Shared.Activations.All.Where(part => part.Plugin is null)
            .Select(part => part.Name))
            cases.Add(activation, "cross-entropy", NormalizationKind.Standardize);
        foreach (string loss in PluginRegistry.Shared.Losses.All.Where(part => part.Plugin is null)
            .Select(part => part.Name))
            cases.Add("relu", loss, NormalizationKind.None);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ONNX_Runtime_gives_the_same_predictions(string activation, string loss, NormalizationKind normalization)
    {
        TrainedModel model = Model(activation, loss, normalization, bias: activation != "tanh");
        float[] raw = Raw();
        OnnxFile.Save(_path, model);
        AssertClose(Engine(model, raw), Runtime(raw));
    }

    [Theory]
    [InlineData("cross-entropy", 1, 2)]
    [InlineData("cross-entropy", 3, 0)]
    [InlineData("binary-cross-entropy", 2, 1)]
    [InlineData("mean-squared-error", 3, 5)]
    [InlineData("huber", 4, 2)]
    public void Members_and_embedded_columns_give_the_same_predictions(string loss, int members, int embedded)
    {
        NormalizationKind normalization = embedded > 0 ? NormalizationKind.None : NormalizationKind.Standardize;
        TrainedModel model = Model("silu", loss, normalization, bias: true);
        ModelDescription description = model.Job.Job.Model with { Members = members };
        Network network = Network.Create(
            description, Features, model.Network.Outputs,
            [.. Enumerable.Range(0, embedded).Select(i => new EmbeddedColumn($"column {i}", i + 2, i + 3))]);
        model = model with { Network = network, Parameters = network.InitialParameters(3) };
        // First values of tables are small; here they are to count.
        foreach (ParameterTensor tensor in network.Layout.Tensors.Where(
            tensor => tensor.Name.Contains("column", StringComparison.Ordinal)))
        {
            foreach (ref float value in model.Parameters.AsSpan(tensor.Offset, tensor.Length))
                value *= 100;
        }
        float[] raw = Raw();
        for (int i = 0; i < raw.Length; i++)
        {
            int column = (i % Features) - (Features - embedded);
            if (column >= 0)
                raw[i] = i % (column + 2);
        }
        OnnxFile.Save(_path, model);
        AssertClose(Engine(model, raw), Runtime(raw));
    }

    [Fact]
    public async Task A_trained_model_has_the_same_classes()
    {
        DataParts data = TestJobs.Classification(samples: 300, features: 11, classes: 4);
        JobDescription job = TestJobs.Job(new OptimizerDescription { Kind = "adam" }) with
        {
            Training = new TrainingDescription { Epochs = 2 },
        };
        TrainingResult result = await TestJobs.Run(job, data, new RunOptions { Workers = 2 });
        Network network = JobNetwork.Create(job.Model, data.Schema);
        var model = new TrainedModel(
            new JobFile(job, new RunSettings()), data.Schema, network, result.Parameters, result.ParameterHash);
        OnnxFile.Save(_path, model);
        float[] expected = Engine(model, data.Train.Features),
            actual = Runtime(data.Train.Features, data.Train.FeatureCount);
        int classes = network.Outputs;
        for (int row = 0; row < data.Train.Count; row++)
            Assert.Equal(
                Largest(expected.AsSpan(row * classes, classes)), Largest(actual.AsSpan(row * classes, classes)));
    }

    [Fact]
    public void A_layer_without_a_form_in_ONNX_is_refused_by_name()
    {
        TrainedModel model = Model("relu", "huber", NormalizationKind.None, bias: true);
        var layers = new List<ILayer>(model.Network.Layers.Select(layer => layer.Layer));
        layers.Insert(1, new Plain(layers[0].Outputs));
        var network = new Network(layers, model.Network.Loss);
        DistTrainerException refused = Assert.Throws<DistTrainerException>(
            () => OnnxFile.Save(_path, model with { Network = network }));
        Assert.Equal(FailureKind.Configuration, refused.Kind);
        Assert.StartsWith("The layer 1 plain 7→7 has no form in ONNX", refused.Message, StringComparison.Ordinal);
    }

    public void Dispose() => File.Delete(_path);

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-5 * Math.Max(1, Math.Abs(expected[i])),
                $"prediction {i} is {expected[i]} here, {actual[i]} there");
    }

    private static int Largest(ReadOnlySpan<float> values) =>
        System.Numerics.Tensors.TensorPrimitives.IndexOfMax(values);

    private static TrainedModel Model(string activation, string loss, NormalizationKind normalization, bool bias)
    {
        bool isClass = loss == "cross-entropy";
        var job = new JobDescription
        {
            Model = new ModelDescription
            {
                Layers =
                    [new LayerDescription { Units = 7, Activation = activation, Dropout = 0.2f, Bias = bias,
                    Settings = activation == "leaky-relu" ? PartSettings.Of(("leaky-slope", 0.1f))
                    : PartSettings.None }, new LayerDescription { Units = 6, Activation = activation },
                    new LayerDescription()],
                Loss = new LossDescription { Kind = loss },
            },
        };
        bool scales = normalization != NormalizationKind.None;
        var schema = new DataSchema
        {
            Task = isClass ? TaskKind.Classification : loss == "binary-cross-entropy" ? TaskKind.Binary
                : TaskKind.Regression,
            FeatureNames = [.. Enumerable.Range(0, Features).Select(f => $"f{f}")],
            TargetNames = isClass ? ["class"] : ["y1", "y2"],
            ClassNames = isClass ? ["a", "b", "c"] : [],
            Normalization = new Normalization(
                normalization, scales ? [1000, -3, 0.5, 0, 7] : new double[Features], scales
                    ? [3, 0.1f, 2, 1, 10] : [1, 1, 1, 1, 1],
                isClass ? [0] : [5, -1], isClass ? [1] : [0.5f, 2]),
        };
        Network network = JobNetwork.Create(job.Model, schema);
        float[] parameters = network.InitialParameters(3);
        return new TrainedModel(
            new JobFile(job, new RunSettings()), schema, network, parameters, ParameterHash.Compute(parameters));
    }

    private sealed class Plain(int features) : RowLayer("plain", features, features)
    {
        protected override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> input,
            Span<float> output) => input.CopyTo(output);

        protected override void BackwardInput(
            ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
            Span<float> inputGradient) =>
            outputGradient.CopyTo(inputGradient);

        protected override void AddGradient(
            ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> gradient)
        {
        }
    }

    private static float[] Raw()
    {
        var random = new Random(5);
        float[] raw = new float[Rows * Features];
        for (int i = 0; i < raw.Length; i++)
            raw[i] = (float)(random.NextDouble() - 0.5) + (i % Features == 0 ? 1000 : 0);
        return raw;
    }

    private static float[] Engine(TrainedModel model, float[] raw)
    {
        float[] features = [.. raw];
        int width = model.Network.Inputs, outputs = model.Network.Outputs;
        for (int start = 0; start < features.Length; start += width)
            model.Schema.Normalization.ScaleFeatures(features.AsSpan(start, width));
        float[] predictions = new float[features.Length / width * outputs];
        using var evaluator = new Evaluator(model.Network, model.Schema.TargetNames.Count);
        evaluator.Predict(features, model.Parameters, predictions);
        for (int start = 0; start < predictions.Length && model.Schema.Task == TaskKind.Regression; start += outputs)
            model.Schema.Normalization.RestoreTargets(predictions.AsSpan(start, outputs));
        return predictions;
    }

    private float[] Runtime(float[] raw, int width = Features)
    {
        using var session = new InferenceSession(_path);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = session.Run(
            [NamedOnnxValue.CreateFromTensor(
                OnnxFile.Input, new DenseTensor<float>(raw, [raw.Length / width, width]))]);
        return [.. results.Single(result => result.Name == OnnxFile.Output).AsEnumerable<float>()];
    }
}
