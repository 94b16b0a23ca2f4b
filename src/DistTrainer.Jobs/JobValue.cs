namespace DistTrainer.Jobs;

/// <summary>The type of a key's value: how it is read, checked and written.</summary>
/// <typeparam name="T">Its type in the description.</typeparam>
internal abstract class JobValue<T>
{
    /// <summary>What is allowed, in words; empty for sections.</summary>
    public abstract string Allowed { get; }

    /// <summary>Reads a value.</summary>
    /// <param name="node">As it was written.</param>
    /// <param name="path">The key's full name.</param>
    /// <param name="current">What holds where the node says nothing.</param>
    public abstract T Read(ConfigNode node, string path, T current);

    /// <summary>The value as HOCON; null where there is none. Sections and lists of sections span lines.</summary>
    /// <param name="value">The value.</param>
    /// <param name="writer">How to write.</param>
    public abstract string? Write(T value, JobWriter writer);
}

/// <summary>A value that is one text: number, name, truth value.</summary>
/// <typeparam name="T">Its type in the description.</typeparam>
/// <param name="allowed">What is allowed, in words.</param>
/// <param name="parse">From text; a <see cref="FormatException"/> says what is wrong, e.g. "is not a number".</param>
/// <param name="format">To HOCON; null for no value.</param>
internal sealed class ScalarValue<T>(string allowed, Func<string, T> parse, Func<T, string?> format) : JobValue<T>
{
    /// <inheritdoc/>
    public override string Allowed => allowed;

    /// <inheritdoc/>
    public override T Read(ConfigNode node, string path, T current)
    {
        if (node is not ConfigText text)
            throw node.Refuse(path, $" is a {(node is ConfigList ? "list" : "section")}; allowed: {allowed}");
        if (text.Value is null)
            return current;
        try
        {
            return parse(text.Value);
        }
        catch (FormatException failure)
        {
            throw node.Refuse(path, $" = {ConfigNode.Show(text.Value)} {failure.Message}; allowed: {allowed}");
        }
    }

    /// <inheritdoc/>
    public override string? Write(T value, JobWriter writer) => format(value);
}

/// <summary>A list of texts in which <c>null</c>, in quotes or not, is the text of that name: a file's parser drops the
/// quotes.</summary>
/// <param name="texts">The list's rule.</param>
internal sealed class MarksValue(JobValue<IReadOnlyList<string>> texts) : JobValue<IReadOnlyList<string>>
{
    /// <inheritdoc/>
    public override string Allowed => texts.Allowed;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Read(ConfigNode node, string path, IReadOnlyList<string> current) =>
        [.. texts.Read(node, path, current).Select(text => text ?? "null")];

    /// <inheritdoc/>
    public override string? Write(IReadOnlyList<string> value, JobWriter writer) => texts.Write(value, writer);
}

/// <summary>A list of such values. A single value stands for a list of one.</summary>
/// <typeparam name="T">The elements' type.</typeparam>
/// <param name="element">The elements' rule.</param>
/// <param name="longest">Most elements.</param>
internal sealed class ListValue<T>(JobValue<T> element, int longest) : JobValue<IReadOnlyList<T>>
{
    /// <inheritdoc/>
    public override string Allowed => $"a list, e.g. [a, b], of: {element.Allowed}";

    /// <inheritdoc/>
    public override IReadOnlyList<T> Read(ConfigNode node, string path, IReadOnlyList<T> current)
    {
        if (node is ConfigText { Value: null })
            return current;
        if (node is not ConfigList list)
            return [element.Read(node, path, default!)];
        if (list.Items.Count > longest)
            throw node.Refuse(path, $" has {list.Items.Count} elements; allowed: at most {longest}");
        return [.. list.Items.Select((item, index) => element.Read(item, $"{path}[{index}]", default!))];
    }

    /// <inheritdoc/>
    public override string? Write(IReadOnlyList<T> value, JobWriter writer) =>
        $"[{string.Join(", ", value.Select(item => element.Write(item, writer)))}]";
}
