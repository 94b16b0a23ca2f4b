using DistTrainer.Engine;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Jobs;

/// <summary>
/// The keys of a section that names a part: its kind, and each setting of each part that may stand there. They follow
/// from the table of parts, so they are made anew whenever they are asked for: plug-ins may have been loaded meanwhile.
/// </summary>
/// <typeparam name="TSection">The section's record.</typeparam>
/// <typeparam name="TPart">What it names.</typeparam>
/// <param name="table">The parts.</param>
/// <param name="name">Takes the part's name from the record.</param>
/// <param name="get">Takes the settings from the record.</param>
/// <param name="set">Makes a record with settings.</param>
internal sealed class PartKeys<TSection, TPart>(
    PartTable<TPart> table, Func<TSection, string> name, Func<TSection, PartSettings> get, Func<TSection,
        PartSettings, TSection> set)
    where TPart : Part
{
    /// <summary>The part that a section names, or null.</summary>
    public TPart? Of(TSection section) => table.Find(name(section));

    /// <summary>The key that names the part.</summary>
    /// <param name="key">Its name in the file.</param>
    /// <param name="meaning">What it means; without a full stop.</param>
    /// <param name="with">Makes a record with another name.</param>
    public JobKey<TSection> Kind(string key, string meaning, Func<TSection, string, TSection> with) =>
        JobTable<TSection>.Key(key, meaning, new PartNameValue<TPart>(table), name, with);

    /// <summary>The section with the settings of a plug-in's part.</summary>
    /// <param name="what">What the part is called, e.g. <c>loss</c>.</param>
    public JobKey<TSection> SettingsOfPlugin(string what) =>
        new PartSettingsKey<TSection>(section => [Of(section)], get, set)
        {
            Name = "settings",
            Meaning = $"Settings of a plug-in's {what}",
            Only = (section => Of(section)?.Plugin is not null, $"with a plug-in's {what}"),
        };

    /// <summary>A key for each setting of the table's parts; those of the same name, meaning and range are
    /// one.</summary>
    public IEnumerable<JobKey<TSection>> Settings() =>
        from part in table.All
        from setting in part.Settings
        group (Part: part, Setting: setting) by (setting.Name, setting.Meaning, setting.Allowed) into same
        select (JobKey<TSection>)new Key(this, [.. same])
        {
            Name = same.Key.Name,
            Meaning = same.Key.Meaning,
            Only = (section => same.Any(pair => pair.Part == Of(section)),
                PartTexts.With([.. same.Select(pair => pair.Part)], [.. table.All])),
            DefaultText = PartTexts.Defaults(same, pair => pair.Part, pair => pair.Setting.Default),
        };

    /// <summary>One setting of one or more parts.</summary>
    private sealed class Key(PartKeys<TSection, TPart> keys, IReadOnlyList<(TPart Part, Setting Setting)> owners)
        : JobKey<TSection>
    {
        private Setting First => owners[0].Setting;

        public override string Allowed => First.Allowed;

        // A plug-in's part has them in the section "settings".
        public override bool IsWritten(TSection section) =>
            keys.Of(section) is { Plugin: null } && SettingOf(section) is not null;

        public override TSection Read(TSection section, ConfigNode node, string path)
        {
            if (node is ConfigText { Value: null })
                return section;
            Setting setting = SettingOf(section) ?? First;
            string text = PartTexts.Read(setting, node, path);
            if (SettingOf(section) is not null)
                return keys.Set(
                    section, settings => text == setting.Default ? settings.Without(Name) : settings.With(Name, text));
            if (text != setting.Default)
                throw Refuse(node, path, Shown(setting, text), Shown(setting, setting.Default));
            return section;
        }

        public override string? Write(TSection section, JobWriter writer) => SettingOf(section) is { } setting
            ? Shown(setting, keys.TextOf(section, setting))
            : Shown(First, First.Default);

        // Whether it has an effect is known when it is read.
        public override void CheckEffect(TSection section, TSection defaults, ConfigNode node, string path)
        {
        }

        public override IEnumerable<JobKeyInfo> Describe(string path, TSection defaults) =>
            [new JobKeyInfo(path, Name, Meaning, Allowed, DefaultText ?? Write(defaults, JobWriter.Plain))];

        private static string Shown(Setting setting, string text) => setting.IsText ? JobValues.Quote(text) : text;

        private Setting? SettingOf(TSection section) =>
            keys.Of(section) is { } part && owners.Any(owner => owner.Part == part)
                ? owners.First(owner => owner.Part == part).Setting : null;
    }

    private string TextOf(TSection section, Setting setting) => get(section).TextOf(setting);

    private TSection Set(TSection section, Func<PartSettings, PartSettings> change) =>
        set(section, change(get(section)));
}

/// <summary>Texts that follow from parts.</summary>
internal static class PartTexts
{
    /// <summary>With which parts a key counts, e.g. <c>with sgd and rmsprop</c>.</summary>
    /// <param name="some">The parts.</param>
    /// <param name="all">All that may stand there.</param>
    public static string With(IReadOnlyList<Part> some, IReadOnlyList<Part> all)
    {
        string[] others = [.. all.Except(some).Select(part => part.Name)];
        return others.Length == 1 && some.Count > 3 ? $"with any kind but {others[0]}"
            : $"with {And([.. some.Select(part => part.Name)])}";
    }

