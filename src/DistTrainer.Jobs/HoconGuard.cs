using DistTrainer.Engine;

namespace DistTrainer.Jobs;

/// <summary>
/// Looks over a job file before Akka's parser gets it. The parser accepts texts that are cut off or have a bracket too
/// many, and reads the same place for ever on a key without a value in a list; here such a text is refused with its
/// line and column.
/// </summary>
/// <param name="text">The whole text.</param>
/// <param name="origin">Its name in messages.</param>
internal sealed class HoconGuard(string text, string origin)
{
    /// <summary>Largest text, in characters.</summary>
    public const int LargestText = 1 << 20;

    /// <summary>Most brackets open at once.</summary>
    public const int DeepestNesting = 32;

    private const int MostDots = 32;
    private const string OnlyInQuotes = "`^?!@*&\\";

    private readonly Stack<(int At, Place Outer)> _open = new();
    private Place _place = Place.Start;
    private int _dots;
    private char _lastWord;

    /// <summary>Where in an object or list the reader is.</summary>
    private enum Place
    {
        /// <summary>At the very start, where the whole file may be in braces.</summary>
        Start,

        /// <summary>In an object, before a key.</summary>
        BeforeKey,

        /// <summary>In a key.</summary>
        InKey,

        /// <summary>Behind the separator.</summary>
        BeforeValue,

        /// <summary>In a value that is a text.</summary>
        InValue,

        /// <summary>Behind a value in brackets, on its line.</summary>
        AfterBrackets,

        /// <summary>In a list, before an element.</summary>
        BeforeItem,

        /// <summary>In an element that is a text.</summary>
        InItem,

        /// <summary>Behind an element in brackets, on its line.</summary>
        AfterItemBrackets,

        /// <summary>Behind the braces round the whole file.</summary>
        End,
    }

    private bool InList => _place is Place.BeforeItem or Place.InItem or Place.AfterItemBrackets;

