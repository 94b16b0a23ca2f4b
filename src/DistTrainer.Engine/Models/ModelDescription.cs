using System.Collections.ObjectModel;

namespace DistTrainer.Engine;

/// <summary>Element-wise function behind a dense layer.</summary>
public enum ActivationKind
{
    /// <summary>f(x) = x.</summary>
    Identity,

    /// <summary>f(x) = max(0, x).</summary>
    Relu,

    /// <summary>f(x) = x for x &gt; 0, else slope · x (slope 0.01).</summary>
    LeakyRelu,

    /// <summary>f(x) = 1 / (1 + e^−x).</summary>
    Sigmoid,

    /// <summary>f(x) = tanh x.</summary>
    Tanh,

    /// <summary>f(x) = x · Φ(x), with the exact error function (PyTorch's default).</summary>
    Gelu,

    /// <summary>f(x) = x · sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>What <see cref="LayerDescription.PluginActivation"/> names.</summary>
    Plugin,
}

/// <summary>How a tensor gets its first values.</summary>
public enum InitializerKind
{
    /// <summary>All zero.</summary>
    Zeros,

    /// <summary>All equal to <see cref="InitializerDescription.Scale"/>.</summary>
    Constant,

    /// <summary>Uniform on (−scale, scale): "small random values".</summary>
    RandomUniform,

    /// <summary>Normal with standard deviation scale: "small random values".</summary>
    RandomNormal,

    /// <summary>Glorot and Bengio 2010: uniform on ±scale · √(6 / (fanIn + fanOut)).</summary>
    XavierUniform,

    /// <summary>Glorot and Bengio 2010: normal with deviation scale · √(2 / (fanIn + fanOut)).</summary>
    XavierNormal,

    /// <summary>He et al. 2015: uniform on ±scale · √(6 / fanIn).</summary>
    HeUniform,

    /// <summary>He et al. 2015: normal with deviation scale · √(2 / fanIn).</summary>
    HeNormal,

    /// <summary>LeCun et al. 1998: normal with deviation scale · √(1 / fanIn).</summary>
    LecunNormal,

    /// <summary>Saxe et al. 2014: rows or columns of a random orthogonal matrix, times scale.</summary>
    Orthogonal,
}

/// <summary>An initializer and its scale.</summary>
/// <param name="Kind">Which rule.</param>
/// <param name="Scale">Gain of the rule; the value for <see cref="InitializerKind.Constant"/>, the half-width or deviation for the random ones. Default 1 (0.01 for the "small random" ones, see <see cref="Default"/>).</param>
public sealed record InitializerDescription(InitializerKind Kind, float Scale)
{
    /// <summary>The rule with its usual scale: 0.01 for random-uniform and random-normal, 0 for constant, else 1.</summary>
    public static InitializerDescription Default(InitializerKind kind) => new(kind, kind switch
    {
        InitializerKind.RandomUniform or InitializerKind.RandomNormal => 0.01f,
        InitializerKind.Constant => 0f,
        _ => 1f,
    });
}

/// <summary>One layer of the job file, dense or a plug-in's, with what follows it: an activation and dropout.</summary>
public sealed record LayerDescription
{
    /// <summary>The name of a plug-in's layer in the place of the dense one; null is dense.</summary>
    public string? Plugin { get; init; }

    /// <summary>Number of output units; null in the last layer, where the data decide, and in a plug-in's layer with as many outputs as inputs.</summary>
    public int? Units { get; init; }

    /// <summary>Element-wise function of the outputs.</summary>
    public ActivationKind Activation { get; init; } = ActivationKind.Identity;

    /// <summary>The name of a plug-in's activation, with <see cref="ActivationKind.Plugin"/>; else null.</summary>
    public string? PluginActivation { get; init; }

    /// <summary>Settings of the plug-in's layer and activation, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Slope for negative inputs of <see cref="ActivationKind.LeakyRelu"/>; PyTorch's default.</summary>
    public float LeakySlope { get; init; } = 0.01f;

    /// <summary>How the weights get their first values.</summary>
    public InitializerDescription WeightInitializer { get; init; } = InitializerDescription.Default(InitializerKind.XavierUniform);

    /// <summary>How the biases get their first values.</summary>
    public InitializerDescription BiasInitializer { get; init; } = InitializerDescription.Default(InitializerKind.Zeros);

    /// <summary>Whether the layer has biases.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Probability in [0, 1) that an output is dropped in training; 0 leaves the dropout module out.</summary>
    public float Dropout { get; init; }
}

/// <summary>What is minimized.</summary>
public enum LossKind
{
    /// <summary>Softmax followed by cross-entropy over classes; the network ends with one logit a class.</summary>
    CrossEntropy,

    /// <summary>Sigmoid followed by binary cross-entropy, averaged over outputs.</summary>
    BinaryCrossEntropy,

    /// <summary>Mean squared error, averaged over outputs.</summary>
    MeanSquaredError,

    /// <summary>Huber 1964: quadratic within <see cref="LossDescription.HuberDelta"/>, linear beyond; averaged over outputs.</summary>
    Huber,

    /// <summary>What <see cref="LossDescription.Plugin"/> names.</summary>
    Plugin,
}

/// <summary>A loss and its settings.</summary>
public sealed record LossDescription
{
    /// <summary>Which loss.</summary>
    public LossKind Kind { get; init; } = LossKind.CrossEntropy;

    /// <summary>The name of a plug-in's loss, with <see cref="LossKind.Plugin"/>; else null.</summary>
    public string? Plugin { get; init; }

    /// <summary>Settings of the plug-in's loss, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>What the targets mean to the loss.</summary>
    /// <exception cref="DistTrainerException">No plug-in brings the loss (<see cref="FailureKind.Configuration"/>).</exception>
    public TaskKind Task => Kind switch
    {
        LossKind.CrossEntropy => TaskKind.Classification,
        LossKind.BinaryCrossEntropy => TaskKind.Binary,
        LossKind.Plugin => PluginRegistry.Shared.TaskOf(Plugin ?? ""),
        _ => TaskKind.Regression,
    };

    /// <summary>Share in [0, 1) of the target probability spread over all classes (cross-entropy only).</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>Where Huber's loss turns linear; &gt; 0.</summary>
    public float HuberDelta { get; init; } = 1f;
}

/// <summary>A feed-forward network: its layers from inputs to outputs, and the loss.</summary>
public sealed record ModelDescription
{
    /// <summary>The layers from the inputs on.</summary>
    public required IReadOnlyList<LayerDescription> Layers { get; init; }

    /// <summary>What is minimized.</summary>
    public LossDescription Loss { get; init; } = new();
}
