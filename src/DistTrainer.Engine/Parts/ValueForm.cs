using System.Globalization;
using System.Numerics;

namespace DistTrainer.Engine.Parts;

/// <summary>What a value may be, and how it is read from a text and written as one. The text is the same in every
/// culture.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="Allowed">What is allowed, in words.</param>
/// <param name="Parse">From text; a <see cref="FormatException"/> says what is wrong, e.g. "is out of range".</param>
/// <param name="Format">To text.</param>
internal sealed record ValueForm<T>(string Allowed, Func<string, T> Parse, Func<T, string> Format);

/// <summary>The forms of values that settings and keys of a job file have.</summary>
internal static class ValueForms
{
    /// <summary>true or false (also yes, no, on, off).</summary>
    public static ValueForm<bool> Flag { get; } = new("true or false", ParseFlag, value => value ? "true" : "false");

    /// <summary>A text that is not empty and has no zero character.</summary>
    public static ValueForm<string> Text { get; } = new("a text", ParseText, value => value);

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static ValueForm<T> Whole<T>(T least, T most)
        where T : struct, IBinaryInteger<T> => new(
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"),
            text => ParseWhole(text, least, most),
            value => value.ToString(null, CultureInfo.InvariantCulture));

    /// <summary>A finite number within bounds.</summary>
    /// <param name="least">Smallest.</param>
    /// <param name="most">Largest.</param>
    /// <param name="open">Whether a bound itself is left out: <c>"("</c> the lower, <c>")"</c> the upper, <c>"()"</c>
    /// both.</param>
    public static ValueForm<T> Number<T>(T least, T most, string open = "")
        where T : struct, IBinaryFloatingPointIeee754<T>, IMinMaxValue<T>
    {
        string from = open.Contains('(') ? $"above {Show(least)}" : $"from {Show(least)}";
        string to = open.Contains(')') ? $"below {Show(most)}" : $"to {Show(most)}";
        string allowed = least == T.MinValue && most == T.MaxValue ? "a finite number"
            : $"a number {from} {(open.Length > 0 ? "and " : "")}{to}";
        return new ValueForm<T>(allowed, text => ParseNumber(text, least, most, open), Show);
    }

    private static string Show<T>(T value)
        where T : struct, IBinaryFloatingPointIeee754<T> => value.ToString("R", CultureInfo.InvariantCulture);

    private static bool ParseFlag(string text) => text switch
    {
        "true" or "on" or "yes" => true,
        "false" or "off" or "no" => false,
        _ => throw new FormatException("is not a truth value"),
    };

    private static string ParseText(string text) =>
        text.Length > 0 && !text.Contains('\0') ? text : throw new FormatException("is empty or has a zero character");

    private static T ParseWhole<T>(string text, T least, T most)
        where T : struct, IBinaryInteger<T>
    {
        string digits = text.Length > 40 ? "" : text;
        if (!BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
            out BigInteger value))
            throw new FormatException("is not a whole number");
        return value >= BigInteger.CreateChecked(least) && value <= BigInteger.CreateChecked(most)
            ? T.CreateChecked(value)
            : throw new FormatException("is out of range");
    }

    private static T ParseNumber<T>(string text, T least, T most, string open)
        where T : struct, IBinaryFloatingPointIeee754<T>
    {
        const NumberStyles Style =
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (!T.TryParse(text, Style, CultureInfo.InvariantCulture, out T value))
            throw new FormatException("is not a number");
        if (!T.IsFinite(value))
            throw new FormatException("is not finite");
        bool tooSmall = value < least || (open.Contains('(') && value == least);
        bool tooLarge = value > most || (open.Contains(')') && value == most);
        return tooSmall || tooLarge ? throw new FormatException("is out of range") : value;
    }
}