    /// <summary>Refuses what the parser must not see.</summary>
    /// <exception cref="DistTrainerException">The text is too long, or brackets, quotes, keys and values do not fit
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public void Check()
    {
        if (text.Length > LargestText)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"{origin}: has {text.Length} characters; a job file has at most {LargestText}.");
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (c == '#' || (c == '/' && at + 1 < text.Length && text[at + 1] == '/'))
            {
                int end = text.IndexOf('\n', at);
                at = (end < 0 ? text.Length : end) - 1;
            }
            else if (c is '{' or '[')
            {
                Open(at);
            }
            else if (c is '}' or ']')
            {
                Close(at);
            }
            else if (c is '=' or ':')
            {
                Separate(at);
            }
            else if (c == ',')
            {
                Comma(at);
            }
            else if (c == '\n')
            {
                NewLine(at);
            }
            else if (!char.IsWhiteSpace(c))
            {
                at = Word(at);
            }
        }

        NewLine(text.Length);
        if (_open.TryPeek(out (int At, Place Outer) last))
            throw Refuse(last.At, $"'{text[last.At]}' is never closed");
        if (_place == Place.BeforeValue)
            throw Refuse(text.Length, "the last key has no value");
    }

    private static string PlaceOf(string text, int at)
    {
        int line = 1 + text.AsSpan(0, at).Count('\n');
        int column = at - (at == 0 ? -1 : text.LastIndexOf('\n', at - 1));
        return $"{line}:{column}";
    }

    private void Open(int at)
    {
        char c = text[at];
        _place = _place switch
        {
            Place.Start when c == '{' => Place.End,
            Place.InKey when c == '{' && _lastWord != '.' => Place.AfterBrackets,
            Place.BeforeValue => Place.AfterBrackets,
            Place.BeforeItem => Place.AfterItemBrackets,
            Place.InItem or Place.AfterItemBrackets =>
                throw Refuse(at, $"'{c}' behind an element of a list; write a comma before it"),
            _ => throw Refuse(at, $"there is no key before '{c}'; write key = value, one a line"),
        };
        _open.Push((at, _place));
        if (_open.Count > DeepestNesting)
            throw Refuse(at, $"nested deeper than {DeepestNesting} brackets");
        _place = c == '{' ? Place.BeforeKey : Place.BeforeItem;
    }

    private void Close(int at)
    {
        if (!_open.TryPop(out (int At, Place Outer) opener))
            throw Refuse(at, $"'{text[at]}' closes nothing");
        if (text[opener.At] != (text[at] == '}' ? '{' : '['))
            throw Refuse(at, $"'{text[at]}' closes the '{text[opener.At]}' of {PlaceOf(text, opener.At)}");
        if (_place is Place.InKey or Place.BeforeValue)
            throw Refuse(at, $"the key before '{text[at]}' has no value; write key = value");
        _place = opener.Outer;
    }

    private void Separate(int at)
    {
        if (InList)
            throw Refuse(
                at, $"'{text[at]}' in a list; put the keys of an element in braces, [ {{ key = value }} ], and a text "
                + "in quotes");
        if (_place is Place.InValue or Place.AfterBrackets)
            throw Refuse(
                at, $"'{text[at]}' in a value; put the next key on a line of its own or behind a comma, and a text in "
                + "quotes");
        if (_place != Place.InKey || _lastWord is '.' or '+')
            throw Refuse(
                at, _lastWord == '+' && _place == Place.InKey ? "+= is not supported; write the whole list with ="
                : $"there is no key before '{text[at]}'; write key = value");
        _place = Place.BeforeValue;
    }

    private void Comma(int at) => _place = _place switch
    {
        Place.InValue or Place.AfterBrackets => Place.BeforeKey,
        Place.InItem or Place.AfterItemBrackets => Place.BeforeItem,
        _ => throw Refuse(at, "there is no value before ','"),
    };

    private void NewLine(int at) => _place = _place switch
    {
        Place.InKey => throw Refuse(at, "the key has no value; write key = value on one line"),
        Place.InValue or Place.AfterBrackets => Place.BeforeKey,
        Place.InItem or Place.AfterItemBrackets => Place.BeforeItem,
        _ => _place,
    };

    private int Word(int at)
    {
        char c = text[at];
        if (c == '$')
            throw Refuse(at, "substitutions (${…}) are not supported; write the value, in quotes if it has a $");
        if (OnlyInQuotes.Contains(c))
            throw Refuse(at, $"'{c}' must be in quotes");
        _place = _place switch
        {
            Place.Start or Place.BeforeKey or Place.InKey => Place.InKey,
            Place.BeforeValue or Place.InValue => Place.InValue,
            Place.BeforeItem or Place.InItem => Place.InItem,
            _ => throw Refuse(at, "text behind a closing bracket; put the next key on a line of its own"),
        };
        bool first = at == 0 || !(char.IsLetterOrDigit(text[at - 1]) || text[at - 1] is '.' or '-' or '_' or '"');
        _dots = c == '.' ? _dots + 1 : first ? 0 : _dots;
        if (_dots > MostDots)
            throw Refuse(at, $"more than {MostDots} dots in one key");
        _lastWord = c;
        return c == '"' ? EndOfQuote(at) : at;
    }

    private int EndOfQuote(int start)
    {
        if (text.AsSpan(start).StartsWith("\"\"\"", StringComparison.Ordinal))
        {
            int end = text.IndexOf("\"\"\"", start + 3, StringComparison.Ordinal);
            return end >= 0 ? end + 2 : throw Refuse(start, "\"\"\" is never closed");
        }

        for (int at = start + 1; at < text.Length && text[at] != '\n'; at++)
        {
            if (text[at] == '"')
                return at;
            if (text[at] == '\\')
                at++;
        }

        throw Refuse(start, "the quote is not closed on its line");
    }

    private DistTrainerException Refuse(int at, string what) =>
        new(FailureKind.Configuration, $"{origin}:{PlaceOf(text, at)}: {what}.");
}
