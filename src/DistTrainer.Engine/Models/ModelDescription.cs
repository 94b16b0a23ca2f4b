namespace DistTrainer.Engine;

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

/// <summary>One layer of the job file with what follows it: an activation and dropout.</summary>
public sealed record LayerDescription
{
    /// <summary>The layer's name; see <see cref="PluginRegistry.Layers"/>.</summary>
    public string Kind { get; init; } = DenseLayer.Part.Name;

    /// <summary>Number of output units; null in the last layer, where the data decide, and in a layer that decides itself.</summary>
    public int? Units { get; init; }

    /// <summary>The name of the function of the outputs; see <see cref="PluginRegistry.Activations"/>.</summary>
    public string Activation { get; init; } = IdentityFunction.Part.Name;

    /// <summary>Settings of the layer and of the activation.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>How the weights get their first values.</summary>
    public InitializerDescription WeightInitializer { get; init; } = InitializerDescription.Default(InitializerKind.XavierUniform);

    /// <summary>How the biases get their first values.</summary>
    public InitializerDescription BiasInitializer { get; init; } = InitializerDescription.Default(InitializerKind.Zeros);

    /// <summary>Whether the layer has biases.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Probability in [0, 1) that an output is dropped in training; 0 leaves the dropout module out.</summary>
    public float Dropout { get; init; }
}

/// <summary>A loss and its settings.</summary>
public sealed record LossDescription
{
    /// <summary>The loss's name; see <see cref="PluginRegistry.Losses"/>.</summary>
    public string Kind { get; init; } = CrossEntropyLoss.Part.Name;

    /// <summary>The loss's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>What the targets mean to the loss.</summary>
    /// <exception cref="DistTrainerException">There is no such loss (<see cref="FailureKind.Configuration"/>).</exception>
    public TaskKind Task => PluginRegistry.Shared.Losses[Kind].Task;

    /// <summary>A loss with settings, e.g. <c>Of("huber", ("huber-delta", 0.5f))</c>.</summary>
    /// <param name="kind">The loss's name.</param>
    /// <param name="settings">Names and values; see <see cref="PartSettings.Of"/>.</param>
    public static LossDescription Of(string kind, params ReadOnlySpan<(string Name, object Value)> settings) =>
        new() { Kind = kind, Settings = PartSettings.Of(settings) };

    /// <summary>Makes the loss.</summary>
    /// <exception cref="DistTrainerException">There is no such loss, or a setting is wrong (<see cref="FailureKind.Configuration"/>).</exception>
    public ILoss Create() => PluginRegistry.Shared.Losses[Kind].Create(Settings);
}

/// <summary>A feed-forward network: its layers from inputs to outputs, and the loss.</summary>
public sealed record ModelDescription
{
    /// <summary>The layers from the inputs on.</summary>
    public required IReadOnlyList<LayerDescription> Layers { get; init; }

    /// <summary>What is minimized.</summary>
    public LossDescription Loss { get; init; } = new();
}
