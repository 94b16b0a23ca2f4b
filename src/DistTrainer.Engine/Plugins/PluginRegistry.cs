using System.Reflection;
using System.Security.Cryptography;

namespace DistTrainer.Engine;

/// <summary>
/// The parts of this process: the built-in ones, and what its plug-ins bring. A job names a part, and only what the process's own
/// operator has added here is found: no job, model or message can load anything.
/// </summary>
public sealed class PluginRegistry
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(PluginPart Part, string Name), Delegate> _parts = [];
    private readonly Dictionary<string, TaskKind> _tasks = [];
    private readonly SortedDictionary<string, string> _plugins = new(StringComparer.Ordinal);
    private string? _adding;

    /// <summary>Knows the built-in parts.</summary>
    public PluginRegistry() => BuiltInParts.Register(this);

    /// <summary>The parts of this process: where jobs look.</summary>
    public static PluginRegistry Shared { get; } = new();

    /// <summary>
    /// What two processes must have in common to train together: each plug-in's assembly, version and the first 12 digits
    /// of its file's SHA-256, sorted; <c>none</c> without plug-ins.
    /// </summary>
    public string Identity
    {
        get
        {
            lock (_gate)
                return _plugins.Count == 0 ? "none" : string.Join(", ", _plugins.Select(plugin => $"{plugin.Key} {plugin.Value}"));
        }
    }

    /// <summary>The update rules.</summary>
    public PartTable<OptimizerPart> Optimizers { get; } = new("optimizer", "optimizer.kind");

    /// <summary>Adds a plug-in. A second one from the same file changes nothing.</summary>
    /// <param name="plugin">The plug-in.</param>
    /// <exception cref="DistTrainerException">It takes a name that is taken, or another file of its name was added before (<see cref="FailureKind.Configuration"/>).</exception>
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
                throw DataError.Configuration($"plug-in {name}: {identity} cannot be added, because {before} is loaded; give one of them.");
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
    /// <param name="name">Lower-case letters, digits and hyphens, a letter first; not taken.</param>
    /// <param name="make">Makes it; called once a run on each node.</param>
    /// <exception cref="DistTrainerException">The name is not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public void AddLayer(string name, LayerFactory make) => AddPart(PluginPart.Layer, name, make, ["dense"]);

    /// <summary>Adds an activation, which a job names by <c>activation</c> in a section of <c>model.layers</c>.</summary>
    /// <param name="name">Lower-case letters, digits and hyphens, a letter first; not taken.</param>
    /// <param name="make">Makes it; called once a run on each node.</param>
    /// <exception cref="DistTrainerException">The name is not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public void AddActivation(string name, ActivationFactory make) =>
        AddPart(PluginPart.Activation, name, make, ["identity", "none", "linear", "relu", "leaky-relu", "sigmoid", "tanh", "gelu", "silu", "swish", "softmax", "log-softmax"]);

    /// <summary>Adds a loss, which a job names by <c>model.loss.kind</c>.</summary>
    /// <param name="name">Lower-case letters, digits and hyphens, a letter first; not taken.</param>
    /// <param name="task">What the targets mean to it; not <see cref="TaskKind.Auto"/>.</param>
    /// <param name="make">Makes it; called once a run on each node.</param>
    /// <exception cref="DistTrainerException">The name is not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public void AddLoss(string name, TaskKind task, LossFactory make)
    {
        if (task == TaskKind.Auto)
            throw new ArgumentOutOfRangeException(nameof(task), task, $"The loss {name} must say what its targets mean: classification, binary or regression.");
        AddPart(PluginPart.Loss, name, make, ["cross-entropy", "binary-cross-entropy", "bce", "mean-squared-error", "mse", "huber"]);
        _tasks[name] = task;
    }

    /// <summary>Adds an optimizer, which a job names by <c>optimizer.kind</c>.</summary>
    /// <param name="part">The part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public void Add(OptimizerPart part) => Optimizers.Add(part, _adding);

    /// <summary>Adds a data source, which a job names by <c>data.source</c>.</summary>
    /// <param name="name">Lower-case letters, digits and hyphens, a letter first; not taken.</param>
    /// <param name="read">Reads it; called once a run on each node.</param>
    /// <exception cref="DistTrainerException">The name is not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public void AddSource(string name, SourceFactory read) => AddPart(PluginPart.Source, name, read, [.. DataCatalog.List().Select(entry => entry.Name)]);

    /// <summary>The names of what plug-ins bring of one kind, sorted.</summary>
    public IReadOnlyList<string> Names(PluginPart part)
    {
        lock (_gate)
            return [.. _parts.Keys.Where(key => key.Part == part).Select(key => key.Name).Order(StringComparer.Ordinal)];
    }

    /// <summary>What a loss's targets mean.</summary>
    /// <exception cref="DistTrainerException">There is no such loss (<see cref="FailureKind.Configuration"/>).</exception>
    internal TaskKind TaskOf(string loss)
    {
        Find<LossFactory>(PluginPart.Loss, loss, "model.loss.kind");
        lock (_gate)
            return _tasks[loss];
    }

    /// <summary>Makes a part, and refuses settings that it does not know.</summary>
    /// <typeparam name="TFactory">The delegate that was added.</typeparam>
    /// <typeparam name="T">What it makes.</typeparam>
    /// <param name="part">Which kind.</param>
    /// <param name="name">Its name.</param>
    /// <param name="section">The section that names it, for errors, e.g. <c>model.loss</c>.</param>
    /// <param name="settings">The section's settings.</param>
    /// <param name="make">Calls the delegate.</param>
    /// <exception cref="DistTrainerException">There is no such part, or a setting is not known (<see cref="FailureKind.Configuration"/>).</exception>
    internal T Make<TFactory, T>(PluginPart part, string name, string section, IReadOnlyDictionary<string, string> settings, Func<TFactory, PluginSettings, T> make)
        where TFactory : Delegate
    {
        var asked = new PluginSettings($"{section}.settings", settings);
        T made = make(Find<TFactory>(part, name, section), asked);
        asked.RequireAllAsked();
        return made;
    }

    /// <summary>The delegate behind a name.</summary>
    /// <typeparam name="TFactory">Its type.</typeparam>
    /// <param name="part">Which kind.</param>
    /// <param name="name">The name.</param>
    /// <param name="section">The section that names it, for errors.</param>
    /// <exception cref="DistTrainerException">There is no such part (<see cref="FailureKind.Configuration"/>).</exception>
    internal TFactory Find<TFactory>(PluginPart part, string name, string section)
        where TFactory : Delegate
    {
        lock (_gate)
        {
            if (_parts.TryGetValue((part, name), out Delegate? found))
                return (TFactory)found;
        }
        throw DataError.Configuration($"{section}: there is no {part.ToString().ToLowerInvariant()} {DataError.Quote(name)}; load the plug-in that brings it (this process has: {Identity}).");
    }

    private void AddPart(PluginPart part, string name, Delegate make, string[] builtIn)
    {
        string from = _adding is null ? "" : $"plug-in {_adding}: ";
        bool isName = name.Length is > 0 and <= 64 && name[0] is >= 'a' and <= 'z' && name.All(c => c is '-' or (>= 'a' and <= 'z') or (>= '0' and <= '9'));
        if (!isName)
            throw DataError.Configuration($"{from}{DataError.Quote(name)} is no name for a {part.ToString().ToLowerInvariant()}; allowed are up to 64 lower-case letters, digits and hyphens, a letter first.");
        lock (_gate)
        {
            if (builtIn.Contains(name) || !_parts.TryAdd((part, name), make))
                throw DataError.Configuration($"{from}the {part.ToString().ToLowerInvariant()} {DataError.Quote(name)} is there already; give it another name.");
        }
    }

    private static string HashOf(Assembly assembly) => assembly.Location.Length == 0
        ? assembly.ManifestModule.ModuleVersionId.ToString("N")[..12]
        : Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(assembly.Location)))[..12];
}
