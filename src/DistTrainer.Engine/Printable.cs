using System.Buffers;
using System.Globalization;
using System.Text;

namespace DistTrainer.Engine;

/// <summary>
/// Makes texts of others (names in files, columns, classes, keys, nodes) safe to show to people: what a terminal would
/// obey, or what would change the order or the lines of what is read, is shown as <c>\u001b</c> instead. These are
/// control characters (C0 but tabs, DEL, C1), bidirectional embeddings, overrides and isolates, line and paragraph
/// separators, and halves of surrogate pairs. JSON stays the same JSON, since the form is JSON's own.
/// </summary>
internal static class Printable
{
    private const string Obeyed =
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\n\v\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"
        + "\u007f\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f"
        + "\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f"
        + "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069";

    private static readonly SearchValues<char> s_suspects = SearchValues.Create(
        [.. Obeyed, .. Enumerable.Range(0xD800, 0x800).Select(code => (char)code)]);

    /// <summary>A text that must stay on one line: ends of lines are shown, too.</summary>
    /// <param name="text">Any text.</param>
    public static string Line(string text) => Show(text, keepsLines: false);

    /// <summary>A text of several lines.</summary>
    /// <param name="text">Any text.</param>
    public static string Lines(string text) => Show(text, keepsLines: true);

    /// <summary>
    /// The beginning of a text, on one line, with … where more follows; no surrogate pair is divided.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="most">The most characters of it, ≥ 1.</param>
    public static string Short(string text, int most) =>
        Line(text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)] + "…");

    private static string Show(string text, bool keepsLines)
    {
        int at = text.AsSpan().IndexOfAny(s_suspects);
        if (at < 0)
            return text;
        var shown = new StringBuilder(text.Length + 16).Append(text, 0, at);
        for (; at < text.Length; at++)
        {
            char c = text[at];
            if (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
                shown.Append(c).Append(text[++at]);
            else if (!s_suspects.Contains(c) || (keepsLines && IsLineEnd(text, at)))
                shown.Append(c);
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
        return shown.ToString();
    }

    private static bool IsLineEnd(string text, int at) =>
        text[at] == '\n' || (text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n');
}
