using System.Globalization;

namespace DistTrainer.Engine.Parts;

/// <summary>
/// One setting of a part: a key of the section of the job file that names the part. Reading, checking, the template of
/// <c>config init</c> and the errors follow from it. Parts that share a setting have one of the same name, meaning and
/// range.
/// </summary>
public abstract class Setting
{
    private protected Setting(string name, string meaning, string allowed, string standard) =>
        (Name, Meaning, Allowed, Default) = (name, meaning, allowed, standard);

    /// <summary>Its name: lower-case letters, digits and hyphens.</summary>
    public string Name { get; }

    /// <summary>What it means, with its unit; without a full stop.</summary>
    public string Meaning { get; }

    /// <summary>What is allowed, in words.</summary>
    public string Allowed { get; }

    /// <summary>What holds where nothing is written, as text.</summary>
    public string Default { get; }

    /// <summary>Whether it has several values: a list in the job file, and as text <c>[1, 2]</c>.</summary>
    public virtual bool IsList => false;

    /// <summary>Whether its value is a text, which a job file has in quotes.</summary>
    public virtual bool IsText => false;

    /// <summary>Checks one value (of a list: one element) and gives it its usual form.</summary>
    /// <param name="text">As somebody wrote it.</param>
    /// <exception cref="FormatException">It is not allowed; the message says what is wrong, e.g. "is out of
    /// range".</exception>
    public abstract string Canonical(string text);

    /// <summary>Checks a whole value.</summary>
    /// <param name="text">As somebody wrote it.</param>
    /// <exception cref="FormatException">It is not allowed.</exception>
    internal abstract void Check(string text);

    /// <summary>A finite number.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="meaning">What it means, with its unit.</param>
    /// <param name="standard">What holds where nothing is written.</param>
    /// <param name="least">Smallest.</param>
    /// <param name="most">Largest.</param>
    /// <param name="open">Bounds that are left out themselves: <c>"("</c> the lower, <c>")"</c> the upper, <c>"()"</c>
    /// both.</param>
    public static Setting<float> Number(
        string name, string meaning, float standard, float least = float.MinValue, float most = float.MaxValue,
            string open = "") =>
        new SettingOf<float>(name, meaning, ValueForms.Number(least, most, open), standard);

    /// <summary>A whole number.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="meaning">What it means, with its unit.</param>
    /// <param name="standard">What holds where nothing is written.</param>
    /// <param name="least">Smallest.</param>
    /// <param name="most">Largest.</param>
    public static Setting<int> Whole(
        string name, string meaning, int standard, int least = int.MinValue, int most = int.MaxValue) =>
        new SettingOf<int>(name, meaning, ValueForms.Whole(least, most), standard);

    /// <summary>True or false.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="meaning">What it means.</param>
    /// <param name="standard">What holds where nothing is written.</param>
    public static Setting<bool> Flag(string name, string meaning, bool standard = false) =>
        new SettingOf<bool>(name, meaning, ValueForms.Flag, standard);

    /// <summary>A text.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="meaning">What it means.</param>
    /// <param name="standard">What holds where nothing is written.</param>
    public static Setting<string> Text(string name, string meaning, string standard) =>
        new SettingOf<string>(name, meaning, ValueForms.Text, standard);

    /// <summary>A list of whole numbers, empty where nothing is written.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="meaning">What it means, with its unit.</param>
    /// <param name="least">Smallest.</param>
    /// <param name="most">Largest.</param>
    public static Setting<IReadOnlyList<int>> Wholes(
        string name, string meaning, int least = int.MinValue, int most = int.MaxValue) =>
        new WholesSetting(name, meaning, ValueForms.Whole(least, most));
}

/// <inheritdoc/>
/// <typeparam name="T">The value's type.</typeparam>
public abstract class Setting<T> : Setting
{
    private protected Setting(string name, string meaning, string allowed, string standard)
        : base(name, meaning, allowed, standard)
    {
    }

    /// <summary>The value of a text that was checked.</summary>
    internal abstract T Parse(string text);

    internal override void Check(string text) => Parse(text);
}

/// <summary>A setting with one value.</summary>
internal sealed class SettingOf<T>(string name, string meaning, ValueForm<T> form, T standard)
    : Setting<T>(name, meaning, form.Allowed, form.Format(standard))
{
    public override bool IsText => typeof(T) == typeof(string);

    public override string Canonical(string text) => form.Format(form.Parse(text));

    internal override T Parse(string text) => form.Parse(text);
}

/// <summary>A setting that is a list of whole numbers.</summary>
internal sealed class WholesSetting(string name, string meaning, ValueForm<int> element)
    : Setting<IReadOnlyList<int>>(name, meaning, $"a list, e.g. [a, b], of: {element.Allowed}", "[]")
{
    public override bool IsList => true;

    public override string Canonical(string text) => element.Parse(text).ToString(CultureInfo.InvariantCulture);

    internal override IReadOnlyList<int> Parse(string text) =>
        [.. text.Trim('[', ']').Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(element.Parse)];
}
