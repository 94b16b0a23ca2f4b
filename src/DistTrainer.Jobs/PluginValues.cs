using DistTrainer.Engine;

namespace DistTrainer.Jobs;

/// <summary>A built-in part, or the name of a plug-in's.</summary>
/// <typeparam name="T">The built-in kinds.</typeparam>
/// <param name="Kind">Which of them, or that it is a plug-in's.</param>
/// <param name="Plugin">The plug-in's name for it; null for a built-in one.</param>
internal readonly record struct PartName<T>(T Kind, string? Plugin);

/// <summary>The name of a built-in part or of one that a plug-in of this process brings.</summary>
/// <typeparam name="T">The built-in kinds.</typeparam>
/// <param name="part">What plug-ins may bring here.</param>
/// <param name="plugin">The kind that stands for a plug-in's.</param>
/// <param name="names">Each built-in kind's names; the first one is written, the others are read too.</param>
/// <param name="explain">Says of a name that is not allowed why, or null.</param>
internal sealed class OldPartNameValue<T>(PluginPart part, T plugin, (T Value, string[] Names)[] names, Func<string, string?>? explain = null) : JobValue<PartName<T>>
    where T : struct, Enum
{
    /// <inheritdoc/>
    public override string Allowed => BuiltIn.Allowed;

    // Plug-ins are loaded after this table is made.
    private JobValue<T> BuiltIn => JobValues.Name(names, explain, PluginRegistry.Shared.Names(part));

    /// <inheritdoc/>
    public override PartName<T> Read(ConfigNode node, string path, PartName<T> current) => node switch
    {
        ConfigText { Value: null } => current,
        ConfigText { Value: { } text } when PluginRegistry.Shared.Names(part).Contains(text) => new(plugin, text),
        _ => new(BuiltIn.Read(node, path, current.Kind), null),
    };

    /// <inheritdoc/>
    public override string? Write(PartName<T> value, JobWriter writer) => value.Plugin ?? BuiltIn.Write(value.Kind, writer);
}

/// <summary>The kind of a layer: dense (null), or the name of a plug-in's layer.</summary>
internal sealed class LayerKindValue : JobValue<string?>
{
    private const string Dense = "dense";

    /// <inheritdoc/>
    public override string Allowed => string.Join(", ", Names);

    private static IEnumerable<string> Names => PluginRegistry.Shared.Names(PluginPart.Layer).Prepend(Dense);

    /// <inheritdoc/>
    public override string? Read(ConfigNode node, string path, string? current) => node switch
    {
        ConfigText { Value: null } => current,
        ConfigText { Value: Dense } => null,
        ConfigText { Value: { } text } when Names.Contains(text) => text,
        ConfigText { Value: { } text } => throw node.Refuse(path, $" = {ConfigNode.Show(text)} is not known{NearestName.Hint(text, Names)}; allowed: {Allowed}"),
        _ => throw node.Refuse(path, $" is not a name; allowed: {Allowed}"),
    };

    /// <inheritdoc/>
    public override string? Write(string? value, JobWriter writer) => value ?? Dense;
}

/// <summary>Settings of a plug-in's part: names and values, which the plug-in itself checks.</summary>
internal sealed class PluginSettingsValue : JobValue<IReadOnlyDictionary<string, string>>
{
    private const int Most = 1000;

    /// <inheritdoc/>
    public override string Allowed => "names and values, e.g. { slope = 0.1 }";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Read(ConfigNode node, string path, IReadOnlyDictionary<string, string> current)
    {
        if (node is ConfigText { Value: null })
            return current;
        if (node is not ConfigObject section)
            throw node.Refuse(path, $" is not a section; allowed: {Allowed}");
        if (section.Items.Count > Most)
            throw node.Refuse(path, $" has {section.Items.Count} settings; allowed: at most {Most}");
        return section.Items.ToDictionary(item => item.Key, item => item.Value is ConfigText { Value: { } text }
            ? text
            : throw item.Value.Refuse($"{path}.{item.Key}", " is not one value; allowed: a number, a text, true or false"));
    }

    /// <inheritdoc/>
    public override string? Write(IReadOnlyDictionary<string, string> value, JobWriter writer) => value.Count == 0
        ? null
        : $"{{ {string.Join(", ", value.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{JobValues.Quote(pair.Key)} = {JobValues.Quote(pair.Value)}"))} }}";
}
