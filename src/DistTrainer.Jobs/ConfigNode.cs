using DistTrainer.Engine;

namespace DistTrainer.Jobs;

/// <summary>A value of a job file as it was read, before anybody asked what it means.</summary>
/// <param name="Origin">Where it was written: a file's name, <c>--set</c> or an option's name.</param>
internal abstract record ConfigNode(string Origin)
{
    /// <summary>An error at this place.</summary>
    /// <param name="path">The key's full name.</param>
    /// <param name="what">What is wrong and what is allowed, without the full stop.</param>
    public DistTrainerException Refuse(string path, string what) =>
        new(FailureKind.Configuration, $"{Origin}: {path}{what}{(what.EndsWith('?') ? "" : ".")}");

    /// <summary>A text for an error message: one line, not too long, in quotes.</summary>
    public static string Show(string text) => $"\"{Printable.Short(text.ReplaceLineEndings(" "), 60)}\"";
}

/// <summary>A number, text or truth value.</summary>
/// <param name="Value">Its text; null where the file says <c>null</c> or nothing: the default holds.</param>
/// <param name="Origin">Where it was written.</param>
internal sealed record ConfigText(string? Value, string Origin) : ConfigNode(Origin);

/// <summary>A list.</summary>
/// <param name="Items">Its elements.</param>
/// <param name="Origin">Where it was written.</param>
internal sealed record ConfigList(IReadOnlyList<ConfigNode> Items, string Origin) : ConfigNode(Origin);

/// <summary>Keys and values.</summary>
/// <param name="Items">In the order of the file.</param>
/// <param name="Origin">Where it was written.</param>
internal sealed record ConfigObject(IReadOnlyDictionary<string, ConfigNode> Items, string Origin) : ConfigNode(Origin)
{
    /// <summary>
    /// Lays <paramref name="above"/> over this: its keys win, objects are merged, everything else is replaced.
    /// </summary>
    public ConfigObject Under(ConfigObject above)
    {
        var merged = new Dictionary<string, ConfigNode>(Items);
        foreach ((string key, ConfigNode over) in above.Items)
            merged[key] = merged.TryGetValue(key, out ConfigNode? under) ? Merge(under, over) : over;
        return new ConfigObject(merged, Origin);
    }

    /// <summary>The same without a key.</summary>
    public ConfigObject Without(string key) =>
        new(Items.Where(item => item.Key != key).ToDictionary(item => item.Key, item => item.Value), Origin);

    // A section may be written as the name of its kind (optimizer = adam), so a text meets an object as { kind = text
    // }.
    private static ConfigNode Merge(ConfigNode under, ConfigNode over) => (under, over) switch
    {
        (ConfigObject below, ConfigObject above) => below.Under(above),
        (ConfigText { Value: not null } below, ConfigObject above) => AsKind(below).Under(above),
        (ConfigObject below, ConfigText { Value: not null } above) => below.Under(AsKind(above)),
        _ => over,
    };

    /// <summary>A section written as the name of its kind.</summary>
    public static ConfigObject AsKind(ConfigText text) =>
        new(new Dictionary<string, ConfigNode> { ["kind"] = text }, text.Origin);
}
