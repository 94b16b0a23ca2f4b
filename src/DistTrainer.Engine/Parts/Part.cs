using DistTrainer.Engine.Data;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Parts;

/// <summary>
/// What a job can name: a rule with its settings. Built-in parts and those of plug-ins are the same thing, and each is
/// made known by one line: in <see cref="BuiltInParts"/>, or in <see cref="IDistTrainerPlugin.Register"/>.
/// </summary>
public abstract class Part
{
    private protected Part(string name, IReadOnlyList<Setting> settings) => (Name, Settings) = (name, settings);

    /// <summary>Its name: up to 64 lower-case letters, digits and hyphens, a letter first.</summary>
    public string Name { get; }

    /// <summary>Other names that are read; <see cref="Name"/> is written.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Its settings, in the order in which a job file has them.</summary>
    public IReadOnlyList<Setting> Settings { get; }

    /// <summary>
    /// What is wrong with settings that are each in range, e.g. because one needs another: the setting's name, and what
    /// is wrong and allowed, without a full stop, to be read behind the name. Null: nothing can be.
    /// </summary>
    public Func<PartSettings, IEnumerable<(string Setting, string What)>>? Problems { get; init; }

    /// <summary>The plug-in that brings it; null for a built-in part.</summary>
    public string? Plugin { get; internal set; }

    /// <summary>Refuses settings that the part does not have, or that are out of range or do not fit each
    /// other.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="section">The section that they stand in, for errors, e.g. <c>model.loss</c>.</param>
    /// <exception cref="DistTrainerException">One is wrong (<see cref="FailureKind.Configuration"/>).</exception>
    internal void Check(PartSettings settings, string section) => Check([this], settings, section);

    /// <summary>The same for parts that share a section.</summary>
    /// <param name="parts">The parts.</param>
    /// <param name="settings">Settings of all of them.</param>
    /// <param name="section">The section that they stand in.</param>
    internal static void Check(IReadOnlyList<Part> parts, PartSettings settings, string section)
    {
        foreach ((string name, string text) in settings.All)
        {
            Setting[] same = [.. parts.SelectMany(part => part.Settings).Where(setting => setting.Name == name)];
            if (same.Length == 0)
                throw DataError.Configuration(
                    $"{section}: {DataError.Quote(name)} is not a setting of {Known(parts, name)}");
            foreach (Setting setting in same)
                Check(setting, text, section);
        }
        foreach ((string name, string what) in parts.SelectMany(part => part.Problems?.Invoke(settings) ?? []))
            throw DataError.Configuration($"{section}.{name} {what}.");
    }

    private static void Check(Setting setting, string text, string section)
    {
        try
        {
            setting.Check(text);
        }
        catch (FormatException wrong)
        {
            throw DataError.Configuration(
                $"{section}.{setting.Name} = {Printable.Short(text, 40)} {wrong.Message}; allowed: {setting.Allowed}.");
        }
    }

    private static string Known(IReadOnlyList<Part> parts, string name)
    {
        string[] known = [.. parts.SelectMany(part => part.Settings).Select(setting => setting.Name)];
        string hint = known.Length == 0 ? "there are none: take it out." : DataError.Suggest(name, known);
        return $"{string.Join(" or ", parts.Select(part => part.Name))}; {hint}";
    }
}
