using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>
/// Looks over a job file before Akka's parser gets it. The parser accepts texts that are cut off or have a bracket too
/// many, and hangs on some substitutions; here such a text is refused with its line and column.
/// </summary>
internal static class HoconGuard
{
    /// <summary>Largest text, in characters.</summary>
    public const int LargestText = 1 << 20;

    /// <summary>Most brackets open at once.</summary>
    public const int DeepestNesting = 32;

    private const int MostDots = 32;

    /// <summary>Refuses what the parser must not see.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="origin">Its name in messages.</param>
    /// <exception cref="DistTrainerException">The text is too long or its brackets and quotes do not fit (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(string text, string origin)
    {
        if (text.Length > LargestText)
            throw new DistTrainerException(FailureKind.Configuration, $"{origin}: has {text.Length} characters; a job file has at most {LargestText}.");
        Stack<int> open = new();
        int dots = 0;
        char before = '\0';
        bool newLine = false;
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (c == '"')
            {
                at = EndOfQuote(text, at, origin);
                (before, newLine) = ('"', false);
                continue;
            }

            if (c == '#' || (c == '/' && at + 1 < text.Length && text[at + 1] == '/'))
            {
                int end = text.IndexOf('\n', at);
                at = end < 0 ? text.Length : end;
                newLine = true;
                continue;
            }

            CheckOrder(text, at, before, newLine, open.TryPeek(out int opener) ? text[opener] : '\0', origin);
            CheckBracket(text, at, open, origin);
            if (c == '$')
                throw Refuse(text, at, origin, "substitutions (${…}) are not supported; write the value");
            if (c == '+' && at + 1 < text.Length && text[at + 1] == '=')
                throw Refuse(text, at, origin, "+= is not supported; write the whole list with =");
            dots = c == '.' ? dots + 1 : char.IsWhiteSpace(c) || ",=:{}[]".Contains(c) ? 0 : dots;
            if (dots > MostDots)
                throw Refuse(text, at, origin, $"more than {MostDots} dots in one key");
            newLine = c == '\n' || (newLine && char.IsWhiteSpace(c));
            before = char.IsWhiteSpace(c) ? before : c;
        }

        if (open.TryPeek(out int last))
            throw Refuse(text, last, origin, $"'{text[last]}' is never closed");
    }

    /// <summary>Line and column, counted from 1, of a place in a text.</summary>
    public static string Place(string text, int at)
    {
        int line = 1 + text.AsSpan(0, at).Count('\n');
        int column = at - (at == 0 ? -1 : text.LastIndexOf('\n', at - 1));
        return $"{line}:{column}";
    }

    // What may stand before a bracket or a separator. On anything else the parser loses count of the brackets, and may
    // then read the same place of a list for ever.
    private static void CheckOrder(string text, int at, char before, bool newLine, char inside, string origin)
    {
        char c = text[at];
        bool afterSeparator = before is '=' or ':';
        if (inside == '[')
        {
            if (c is '=' or ':')
                throw Refuse(text, at, origin, $"'{c}' in a list; put the keys of an element in braces: [ {{ key = value }} ]");
            if (c is '{' or '[' && before is not ('[' or ',' or '}' or ']'))
                throw Refuse(text, at, origin, $"'{c}' behind a value in a list; write a comma before it");
            return;
        }

        bool noKey = before is '\0' or '{' or '}' or ']' or ',' or '.';
        if ((c is '=' or ':' && (noKey || afterSeparator)) || (c == '{' && before != '\0' && !afterSeparator && (noKey || newLine)) || (c == '[' && !afterSeparator))
            throw Refuse(text, at, origin, $"there is no key before '{c}'; write key = value, one a line");
    }

    private static void CheckBracket(string text, int at, Stack<int> open, string origin)
    {
        switch (text[at])
        {
            case '{' or '[':
                open.Push(at);
                if (open.Count > DeepestNesting)
                    throw Refuse(text, at, origin, $"nested deeper than {DeepestNesting} brackets");
                break;
            case '}' or ']':
                if (!open.TryPop(out int opener))
                    throw Refuse(text, at, origin, $"'{text[at]}' closes nothing");
                if (text[opener] != (text[at] == '}' ? '{' : '['))
                    throw Refuse(text, at, origin, $"'{text[at]}' closes the '{text[opener]}' of {Place(text, opener)}");
                break;
        }
    }

    private static int EndOfQuote(string text, int start, string origin)
    {
        if (text.AsSpan(start).StartsWith("\"\"\"", StringComparison.Ordinal))
        {
            int end = text.IndexOf("\"\"\"", start + 3, StringComparison.Ordinal);
            return end >= 0 ? end + 2 : throw Refuse(text, start, origin, "\"\"\" is never closed");
        }

        for (int at = start + 1; at < text.Length && text[at] != '\n'; at++)
        {
            if (text[at] == '"')
                return at;
            if (text[at] == '\\')
                at++;
        }

        throw Refuse(text, start, origin, "the quote is not closed on its line");
    }

    private static DistTrainerException Refuse(string text, int at, string origin, string what) =>
        new(FailureKind.Configuration, $"{origin}:{Place(text, at)}: {what}.");
}
