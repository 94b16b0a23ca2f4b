using System.Reflection;
using System.Security.Cryptography;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Plugins;

/// <summary>
/// The parts of this process: the built-in ones, and what its plug-ins bring. A job names a part, and only what the
/// process's own operator has added here is found: no job, model or message can load anything.
/// </summary>
public sealed class PluginRegistry
{
    private const string PartOfLoss =
        "is part of the cross-entropy loss and no layer's activation: leave the last layer's activation out and set "
        + "model.loss.kind = cross-entropy";

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, string> _plugins = new(StringComparer.Ordinal);
    private string? _adding;

    /// <summary>Knows the built-in parts.</summary>
    public PluginRegistry() => BuiltInParts.Register(this);

    /// <summary>The parts of this process: where jobs look.</summary>
    public static PluginRegistry Shared { get; } = new();

    /// <summary>
    /// What two processes must have in common to train together: each plug-in's assembly, version and the first 12
    /// digits of its file's SHA-256, sorted; <c>none</c> without plug-ins.
    /// </summary>
    public string Identity
    {
        get
        {
            lock (_gate)
                return _plugins.Count == 0 ? "none" : string.Join(
                    ", ", _plugins.Select(plugin => $"{plugin.Key} {plugin.Value}"));
        }
    }

    /// <summary>The layers.</summary>
    internal PartTable<LayerPart> Layers { get; } = new("layer", "model.layers[…].kind");

    /// <summary>The activations.</summary>
    internal PartTable<ActivationPart> Activations { get; } = new("activation", "model.layers[…].activation")
    {
        Elsewhere = new Dictionary<string, string> { ["softmax"] = PartOfLoss, ["log-softmax"] = PartOfLoss },
    };

    /// <summary>The losses.</summary>
    internal PartTable<LossPart> Losses { get; } = new("loss", "model.loss.kind");

    /// <summary>The data sources that are no files.</summary>
    internal PartTable<SourcePart> Sources { get; } = new("source", "data.source")
    {
        Elsewhere = DataCatalog.List().ToDictionary(entry => entry.Name, _ => "is a data set"),
    };

    /// <summary>The initializers.</summary>
    internal PartTable<InitializerPart> Initializers { get; } = new("initializer", "an initializer's kind");

    /// <summary>The learning-rate schedules.</summary>
    internal PartTable<SchedulePart> Schedules { get; } = new("schedule", "schedule.kind");

    /// <summary>The update rules.</summary>
    internal PartTable<OptimizerPart> Optimizers { get; } = new("optimizer", "optimizer.kind");

    /// <summary>Adds a plug-in. A second one from the same file changes nothing.</summary>
    /// <param name="plugin">The plug-in.</param>
    /// <exception cref="DistTrainerException">It takes a name that is taken, or another file of its name was added
    /// before (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(IDistTrainerPlugin plugin)
    {
        Assembly assembly = plugin.GetType().Assembly;
        string name = assembly.GetName().Name ?? "";
        string identity = $"{assembly.GetName().Version} sha256={HashOf(assembly)}";
        lock (_gate)
        {
            if (_plugins.TryGetValue(name, out string? before))
            {
                if (before == identity)
                    return;
                throw DataError.Configuration(
                    $"plug-in {name}: {identity} cannot be added, because {before} is loaded; give one of them.");
            }
            _adding = name;
            try
            {
                plugin.Register(this);
            }
            finally
            {
                _adding = null;
            }
            _plugins.Add(name, identity);
        }
    }

    /// <summary>Adds a layer, which a job names by <c>kind</c> in a section of <c>model.layers</c>.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(LayerPart part) => Layers.Add(part, _adding);

    /// <summary>
    /// Adds an activation, which a job names by <c>activation</c> in a section of <c>model.layers</c>.
    /// </summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(ActivationPart part) => Activations.Add(part, _adding);

    /// <summary>Adds a loss, which a job names by <c>model.loss.kind</c>.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(LossPart part) => Losses.Add(part, _adding);

    /// <summary>Adds an optimizer, which a job names by <c>optimizer.kind</c>.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(OptimizerPart part) => Optimizers.Add(part, _adding);

    /// <summary>Adds an initializer, which a job names by <c>weight-initializer</c> or <c>bias-initializer</c> of a
    /// layer.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(InitializerPart part) => Initializers.Add(part, _adding);

    /// <summary>Adds a learning-rate schedule, which a job names by <c>schedule.kind</c>.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(SchedulePart part) => Schedules.Add(part, _adding);

    /// <summary>Adds a data source, which a job names by <c>data.source</c>.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken, also by a data set, or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(SourcePart part) => Sources.Add(part, _adding);

    private static string HashOf(Assembly assembly) => assembly.Location.Length == 0
        ? assembly.ManifestModule.ModuleVersionId.ToString("N")[..12]
        : Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(assembly.Location)))[..12];
}
