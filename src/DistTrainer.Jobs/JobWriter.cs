using System.Text;

namespace DistTrainer.Jobs;

/// <summary>Writes sections as HOCON, one key a line, with or without comments.</summary>
/// <param name="depth">Indentation, in steps of two spaces.</param>
/// <param name="comments">Whether each key is explained, and keys without a value or effect, and those at a default
/// that depends on others or on the machine, are shown as comments.</param>
internal sealed class JobWriter(int depth, bool comments)
{
    /// <summary>Writes without comments from the margin on.</summary>
    public static JobWriter Plain { get; } = new(0, false);

    private string Indent { get; } = new(' ', 2 * depth);

    private string Empty => $"{{\n{Indent}}}";

    /// <summary>A section in braces.</summary>
    public string Section<T>(JobSection<T> section, T value) =>
        $"{{\n{new JobWriter(depth + 1, comments).Keys(section, value)}{Indent}}}";

    /// <summary>A list of sections; only the first one is explained.</summary>
    public string List<T>(JobSection<T> section, IReadOnlyList<T> values)
    {
        var text = new StringBuilder("[\n");
        for (int i = 0; i < values.Count; i++)
        {
            string element = new JobWriter(depth + 1, comments && i == 0).Section(section, values[i]);
            text.Append(Indent).Append("  ").Append(element).Append(i + 1 < values.Count ? ",\n" : "\n");
        }

        return text.Append(Indent).Append(']').ToString();
    }

    /// <summary>The keys of a section, a line each.</summary>
    public string Keys<T>(JobSection<T> section, T value)
    {
        var text = new StringBuilder();
        foreach (JobKey<T> key in section.Keys)
        {
            string? written = key.Write(value, this);
            bool isDefault = key.DefaultText is not null && written == key.Write(section.Defaults, Plain);
            bool isSet = written is not null && key.IsWritten(value) && !(comments && isDefault)
                && !(IsSection(key) && written == Empty);
            if (comments)
                Explain(text, section, key);
            if (isSet)
                text.Append(Indent).Append(key.Name).Append(IsSection(key) ? " " : " = ").Append(written).Append('\n');
            else if (comments && !IsSection(key))
                text.Append(Indent).Append("# ").Append(key.Name).Append(" = ").Append(written ?? "null").Append('\n');
        }

        return text.ToString();
    }

    private static bool IsSection<T>(JobKey<T> key) => key.Allowed.Length == 0;

    private void Explain<T>(StringBuilder text, JobSection<T> section, JobKey<T> key)
    {
        if (depth == 0 && text.Length > 0)
            text.Append('\n');
        text.Append(Indent).Append("# ").Append(key.Meaning);
        if (key.Only is { } only)
            text.Append(" (").Append(only.When).Append(')');
        if (key.Allowed.Length > 0)
            text.Append(": ").Append(key.Allowed);
        string? standard = key.DefaultText ?? key.Write(section.Defaults, Plain);
        if (key.Allowed.Length > 0 && standard is not null && !standard.Contains('\n'))
            text.Append("; default ").Append(standard);
        text.Append(".\n");
    }
}
