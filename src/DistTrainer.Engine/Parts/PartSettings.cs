using System.Collections;
using System.Collections.Immutable;
using System.Globalization;

namespace DistTrainer.Engine.Parts;

/// <summary>The settings of a part that differ from its defaults, by name. Immutable; equal where the content
/// is.</summary>
public sealed class PartSettings : IEquatable<PartSettings>
{
    private readonly ImmutableSortedDictionary<string, string> _texts;

    private PartSettings(ImmutableSortedDictionary<string, string> texts) => _texts = texts;

    /// <summary>None: all defaults hold.</summary>
    public static PartSettings None { get; } = new(
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));

    /// <summary>The settings as text, by name.</summary>
    public IReadOnlyDictionary<string, string> All => _texts;

    /// <summary>Settings made in code, e.g. <c>Of(("momentum", 0.9f), ("nesterov", true))</c>.</summary>
    /// <param name="settings">Names and values: numbers, truth values, texts, lists of whole numbers.</param>
    public static PartSettings Of(params ReadOnlySpan<(string Name, object Value)> settings)
    {
        PartSettings made = None;
        foreach ((string name, object value) in settings)
            made = made.With(name, Show(value));
        return made;
    }

    /// <summary>The same with one setting more, or another value of it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="text">Its value.</param>
    public PartSettings With(string name, string text) => new(_texts.SetItem(name, text));

    /// <summary>The same without a setting: its default holds.</summary>
    /// <param name="name">Its name.</param>
    public PartSettings Without(string name) => _texts.ContainsKey(name) ? new(_texts.Remove(name)) : this;

    /// <summary>A setting's value, or its default.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="setting">Which.</param>
    /// <exception cref="FormatException">The value is not allowed: the settings were not checked.</exception>
    public T Get<T>(Setting<T> setting) => setting.Parse(TextOf(setting));

    /// <summary>A setting's value as text, or its default.</summary>
    /// <param name="setting">Which.</param>
    public string TextOf(Setting setting) => _texts.GetValueOrDefault(setting.Name, setting.Default);

    /// <inheritdoc/>
    public bool Equals(PartSettings? other) => other is not null && _texts.SequenceEqual(other._texts);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PartSettings);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        _texts.Aggregate(0, (hash, pair) => HashCode.Combine(hash, pair.Key, pair.Value));

    /// <summary>The settings as text, e.g. <c>momentum = 0.9, nesterov = true</c>.</summary>
    public override string ToString() => string.Join(", ", _texts.Select(pair => $"{pair.Key} = {pair.Value}"));

    private static string Show(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>().Select(Show))}]",
        _ => throw new ArgumentException(
            $"{value} is no number, truth value, text or list of whole numbers.", nameof(value)),
    };
}
