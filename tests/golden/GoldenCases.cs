using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;

namespace DistTrainer.Golden;

/// <summary>What PyTorch computes in one forward and backward pass over all samples.</summary>
/// <param name="Name">Unique, e.g. <c>relu-ce-no-bias</c>.</param>
/// <param name="Model">The network and its loss.</param>
/// <param name="Outputs">Name of the array with the network's outputs.</param>
/// <param name="Loss">Mean loss a sample, from a float64 run.</param>
/// <param name="TorchFloat32Error">Relative error of PyTorch's own float32 run: the noise floor.</param>
internal sealed record GradientCase(
    string Name, ModelDescription Model, string Outputs, double Loss, double TorchFloat32Error)
{
    /// <summary>[samples, outputs] of the last layer, before softmax or sigmoid.</summary>
    public float[] ExpectedOutputs => GoldenCases.Array(Outputs);

    /// <summary>Gradient of the <em>mean</em> loss, flat in layout order.</summary>
    public float[] ExpectedGradient => GoldenCases.Array($"{Name}/gradient");

    public override string ToString() => Name;
}

/// <summary>What PyTorch's parameters are after a training run without shuffling.</summary>
/// <param name="Name">Unique: optimizer and treatment, e.g. <c>adam/elastic</c>.</param>
/// <param name="Model">The network and its loss.</param>
/// <param name="Optimizer">The update rule.</param>
/// <param name="Regularization">What is added to it.</param>
/// <param name="Clipping">Limits on the mean gradient, before regularization.</param>
/// <param name="Training">Epochs and batch size.</param>
/// <param name="TorchFloat32Error">Relative error of PyTorch's own float32 run: the noise floor.</param>
internal sealed record TrainingCase(
    string Name, ModelDescription Model, OptimizerDescription Optimizer, RegularizationDescription Regularization,
    ClippingDescription Clipping, TrainingDescription Training, double TorchFloat32Error)
{
    /// <summary>The parameters at the end, from a float64 run, flat in layout order.</summary>
    public float[] ExpectedParameters => GoldenCases.Array($"{Name}/parameters");

    /// <summary>The whole job.</summary>
    public JobDescription Job => new()
    {
        Model = Model,
        Optimizer = Optimizer,
        // 0 as well: make_golden.py leaves nothing to a default
        Regularization = Regularization with { DecoupledWeightDecay = Regularization.DecoupledWeightDecay },
        Clipping = Clipping,
        Training = Training,
    };

    public override string ToString() => Name;
}

/// <summary>
/// Reads the golden vectors that <c>tests/golden/make_golden.py</c> made; they are embedded in the test assembly.
/// </summary>
internal static class GoldenCases
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        Converters =
            { new JsonStringEnumConverter(),
            new PartJson<LossDescription>((kind, settings) =>
            new LossDescription { Kind = JsonNamingPolicy.KebabCaseLower.ConvertName(kind), Settings = settings }),
            new LayerJson(), new PartJson<OptimizerDescription>((kind, settings) =>
            new OptimizerDescription { Kind = kind.ToLowerInvariant(), Settings = settings }) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    private static readonly Lazy<Dictionary<string, float[]>> s_arrays = new(ReadSafetensors);
    private static readonly Lazy<Index> s_cases = new(
        () => JsonSerializer.Deserialize<Index>(Resource("golden.json"), s_json)!);

    /// <summary>Forward and backward passes: every activation with every loss, with and without biases.</summary>
    public static IReadOnlyList<GradientCase> Gradients => s_cases.Value.Gradients;

    /// <summary>Training runs: every optimizer with every regularizer and limit, and every loss.</summary>
    public static IReadOnlyList<TrainingCase> Trainings => s_cases.Value.Trainings;

    /// <summary>An array by its name; a fresh copy.</summary>
    public static float[] Array(string name) => [.. s_arrays.Value[name]];

    /// <summary>The samples, with the targets that the model's loss asks for.</summary>
    public static DataSet Data(ModelDescription model)
    {
        string targets = model.Loss.Kind switch
        {
            "cross-entropy" => "classes",
            "binary-cross-entropy" => "binary",
            _ => "real",
        };
        return new DataSet(
            Array("inputs"), Array($"targets.{targets}"), Inputs, model.Loss.Kind == "cross-entropy" ? 1 : Outputs);
    }

    /// <summary>The same samples as the training part of a job, unscaled, with nothing held out.</summary>
    public static DataParts Parts(ModelDescription model)
    {
        DataSet train = Data(model);
        TaskKind task = model.Loss.Kind switch
        {
            "cross-entropy" => TaskKind.Classification,
            "binary-cross-entropy" => TaskKind.Binary,
            _ => TaskKind.Regression,
        };
        float[] ones = [.. Enumerable.Repeat(1f, Inputs)];
        var schema = new DataSchema
        {
            Task = task,
            FeatureNames = [.. Enumerable.Range(0, Inputs).Select(i => $"x{i}")],
            TargetNames = [.. Enumerable.Range(0, train.TargetWidth).Select(i => $"y{i}")],
            ClassNames = task == TaskKind.Classification ? ["0", "1", "2"] : [],
            Normalization = new Normalization(
                NormalizationKind.None, new double[Inputs], ones, new double[train.TargetWidth],
                    [.. new float[train.TargetWidth].Select(_ => 1f)]),
        };
        var none = new DataSet([], [], Inputs, train.TargetWidth);
        return new DataParts(train, none, none, schema, "golden");
    }

    /// <summary>
    /// The initial parameters, flat in layout order: of each layer the weights row-major, then the biases it has.
    /// </summary>
    public static float[] InitialParameters(ModelDescription model) =>
        [.. model.Layers.SelectMany(
            (layer, i) => Array($"initial.{i}.weight").Concat(layer.Bias ? Array($"initial.{i}.bias") : []))];

    private const int Inputs = 7;
    private const int Outputs = 3;

    private static byte[] Resource(string name)
    {
        using Stream stream = typeof(GoldenCases).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException(
                $"{name} is not embedded in this assembly: import tests/golden/Golden.props.");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    private static Dictionary<string, float[]> ReadSafetensors()
    {
        byte[] file = Resource("golden.safetensors");
        int headerLength = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
        using var header = JsonDocument.Parse(file.AsMemory(sizeof(long), headerLength));
        int dataStart = sizeof(long) + headerLength;
        return header.RootElement.EnumerateObject().ToDictionary(entry => entry.Name, entry =>
        {
            JsonElement offsets = entry.Value.GetProperty("data_offsets");
            ReadOnlySpan<byte> bytes = file.AsSpan(dataStart)[offsets[0].GetInt32()..offsets[1].GetInt32()];
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        });
    }

    private sealed record Index(IReadOnlyList<GradientCase> Gradients, IReadOnlyList<TrainingCase> Trainings);
}
