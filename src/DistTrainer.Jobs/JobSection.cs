using DistTrainer.Engine;

namespace DistTrainer.Jobs;

/// <summary>
/// A key of a section: name, meaning, allowed values, default; reading, checking and writing follow from it.
/// </summary>
/// <typeparam name="TSection">The section's record.</typeparam>
internal abstract class JobKey<TSection>
{
    /// <summary>The name in the file.</summary>
    public required string Name { get; init; }

    /// <summary>What it means, with its unit.</summary>
    public required string Meaning { get; init; }

    /// <summary>Whether the key has any effect in this section, and when, in words; null if always.</summary>
    public (Func<TSection, bool> Holds, string When)? Only { get; init; }

    /// <summary>The default in words, where it depends on another key or on the machine; else null.</summary>
    public string? DefaultText { get; init; }

    /// <summary>What is allowed, in words; empty for a section.</summary>
    public abstract string Allowed { get; }

    /// <summary>Whether it is written where a section is written without comments.</summary>
    public virtual bool IsWritten(TSection section) => Only is not { } only || only.Holds(section);

    /// <summary>The section with this key's value.</summary>
    public abstract TSection Read(TSection section, ConfigNode node, string path);

    /// <summary>The value as HOCON; null where there is none.</summary>
    public abstract string? Write(TSection section, JobWriter writer);

    /// <summary>Refuses a value other than the default where the key has no effect: it is most likely a
    /// mistake.</summary>
    /// <param name="section">What was read.</param>
    /// <param name="defaults">The section where nothing is written.</param>
    /// <param name="node">The value as it was written.</param>
    /// <param name="path">The key's full name.</param>
    public virtual void CheckEffect(TSection section, TSection defaults, ConfigNode node, string path)
    {
        if (Only is not { } only || only.Holds(section))
            return;
        string? written = Write(section, JobWriter.Plain), standard = Write(defaults, JobWriter.Plain);
        if (written != standard)
            throw Refuse(node, path, written, standard);
    }

    /// <summary>An error about a value without effect.</summary>
    protected DistTrainerException Refuse(ConfigNode node, string path, string? written, string? standard) =>
        node.Refuse(
            path, $" = {written} has no effect here; it counts only {Only?.When}: remove it or set it to "
            + $"{standard ?? "null"}");

    /// <summary>This key and those in it.</summary>
    /// <param name="path">Its full name.</param>
    /// <param name="defaults">The section where nothing is written.</param>
    public abstract IEnumerable<JobKeyInfo> Describe(string path, TSection defaults);
}

/// <inheritdoc/>
/// <typeparam name="TSection">The section's record.</typeparam>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="value">The value's type.</param>
/// <param name="get">Takes it from the record.</param>
/// <param name="set">Makes a record with it.</param>
internal sealed class JobKey<TSection,
    T>(JobValue<T> value, Func<TSection, T> get, Func<TSection, T, TSection> set) : JobKey<TSection>
{
    /// <inheritdoc/>
    public override string Allowed => value.Allowed;

    /// <inheritdoc/>
    public override TSection Read(TSection section, ConfigNode node, string path) =>
        set(section, value.Read(node, path, get(section)));

    /// <inheritdoc/>
    public override string? Write(TSection section, JobWriter writer) => value.Write(get(section), writer);

    /// <inheritdoc/>
    public override IEnumerable<JobKeyInfo> Describe(string path, TSection defaults) => value is ISectionValue section
        ? section.Describe(path)
        : [new JobKeyInfo(path, Name, Meaning, Allowed, DefaultText ?? Write(defaults, JobWriter.Plain))];
}

/// <summary>What a person needs to know of a key.</summary>
/// <param name="Path">Its full name, e.g. <c>training.epochs</c>.</param>
/// <param name="Name">Its last part.</param>
/// <param name="Meaning">What it means, with its unit.</param>
/// <param name="Allowed">What is allowed, in words.</param>
/// <param name="Default">The default as it is written; null for none.</param>
internal sealed record JobKeyInfo(string Path, string Name, string Meaning, string Allowed, string? Default);

/// <summary>Something that has keys.</summary>
internal interface ISectionValue
{
    /// <summary>All keys in it, also of sections in it.</summary>
    IEnumerable<JobKeyInfo> Describe(string path);
}

/// <summary>A section: the record it becomes and the table of its keys.</summary>
/// <typeparam name="T">The record.</typeparam>
/// <param name="defaults">The record where nothing is written.</param>
/// <param name="keys">Gives its keys in the order in which they are written; two of one name never count at
/// once.</param>
internal sealed class JobSection<T>(Func<T> defaults, Func<IReadOnlyList<JobKey<T>>> keys) : JobValue<T>, ISectionValue
{
    /// <summary>A section whose keys are always the same.</summary>
    /// <param name="defaults">The record where nothing is written.</param>
    /// <param name="keys">Its keys in the order in which they are written.</param>
    public JobSection(Func<T> defaults, params JobKey<T>[] keys)
        : this(defaults, () => keys)
    {
    }

