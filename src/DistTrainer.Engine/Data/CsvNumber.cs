using System.Globalization;
using System.Text;

namespace DistTrainer.Engine.Data;

/// <summary>What the text of a number tells about how numbers are written in its file.</summary>
[Flags]
internal enum NumberForms
{
    /// <summary>Nothing: no cell was looked at.</summary>
    None = 0,

    /// <summary>It is no number.</summary>
    Other = 1,

    /// <summary>Digits only.</summary>
    Whole = 2,

    /// <summary>A decimal point: <c>1.5</c>.</summary>
    Point = 4,

    /// <summary>A decimal point, or one between thousands: <c>1.234</c>.</summary>
    PointOrThousands = 8,

    /// <summary>A decimal comma: <c>1,5</c>.</summary>
    Comma = 16,

    /// <summary>A decimal comma, or one between thousands: <c>1,234</c>.</summary>
    CommaOrThousands = 32,

    /// <summary>Points between thousands: <c>1.234.567</c>.</summary>
    PointThousands = 64,

    /// <summary>Commas between thousands: <c>1,234,567</c>.</summary>
    CommaThousands = 128,

    /// <summary>Blanks between thousands.</summary>
    BlankThousands = 256,

    /// <summary>Apostrophes between thousands.</summary>
    ApostropheThousands = 512,
}

/// <summary>Which pair of yes/no words a cell is of.</summary>
internal enum CellKind
{
    /// <summary>None.</summary>
    Unknown,

    /// <summary><c>True</c> and <c>False</c>, in any case.</summary>
    TrueFalse,

    /// <summary><c>yes</c> and <c>no</c>, in any case.</summary>
    YesNo,

    /// <summary><c>Y</c> and <c>N</c>, in any case.</summary>
    YN,
}

/// <summary>Reads numbers and yes/no words as people write them, the same in every culture.</summary>
internal static class CsvNumber
{
    private const int Longest = 128;

