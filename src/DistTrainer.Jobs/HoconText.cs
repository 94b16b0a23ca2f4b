using Akka.Configuration;
using Akka.Configuration.Hocon;
using DistTrainer.Engine;

namespace DistTrainer.Jobs;

/// <summary>Turns HOCON (or JSON) into plain nodes with Akka's parser.</summary>
internal static class HoconText
{
    /// <summary>Parses a text.</summary>
    /// <param name="text">HOCON or JSON.</param>
    /// <param name="origin">Its name in messages.</param>
    /// <exception cref="DistTrainerException">It cannot be parsed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static ConfigObject Parse(string text, string origin)
    {
        text = text.TrimStart('\uFEFF');
        new HoconGuard(text, origin).Check();
        try
        {
            HoconValue? root = ConfigurationFactory.ParseString(text).Root;
            return root is null || !root.IsObject() ? new ConfigObject(new Dictionary<string, ConfigNode>(), origin)
                : ToObject(root, origin, "");
        }
        catch (Exception failure) when (failure is not DistTrainerException)
        {
            // The parser throws whatever happens inside it (even null references, for `include`).
            string reason = failure is FormatException or ConfigurationException ? failure.Message.Trim().Split('\n')[0]
                .TrimEnd('.', ' ', ':') : "the text is not understood";
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"{origin}: cannot be parsed as HOCON or JSON: {reason}; write one `key = value` a line.", failure);
        }
    }

    private static ConfigObject ToObject(HoconValue value, string origin, string path)
    {
        var items = new Dictionary<string, ConfigNode>();
        foreach ((string key, HoconValue item) in value.GetObject().Items)
            items[key] = ToNode(item, origin, path.Length == 0 ? key : $"{path}.{key}");
        return new ConfigObject(items, origin);
    }

    private static ConfigNode ToNode(HoconValue value, string origin, string path)
    {
        bool hasList = value.Values.Any(element => element is HoconArray);
        if (hasList || value.IsObject())
        {
            string rest = string.Concat(value.Values.OfType<HoconLiteral>().Select(literal => literal.Value)).Trim();
            if (rest.Length > 0 || (hasList && value.IsObject()))
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{origin}: {path} mixes brackets and {ConfigNode.Show(rest)}; put the next key on a line of its "
                    + "own.");
        }

        if (hasList)
        {
            // Elements without a value come from a trailing comma or from a comment behind an element.
            return new ConfigList(
                [.. value.GetArray().Where(item => item.Values.Count > 0)
                .Select((item, index) => ToNode(item, origin, $"{path}[{index}]"))], origin);
        }

        return value.IsObject() ? ToObject(value, origin, path)
            : new ConfigText(value.Values.Count == 0 || value.GetString() is null ? null : Text(value), origin);
    }

    // The parser's own GetString trims quoted texts too. Blanks around a text are literals of their own.
    private static string Text(HoconValue value)
    {
        string[] parts = [.. value.Values.Select(element => element.GetString() ?? "")];
        int start = 0, end = parts.Length;
        while (end - start > 1 && string.IsNullOrWhiteSpace(parts[end - 1]))
            end--;
        while (end - start > 1 && string.IsNullOrWhiteSpace(parts[start]))
            start++;
        return string.Concat(parts[start..end]);
    }
}
