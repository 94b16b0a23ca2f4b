using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Akka.Event;
using DistTrainer.Engine;
using AkkaLogEvent = Akka.Event.LogEvent;

namespace DistTrainer.Cluster.Logging;

/// <summary>How a log line looks.</summary>
public enum LogFormat
{
    /// <summary><c>HH:mm:ss.fff INF [coordinator] epoch=1 step=50 …</c>, in UTC.</summary>
    Text,

    /// <summary>
    /// One JSON object a line: time, level, actor, event, the whole line as message, and the event's fields as values.
    /// </summary>
    Json,
}

/// <summary>Turns an actor's log event into one line; numbers never depend on the culture.</summary>
internal static class LogLine
{
    /// <summary>In the path of every actor of this program.</summary>
    internal const string UserPath = "/user/";

    private static readonly JsonWriterOptions s_jsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The line, without its end; what a terminal would obey is shown (<see cref="Printable"/>).</summary>
    /// <param name="entry">What was said.</param>
    /// <param name="format">How the line looks.</param>
    /// <param name="leftOut">Lines like it that were left out since the last one; that is added to the message.</param>
    public static string Of(AkkaLogEvent entry, LogFormat format, int leftOut = 0)
    {
        // Formatting of values is left to Akka, which asks for the thread's culture.
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            return Printable.Line(
                format == LogFormat.Json ? Json(entry, Message(entry, leftOut)) : Text(entry, Message(entry, leftOut)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    /// <summary>The last parts of the actor's path, e.g. <c>server/shard-2</c>.</summary>
    internal static string ActorOf(string source)
    {
        int user = source.IndexOf(UserPath, StringComparison.Ordinal);
        if (user >= 0)
            return source[(user + UserPath.Length)..];
        int paren = source.IndexOf('(', StringComparison.Ordinal);
        return paren > 0 ? source[..paren].TrimEnd() : source;
    }

    private static string Message(AkkaLogEvent entry, int leftOut) => leftOut == 0
        ? entry.Message?.ToString() ?? ""
        : string.Create(
            CultureInfo.InvariantCulture, $"{entry.Message} ({leftOut} more like it were left out since the last one)");

    private static string Text(AkkaLogEvent entry, string message)
    {
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{entry.Timestamp:HH:mm:ss.fff} {Short(entry.LogLevel())} [{ActorOf(entry.LogSource)}] {message}");
        return OneLine(entry.Cause is null ? line : $"{line} cause={Cause(entry.Cause)}");
    }

    private static string Json(AkkaLogEvent entry, string message)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_jsonOptions))
        {
            json.WriteStartObject();
            json.WriteString(
                "time", entry.Timestamp.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("level", Long(entry.LogLevel()));
            json.WriteString("actor", ActorOf(entry.LogSource));
            json.WriteString("message", OneLine(message));
            if (entry.Cause is not null)
                json.WriteString("cause", OneLine(Cause(entry.Cause)));
            if (entry.Message is LogEvent fact)
            {
                json.WriteString("event", fact.Name);
                WriteValues(json, fact.Fields);
            }
            else if (entry.Message is LogMessage
                && entry.TryGetProperties(out IReadOnlyDictionary<string, object>? values) && values is not null)
                WriteValues(json, values!);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteValues(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> values)
    {
        json.WriteStartObject("values");
        foreach ((string name, object? value) in values)
        {
            json.WritePropertyName(name);
            switch (value)
            {
                case null:
                    json.WriteNullValue();
                    break;
                case bool flag:
                    json.WriteBooleanValue(flag);
                    break;
                case sbyte or byte or short or ushort or int or uint or long:
                    json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case float number when float.IsFinite(number):
                    json.WriteNumberValue(number);
                    break;
                case double number when double.IsFinite(number):
                    json.WriteNumberValue(number);
                    break;
                default:
                    json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
            }
        }

        json.WriteEndObject();
    }

    private static string Cause(Exception cause) => Environment.GetEnvironmentVariable("DISTTRAINER_DEBUG") == "1"
        ? cause.ToString()
        : $"{cause.GetType().Name}: {cause.Message}";

    private static string OneLine(string text) => Printable.Line(text.ReplaceLineEndings(" | "));

    private static string Short(LogLevel level) => level switch
    {
        LogLevel.DebugLevel => "DBG",
        LogLevel.InfoLevel => "INF",
        LogLevel.WarningLevel => "WRN",
        _ => "ERR",
    };

    private static string Long(LogLevel level) => level switch
    {
        LogLevel.DebugLevel => "debug",
        LogLevel.InfoLevel => "info",
        LogLevel.WarningLevel => "warning",
        _ => "error",
    };
}