    private static readonly double[] s_powers =
        [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>Reads a number.</summary>
    /// <param name="text">In UTF-8; blanks around it do not count.</param>
    /// <param name="decimalMark">A point or a comma.</param>
    /// <param name="thousands">What stands between thousands: <c>, . '</c> or a blank; NUL for nothing.</param>
    /// <param name="value">The number; infinite where it is too large.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, char decimalMark, char thousands, out double value)
    {
        if (text.Length == 1 && char.IsAsciiDigit((char)text[0]))
        {
            value = text[0] - '0';
            return true;
        }
        if (decimalMark == '.' && TryPlain(text, out value))
            return true;
        if (decimalMark == '.' && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
            return true;
        Span<byte> plain = stackalloc byte[Longest];
        value = 0;
        return (decimalMark != '.' || thousands != '\0')
            && TryMakePlain(text, decimalMark, thousands, plain, out int length)
            && double.TryParse(plain[..length], NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>
    /// Reads a number of at most 15 digits without an exponent: both the digits and the power of ten are doubles, so
    /// that one division rounds as it must.
    /// </summary>
    private static bool TryPlain(ReadOnlySpan<byte> text, out double value)
    {
        const int MostDigits = 15;
        int at = text is [(byte)'-', ..] ? 1 : 0, digits = 0, point = -1;
        ulong mantissa = 0;
        for (int i = at; i < text.Length; i++)
        {
            uint digit = (uint)text[i] - '0';
            if (digit <= 9)
            {
                mantissa = (10 * mantissa) + digit;
                digits++;
            }
            else if (text[i] == '.' && point < 0)
                point = i;
            else
            {
                value = 0;
                return false;
            }
        }
        value = mantissa;
        if (point >= 0)
            value /= s_powers[Math.Min(MostDigits, text.Length - 1 - point)];
        if (at > 0)
            value = -value;
        return digits is > 0 and <= MostDigits;
    }

    /// <summary>A yes/no word as 1 and 0.</summary>
    /// <param name="text">In UTF-8; blanks around it do not count.</param>
    /// <param name="value">1 or 0.</param>
    /// <returns>Which words they are; <see cref="CellKind.Unknown"/> for any other text.</returns>
    public static CellKind WordOf(ReadOnlySpan<byte> text, out float value)
    {
        ReadOnlySpan<byte> word = text.Trim(" \t"u8);
        value = 1;
        switch (word.Length)
        {
            case 1 when Ascii.EqualsIgnoreCase(word, "y"u8):
                return CellKind.YN;
            case 3 when Ascii.EqualsIgnoreCase(word, "yes"u8):
                return CellKind.YesNo;
            case 4 when Ascii.EqualsIgnoreCase(word, "true"u8):
                return CellKind.TrueFalse;
        }
        value = 0;
        return word.Length switch
        {
            1 when Ascii.EqualsIgnoreCase(word, "n"u8) => CellKind.YN,
            2 when Ascii.EqualsIgnoreCase(word, "no"u8) => CellKind.YesNo,
            5 when Ascii.EqualsIgnoreCase(word, "false"u8) => CellKind.TrueFalse,
            _ => CellKind.Unknown,
        };
    }

    /// <summary>What a cell tells about how numbers are written.</summary>
    /// <param name="text">In UTF-8.</param>
    public static NumberForms FormOf(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> rest = text.Trim(" \t"u8);
        if (!rest.IsEmpty && rest[0] is (byte)'+' or (byte)'-')
            rest = rest[1..];
        bool zeroFirst = !rest.IsEmpty && rest[0] == '0';
        Span<char> marks = stackalloc char[16];
        Span<int> digits = stackalloc int[17];
        int count = 0, all = 0;
        while (!rest.IsEmpty && rest[0] is not ((byte)'e' or (byte)'E'))
        {
            if (char.IsAsciiDigit((char)rest[0]))
            {
                digits[count]++;
                all++;
                rest = rest[1..];
                continue;
            }
            char mark = MarkOf(rest, out int length);
            if (mark == '\0' || count == marks.Length)
                return NumberForms.Other;
            marks[count++] = mark;
            digits[count] = 0;
            rest = rest[length..];
        }
        bool exponent = !rest.IsEmpty;
        if (all == 0 || (exponent && !int.TryParse(
            rest[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)))
            return NumberForms.Other;
        return FormOf(marks[..count], digits[..(count + 1)], zeroFirst, exponent);
    }

    private static NumberForms FormOf(
        ReadOnlySpan<char> marks, ReadOnlySpan<int> digits, bool zeroFirst, bool exponent)
    {
        if (marks.IsEmpty)
            return NumberForms.Whole;
        char first = marks[0], last = marks[^1];
        bool isDecimal = last is '.' or ',' && (marks.Length == 1 || last != first);
        int groups = isDecimal ? marks.Length - 1 : marks.Length;
        NumberForms form = !isDecimal ? NumberForms.None : last == '.' ? NumberForms.Point : NumberForms.Comma;
        if (groups == 0)
        {
            bool grouped = digits[0] is >= 1 and <= 3 && digits[1] == 3 && !zeroFirst && !exponent;
            return !grouped ? last == ',' && digits[1] == 0 ? NumberForms.Other : form
                : last == '.' ? NumberForms.PointOrThousands : NumberForms.CommaOrThousands;
        }
        if (marks[..groups].ContainsAnyExcept(first) || digits[0] is < 1 or > 3 || zeroFirst
            || digits[1..(groups + 1)].ContainsAnyExcept(3))
            return NumberForms.Other;
        return form | first switch
        {
            '.' => NumberForms.PointThousands,
            ',' => NumberForms.CommaThousands,
            '\'' => NumberForms.ApostropheThousands,
            _ => NumberForms.BlankThousands,
        };
    }

    /// <summary>The mark between digits that a text begins with; NUL for none.</summary>
    private static char MarkOf(ReadOnlySpan<byte> text, out int length)
    {
        length = 1;
        if (text[0] is (byte)'.' or (byte)',' or (byte)' ' or (byte)'\'')
            return (char)text[0];
        // no-break space, narrow no-break space, typographic apostrophe
        length = text.StartsWith("\u00A0"u8) ? 2 : 3;
        return text.StartsWith("\u00A0"u8) || text.StartsWith("\u202F"u8) ? ' '
            : text.StartsWith("\u2019"u8) ? '\'' : '\0';
    }

    private static bool TryMakePlain(
        ReadOnlySpan<byte> text, char decimalMark, char thousands, Span<byte> plain, out int length)
    {
        length = 0;
        ReadOnlySpan<byte> rest = text.Trim(" \t"u8);
        if (rest.Length > plain.Length)
            return false;
        int digits = 0, start = 0;
        bool grouped = false, whole = true;
        while (!rest.IsEmpty)
        {
            byte next = rest[0];
            int taken = 1;
            if (whole && char.IsAsciiDigit((char)next))
            {
                start = digits == 0 && !grouped ? next : start;
                digits++;
            }
            else if (whole && MarkOf(rest, out int mark) is var found && found != '\0')
            {
                bool isDecimal = found == decimalMark;
                if (!isDecimal && found != thousands)
                    return false;
                if (!isDecimal && (grouped ? digits != 3 : digits is < 1 or > 3 || start == '0'))
                    return false;
                if (isDecimal && grouped && digits != 3)
                    return false;
                (grouped, whole, taken, next) = (grouped || !isDecimal, !isDecimal, mark, (byte)'.');
                digits = 0;
                if (!isDecimal)
                {
                    rest = rest[taken..];
                    continue;
                }
            }
            else if (next == '.' || next == ',')
                return false;
            else if (whole && next is (byte)'e' or (byte)'E')
            {
                if (grouped && digits != 3)
                    return false;
                whole = false;
            }
            plain[length++] = next;
            rest = rest[taken..];
        }
        return !whole || !grouped || digits == 3;
    }
}