    /// <summary>Its keys.</summary>
    public IReadOnlyList<JobKey<T>> Keys => keys();

    /// <summary>The keys of all sections, to find one that was written into the wrong section.</summary>
    public Func<IReadOnlyList<JobKeyInfo>> Everything { get; init; } = () => JobKeys.All;

    /// <summary>The record where nothing is written.</summary>
    public T Defaults => defaults();

    /// <inheritdoc/>
    public override string Allowed => "";

    /// <inheritdoc/>
    public override T Read(ConfigNode node, string path, T current)
    {
        if (node is ConfigText { Value: null })
            return current;
        IReadOnlyList<JobKey<T>> all = Keys;
        bool hasKind = all.Any(key => key.Name == "kind");
        ConfigObject section = node switch
        {
            ConfigObject given => given,
            ConfigText text when hasKind => ConfigObject.AsKind(text),
            _ => throw node.Refuse(path, $" is not a section; write {Last(path)} {{ … }} with the keys {Names(all)}"),
        };
        CheckNames(section, path, all);
        T value = current is null ? defaults() : current;
        foreach ((string name, ConfigNode item) in all.DistinctBy(key => key.Name)
            .Where(key => section.Items.ContainsKey(key.Name)).Select(key => (key.Name, section.Items[key.Name])))
            value = KeyOf(all, name, value).Read(value, item, Join(path, name));
        foreach ((string name, ConfigNode item) in section.Items)
            KeyOf(all, name, value).CheckEffect(value, defaults(), item, Join(path, name));
        return value;
    }

    /// <inheritdoc/>
    public override string? Write(T value, JobWriter writer) => writer.Section(this, value);

    /// <inheritdoc/>
    public IEnumerable<JobKeyInfo> Describe(string path) =>
        Keys.SelectMany(key => key.Describe(Join(path, key.Name), defaults()));

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private static string Last(string path) => path[(path.LastIndexOf('.') + 1)..];

    private static string Names(IEnumerable<JobKey<T>> keys) =>
        string.Join(", ", keys.Select(key => key.Name).Distinct());

    /// <summary>The key of a name: of several the one that counts.</summary>
    private static JobKey<T> KeyOf(IReadOnlyList<JobKey<T>> keys, string name, T section)
    {
        JobKey<T>[] same = [.. keys.Where(key => key.Name == name)];
        return Array.Find(same, key => key.Only is not { } only || only.Holds(section)) ?? same[0];
    }

    private void CheckNames(ConfigObject section, string path, IReadOnlyList<JobKey<T>> keys)
    {
        foreach ((string name, ConfigNode item) in section.Items)
        {
            if (keys.Any(key => key.Name == name))
                continue;
            string? near = NearestName.Find(name, keys.Select(key => key.Name));
            string? elsewhere = Everything().FirstOrDefault(key => key.Name == name)?.Path;
            string hint = item is ConfigText { Value: null } ? "; keys on one line must be separated by a comma"
                : near is not null ? $"; did you mean {Join(path, near)}?"
                : elsewhere is not null ? $"; did you mean {elsewhere}?"
                : $"; allowed: {Names(keys)}";
            throw item.Refuse(ConfigNode.Show(Join(path, name)), " is not a known key" + hint);
        }
    }
}

/// <summary>A list of sections.</summary>
/// <typeparam name="T">The sections' record.</typeparam>
/// <param name="section">Their keys.</param>
/// <param name="longest">Most elements.</param>
internal sealed class SectionListValue<T>(JobSection<T> section, int longest)
    : JobValue<IReadOnlyList<T>>, ISectionValue
{
    /// <inheritdoc/>
    public override string Allowed => $"a list of 1 to {longest} sections";

    /// <inheritdoc/>
    public override IReadOnlyList<T> Read(ConfigNode node, string path, IReadOnlyList<T> current)
    {
        if (node is ConfigText { Value: null })
            return current;
        if (node is not ConfigList list)
            throw node.Refuse(
                path, $" is not a list; allowed: [ {{ … }}, {{ … }} ] with the keys "
                + $"{string.Join(", ", section.Keys.Select(key => key.Name).Distinct())}");
        if (list.Items.Count > longest)
            throw node.Refuse(path, $" has {list.Items.Count} elements; allowed: at most {longest}");
        return [.. list.Items.Select((item, index) => section.Read(item, $"{path}[{index}]", section.Defaults))];
    }

    /// <inheritdoc/>
    public override string? Write(IReadOnlyList<T> value, JobWriter writer) => writer.List(section, value);

    /// <inheritdoc/>
    public IEnumerable<JobKeyInfo> Describe(string path) => section.Describe(path + "[…]");
}
