namespace DistTrainer.Jobs;

/// <summary>Values under names that the job gives them.</summary>
/// <typeparam name="T">The values' type.</typeparam>
/// <param name="element">The values' rule.</param>
/// <param name="example">What a section may look like.</param>
internal sealed class MapValue<T>(JobValue<T> element, string example) : JobValue<IReadOnlyDictionary<string, T>>
{
    /// <inheritdoc/>
    public override string Allowed => $"names and values, e.g. {example}, of: {element.Allowed}";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, T> Read(
        ConfigNode node, string path, IReadOnlyDictionary<string, T> current)
    {
        if (node is ConfigText { Value: null })
            return current;
        if (node is not ConfigObject section)
            throw node.Refuse(path, $" is not a section; allowed: {Allowed}");
        return section.Items.ToDictionary(
            item => item.Key, item => element.Read(item.Value, $"{path}.{item.Key}", default!), StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override string? Write(IReadOnlyDictionary<string, T> value, JobWriter writer) => value.Count == 0 ? null
        : $"{{ {string.Join(", ", value.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(
            pair => $"{JobValues.Quote(pair.Key)} = {element.Write(pair.Value, writer)}"))} }}";
}