    /// <summary>The defaults where they differ, e.g. <c>0.01 with rmsprop, else 0.001</c>; null where they do
    /// not.</summary>
    /// <typeparam name="T">What has a part and a default.</typeparam>
    /// <param name="rows">All of them.</param>
    /// <param name="part">The part.</param>
    /// <param name="standard">Its default.</param>
    public static string? Defaults<T>(IEnumerable<T> rows, Func<T, Part> part, Func<T, string> standard)
    {
        IGrouping<string, string>[] groups = [.. rows.GroupBy(standard, row => part(row).Name)];
        if (groups.Length == 1)
            return null;
        IGrouping<string, string> most = groups.MaxBy(group => group.Count())!;
        return string.Concat(groups.Where(group => group != most)
            .Select(group => $"{group.Key} with {And([.. group])}, ")) + $"else {most.Key}";
    }

    /// <summary>Reads a setting's value.</summary>
    /// <param name="setting">The setting.</param>
    /// <param name="node">As it was written.</param>
    /// <param name="path">The key's full name.</param>
    /// <exception cref="DistTrainerException">It is not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public static string Read(Setting setting, ConfigNode node, string path)
    {
        var one = new ScalarValue<string>(setting.Allowed, setting.Canonical, text => text);
        return setting.IsList
            ? $"[{string.Join(", ", new ListValue<string>(one, 10_000).Read(node, path, []))}]"
            : one.Read(node, path, setting.Default);
    }

    private static string And(IReadOnlyList<string> names) =>
        names.Count == 1 ? names[0] : $"{string.Join(", ", names.SkipLast(1))} and {names[^1]}";
}

/// <summary>The name of a part.</summary>
/// <typeparam name="TPart">The kind of part.</typeparam>
/// <param name="table">The parts.</param>
internal sealed class PartNameValue<TPart>(PartTable<TPart> table) : JobValue<string>
    where TPart : Part
{
    /// <inheritdoc/>
    public override string Allowed => string.Join(", ", table.All.Select(part => part.Name));

    /// <inheritdoc/>
    public override string Read(ConfigNode node, string path, string current) =>
        new ScalarValue<string>(Allowed, Parse, text => text).Read(node, path, current);

    /// <inheritdoc/>
    public override string? Write(string value, JobWriter writer) => value;

    private string Parse(string text) =>
        table.Find(text)?.Name ?? throw new FormatException(table.Elsewhere.TryGetValue(text, out string? why)
        ? why
        : $"is not known{NearestName.Hint(text, table.All.SelectMany(part => part.Aliases.Prepend(part.Name)))}");
}

/// <summary>The section <c>settings</c>: settings of the parts that the section above names, by their names.</summary>
/// <typeparam name="TSection">The section above.</typeparam>
/// <param name="parts">The parts that a section names.</param>
/// <param name="get">Takes the settings from the record.</param>
/// <param name="set">Makes a record with settings.</param>
internal sealed class PartSettingsKey<TSection>(
    Func<TSection, IEnumerable<Part?>> parts, Func<TSection, PartSettings> get, Func<TSection, PartSettings,
        TSection> set) : JobKey<TSection>
{
    /// <inheritdoc/>
    public override string Allowed => "names and values, e.g. { slope = 0.1 }";

    /// <inheritdoc/>
    public override TSection Read(TSection section, ConfigNode node, string path)
    {
        if (node is ConfigText { Value: null })
            return section;
        if (node is not ConfigObject given)
            throw node.Refuse(path, $" is not a section; allowed: {Allowed}");
        Setting[] known = [.. parts(section).SelectMany(part => part?.Settings ?? [])];
        PartSettings settings = get(section);
        foreach ((string name, ConfigNode item) in given.Items)
        {
            if (item is ConfigObject)
                throw item.Refuse($"{path}.{name}", " is not one value; allowed: a number, a text, true or false");
            Setting setting = known.FirstOrDefault(setting => setting.Name == name) ?? throw Unknown(
                section, known, item, path, name);
            settings = settings.With(name, PartTexts.Read(setting, item, $"{path}.{name}"));
        }

        return set(section, settings);
    }

    /// <inheritdoc/>
    public override string? Write(TSection section, JobWriter writer)
    {
        PartSettings settings = get(section);
        string[] written = [.. parts(section).Where(part => part?.Plugin is not null).SelectMany(part => part!.Settings)
            .Select(setting => setting.Name)
            .Where(settings.All.ContainsKey).Distinct().Order(StringComparer.Ordinal)
                .Select(name => $"{JobValues.Quote(name)} = {JobValues.Quote(settings.All[name])}")];
        return written.Length == 0 ? null : $"{{ {string.Join(", ", written)} }}";
    }

    /// <inheritdoc/>
    public override IEnumerable<JobKeyInfo> Describe(string path, TSection defaults) =>
        [new JobKeyInfo(path, Name, Meaning, Allowed, null)];

    private DistTrainerException Unknown(TSection section, Setting[] known, ConfigNode item, string path, string name)
    {
        string of = string.Join(" and ", parts(section).OfType<Part>().Select(part => part.Name));
        if (of.Length == 0)
        {
            return item.Refuse(
                $"{path}.{name}",
                " is a setting of a part that this process does not have; load the plug-in that brings it (--plugins), "
                + "or take the setting out");
        }
        string hint = NearestName.Find(name, known.Select(setting => setting.Name)) is { } near
            ? $"did you mean {near}?"
            : known.Length == 0 ? "it has none: take it out"
                : $"allowed: {string.Join(", ", known.Select(setting => setting.Name))}";
        return item.Refuse($"{path}.{name}", $" is not a setting of {of}; {hint}");
    }
}
