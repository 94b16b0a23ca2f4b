using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Akka.Event;

namespace DistTrainer.Cluster.Logging;

/// <summary>
/// One fact for the log: a stable event name, then fields. Made from a template such as
/// <c>epoch-ended epoch={Epoch} trainLoss={TrainLoss:G6}</c>; always written in the invariant culture.
/// </summary>
internal sealed partial class LogEvent : LogMessage
{
    private static readonly ConcurrentDictionary<string, Template> s_templates = new();
    private readonly Template _template;
    private readonly object?[] _values;

    internal LogEvent(ILogMessageFormatter formatter, string template, object?[] values)
        : base(formatter, template)
    {
        _template = s_templates.GetOrAdd(template, Template.Parse);
        _values = values;
    }

    /// <summary>What happened, e.g. <c>epoch-ended</c>.</summary>
    public string Name => _template.Name;

    /// <summary>The fields in order, with their values as they were given.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Fields =>
        _template.Fields.Select(
            part => KeyValuePair.Create(part.Name, part.Hole < 0 ? part.Constant : _values[part.Hole]));

    /// <inheritdoc/>
    public override string Unformatted() => Format;

    /// <inheritdoc/>
    public override IEnumerable<object> Parameters() => _values.Select(value => value ?? "");

    /// <summary>The line: <c>name field=value …</c>.</summary>
    public override string ToString() => string.Format(CultureInfo.InvariantCulture, _template.Text, _values);

    private sealed record Template(
        string Name, IReadOnlyList<(string Name, int Hole, object? Constant)> Fields, CompositeFormat Text)
    {
        public static Template Parse(string template)
        {
            var fields = new List<(string Name, int Hole, object? Constant)>();
            int holes = 0;
            string positional = Field().Replace(template, match =>
            {
                string name = match.Groups["field"].Value, text = match.Groups["text"].Value;
                if (match.Groups["text"].Success)
                {
                    fields.Add(
                        (name, -1, long.TryParse(text, CultureInfo.InvariantCulture, out long number) ? number : text));
                    return match.Value;
                }
                fields.Add((name, holes, null));
                return $"{match.Groups["before"].Value}{{{holes++}{match.Groups["format"].Value}}}";
            });
            return new Template(template.Split(' ')[0], fields, CompositeFormat.Parse(positional));
        }
    }

    // A field with a hole, or with a text of its own: epoch={Epoch:F1}, who="{Who}", for=start, reason="not finite".
    [GeneratedRegex("""(?<before>(?<field>\w+)="?)\{\w+(?<format>:[^}]*)?\}|(?<field>\w+)=(?:"(?<text>[^"{}]*)"|(?<text>[^\s"{}]+))""")]
    private static partial Regex Field();
}

/// <summary>Writes log events.</summary>
internal static class LogEvents
{
    /// <summary>Logs an event if its level is on.</summary>
    /// <param name="log">The actor's log.</param>
    /// <param name="level">How loud.</param>
    /// <param name="template">The event's name, then <c>field={Field}</c> for each field.</param>
    /// <param name="values">One value a field.</param>
    public static void Event(this ILoggingAdapter log, LogLevel level, string template, params object?[] values)
    {
        if (log.IsEnabled(level))
            log.Log(level, null, new LogEvent(log.Formatter, template, values));
    }
}
