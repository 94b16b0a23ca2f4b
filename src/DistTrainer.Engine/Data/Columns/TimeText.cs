using System.Buffers.Text;
using System.Globalization;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Dates and times as programs write them: ISO 8601 (<c>2019-03-23</c>, <c>2019-03-23 20:21:09</c>, with <c>T</c>,
/// fractions, <c>Z</c> or an offset), <c>2019/03/23</c> and <c>23.03.2019</c>, each with or without a time. Clock and
/// calendar are those of the text; an offset does not move them.
/// </summary>
internal static class TimeText
{
    private const int SecondsOfDay = 86_400;

    /// <summary>Reads a date, with or without a time.</summary>
    /// <param name="text">In UTF-8; blanks around it do not count.</param>
    /// <param name="seconds">Since 1970-01-01 00:00.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out double seconds)
    {
        ReadOnlySpan<byte> rest = text.Trim(" \t"u8);
        seconds = 0;
        if (!TryDate(ref rest, out DateOnly date))
            return false;
        seconds = (date.DayNumber - s_epoch.DayNumber) * (double)SecondsOfDay;
        if (rest.IsEmpty)
            return true;
        if (rest[0] is not ((byte)'T' or (byte)' ' or (byte)'t') || !TryClock(rest[1..], out double clock))
            return false;
        seconds += clock;
        return true;
    }

    /// <summary>
    /// The date, and the time unless it is midnight. A column's numbers are rounded, and may be rounded out of the
    /// years 1 to 9999: these become the first or last second.
    /// </summary>
    public static string Format(double seconds)
    {
        const double First = -62_135_596_800, Last = 253_402_300_799;
        DateTime time = DateTime.UnixEpoch.AddSeconds(Math.Clamp(seconds, First, Last));
        return time.ToString(
            time.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
    }

    private static readonly DateOnly s_epoch = new(1970, 1, 1);

    private static bool TryDate(ref ReadOnlySpan<byte> text, out DateOnly date)
    {
        date = default;
        if (text.Length < 8)
            return false;
        bool german = text.Length >= 10 && text[2] == '.' && text[5] == '.';
        int year, month, day;
        if (german)
        {
            if (!Digits(text, 0, 2, out day) || !Digits(text, 3, 2, out month) || !Digits(text, 6, 4, out year))
                return false;
        }
        else if (text.Length < 10 || text[4] is not ((byte)'-' or (byte)'/') || text[7] != text[4]
            || !Digits(text, 0, 4, out year) || !Digits(text, 5, 2, out month) || !Digits(text, 8, 2, out day))
            return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month))
            return false;
        date = new DateOnly(year, month, day);
        text = text[10..];
        return true;
    }

    /// <summary>hh:mm, hh:mm:ss, with a fraction; then nothing, Z, or an offset.</summary>
    private static bool TryClock(ReadOnlySpan<byte> text, out double seconds)
    {
        seconds = 0;
        if (text.Length < 5 || text[2] != ':' || !Digits(text, 0, 2, out int hour)
            || !Digits(text, 3, 2, out int minute) || hour > 23 || minute > 59)
            return false;
        seconds = (hour * 3600) + (minute * 60);
        ReadOnlySpan<byte> rest = text[5..];
        if (rest.Length >= 3 && rest[0] == ':')
        {
            int end = 3;
            while (end < rest.Length && (char.IsAsciiDigit((char)rest[end]) || (end == 3 && rest[end] == '.')))
                end++;
            if (!Digits(rest, 1, 2, out _) || !Utf8Parser.TryParse(rest[1..end], out double second, out int taken)
                || taken != end - 1 || second >= 61)
                return false;
            seconds += second;
            rest = rest[end..];
        }
        return rest.IsEmpty || rest.SequenceEqual("Z"u8) || rest.SequenceEqual(" UTC"u8) || IsOffset(rest);
    }

    private static bool IsOffset(ReadOnlySpan<byte> text) => text[0] is (byte)'+' or (byte)'-'
        && (text.Length == 3 || text.Length == 5 || (text.Length == 6 && text[3] == ':'))
        && Digits(text, 1, 2, out _) && (text.Length == 3 || Digits(text, text.Length - 2, 2, out _));

    private static bool Digits(ReadOnlySpan<byte> text, int start, int count, out int value)
    {
        value = 0;
        for (int i = start; i < start + count; i++)
        {
            if (!char.IsAsciiDigit((char)text[i]))
                return false;
            value = (10 * value) + text[i] - '0';
        }
        return true;
    }
}
