using System.Globalization;
using System.Text;
using DistTrainer.Jobs;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Nodes;

/// <summary>Types of values that most job files do without: hosts, ports.</summary>
internal static class NodeValues
{
    /// <summary>The name or IPv4 address of a machine.</summary>
    public static JobValue<string> Host { get; } = new ScalarValue<string>(
        "a host name or an IPv4 address", ParseHost, JobValues.Quote);

    /// <summary>The same, or nothing.</summary>
    public static JobValue<string?> OptionalHost { get; } = new ScalarValue<string?>(
        Host.Allowed, ParseHost, value => value is null ? null : JobValues.Quote(value));

    /// <summary>A node's name, or nothing.</summary>
    public static JobValue<string?> OptionalName { get; } = new ScalarValue<string?>(
        $"a text of {NodeName.Allowed(NodeName.LongestGiven)}", ParseName, value =>
            value is null ? null : JobValues.Quote(value));

    /// <summary>A port for HTTP, or off.</summary>
    public static JobValue<int?> HttpPort { get; } = new ScalarValue<int?>(
        "a whole number from 0 to 65535, or off", ParseHttpPort, ShowHttpPort);

    /// <summary>Host and port of a seed node.</summary>
    public static JobValue<SeedNode> SeedNode { get; } = new ScalarValue<SeedNode>(
        "HOST:PORT with a port from 1 to 65535, e.g. \"server:4053\"", ParseSeedNode, value =>
        JobValues.Quote(value.ToString()));

    /// <summary>A list that may also be one text with commas, as in an environment variable.</summary>
    public static JobValue<IReadOnlyList<T>> Commas<T>(JobValue<T> element, int longest) =>
        new CommaListValue<T>(element, longest);

    private static int? ParseHttpPort(string text) => text switch
    {
        "off" or "false" or "no" => NodeSettings.HttpOff,
        _ => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) ? port
            : throw new FormatException("is no port"),
    };

    private static string? ShowHttpPort(int? port) =>
        port == NodeSettings.HttpOff ? "off" : port?.ToString(CultureInfo.InvariantCulture);

    private static string ParseName(string text) =>
        NodeName.Problem(text, NodeName.LongestGiven) is { } problem ? throw new FormatException(problem) : text;

    private static string ParseHost(string text) =>
        Uri.CheckHostName(text) is UriHostNameType.Dns or UriHostNameType.IPv4 ? text
        : throw new FormatException("is not a host");

    /// <summary>Reads <c>host:port</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static SeedNode ParseSeedNode(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture,
            out ushort port) || port == 0)
            throw new FormatException("is not a host and a port");
        return new SeedNode(ParseHost(text[..colon]), port);
    }
}

/// <inheritdoc cref="NodeValues.Commas"/>
internal sealed class CommaListValue<T>(JobValue<T> element, int longest) : JobValue<IReadOnlyList<T>>
{
    private readonly ListValue<T> _list = new(element, longest);

    /// <inheritdoc/>
    public override string Allowed => $"one or more, separated by commas, of: {element.Allowed}";

    /// <inheritdoc/>
    public override IReadOnlyList<T> Read(ConfigNode node, string path, IReadOnlyList<T> current) => _list.Read(
        node is ConfigText { Value: { } text } && text.Contains(',')
            ? new ConfigList(
                [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(item => new ConfigText(item, node.Origin))], node.Origin)
            : node,
        path,
        current);

    /// <inheritdoc/>
    public override string? Write(IReadOnlyList<T> value, JobWriter writer) => _list.Write(value, writer);
}

/// <summary>The section <c>akka</c>: taken as it is, and kept as HOCON.</summary>
internal sealed class AkkaSectionValue : JobValue<string>
{
    /// <inheritdoc/>
    public override string Allowed => "a section, e.g. akka { remote { … } }";

    /// <inheritdoc/>
    public override string Read(ConfigNode node, string path, string current)
    {
        if (node is ConfigText { Value: null })
            return current;
        var text = new StringBuilder("\"akka\" : ");
        Append(text, node is ConfigObject ? node : throw node.Refuse(path, $" is not a section; allowed: {Allowed}"));
        return text.ToString();
    }

    /// <inheritdoc/>
    public override string? Write(string value, JobWriter writer) =>
        value.Length == 0 ? null : value[(value.IndexOf(':') + 2)..];

    private static void Append(StringBuilder text, ConfigNode node)
    {
        switch (node)
        {
            case ConfigObject section:
                text.Append("{\n");
                foreach ((string key, ConfigNode item) in section.Items)
                {
                    text.Append(JobValues.Quote(key)).Append(" : ");
                    Append(text, item);
                    text.Append('\n');
                }

                text.Append('}');
                break;
            case ConfigList list:
                text.Append('[');
                for (int i = 0; i < list.Items.Count; i++)
                {
                    text.Append(i > 0 ? ", " : "");
                    Append(text, list.Items[i]);
                }

                text.Append(']');
                break;
            case ConfigText value:
                text.Append(value.Value is null ? "null" : JobValues.Quote(value.Value));
                break;
        }
    }
}
