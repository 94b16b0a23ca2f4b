using System.Globalization;
using System.Numerics;
using System.Text.Encodings.Web;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Jobs;

/// <summary>The types of values that job files have.</summary>
internal static class JobValues
{
    private static readonly (string Unit, TimeSpan Length)[] s_units =
        [("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)),
            ("ms", TimeSpan.FromMilliseconds(1))];

    /// <summary>true or false (also yes, no, on, off).</summary>
    public static JobValue<bool> Bool { get; } = Of(ValueForms.Flag);

    /// <summary>true, false or nothing.</summary>
    public static JobValue<bool?> OptionalBool { get; } = new ScalarValue<bool?>(
        "true or false", text => ValueForms.Flag.Parse(text), value =>
        value is null ? null : value.Value ? "true" : "false");

    /// <summary>A text that is not empty.</summary>
    public static JobValue<string> Text { get; } = new ScalarValue<string>(
        ValueForms.Text.Allowed, ValueForms.Text.Parse, Quote);

    /// <summary>A text, or nothing.</summary>
    public static JobValue<string?> OptionalText { get; } = new ScalarValue<string?>(
        ValueForms.Text.Allowed, ValueForms.Text.Parse, value => value is null ? null : Quote(value));

    /// <summary>A length of time within bounds, in whole milliseconds.</summary>
    public static JobValue<TimeSpan> Duration(TimeSpan least, TimeSpan most) => new ScalarValue<TimeSpan>(
        $"a time with its unit (ms, s, m, h) from {Show(least)} to {Show(most)}", text =>
            ParseDuration(text, least, most), Show);

    /// <summary>The shortest text of a length of time, e.g. 2s.</summary>
    public static string Show(TimeSpan time)
    {
        if (time == TimeSpan.Zero)
            return "0s";
        (string unit, TimeSpan length) = s_units.First(
            entry => entry.Unit == "ms" || (time >= entry.Length && time.Ticks % entry.Length.Ticks == 0));
        return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / length.Ticks}{unit}");
    }

    /// <summary>One character, a name for one, or nothing.</summary>
    /// <param name="names">Names of characters that are hard to see or stand for none.</param>
    public static JobValue<char?> Mark(params (string Name, char Mark)[] names)
    {
        string allowed = string.Concat("one character, e.g. \";\" or \"\\t\"", string.Concat(
            names.Select(entry => $", or {entry.Name}")));
        return new ScalarValue<char?>(
            allowed,
            text => Array.Find(names, entry => entry.Name == text) is { Name: not null } named ? named.Mark
                : text.Length == 1 ? text[0] : throw new FormatException("is not one character"),
            value => value is not { } mark ? null
                : Array.Find(names, entry => entry.Mark == mark) is { Name: not null } named ? named.Name
                : Quote(mark.ToString()));
    }

    /// <summary>A value of a form.</summary>
    public static JobValue<T> Of<T>(ValueForm<T> form) => new ScalarValue<T>(form.Allowed, form.Parse, form.Format);

    /// <summary>A whole number within bounds.</summary>
    public static JobValue<T> Whole<T>(T least, T most)
        where T : struct, IBinaryInteger<T> => Of(ValueForms.Whole(least, most));

    /// <summary>A whole number within bounds, or nothing.</summary>
    public static JobValue<int?> OptionalWhole(int least, int most)
    {
        ValueForm<int> form = ValueForms.Whole(least, most);
        return new ScalarValue<int?>(
            form.Allowed, text => form.Parse(text), value => value is null ? null : form.Format(value.Value));
    }

    /// <summary>A finite number within bounds; see <see cref="ValueForms.Number"/>.</summary>
    public static JobValue<T> Number<T>(T least, T most, string open = "")
        where T : struct, IBinaryFloatingPointIeee754<T>, IMinMaxValue<T> => Of(ValueForms.Number(least, most, open));

    /// <summary>One of some names.</summary>
    /// <param name="names">Each value's names; the first one is written, the others are read too.</param>
    /// <param name="explain">Says of a name that is not allowed why, or null.</param>
    /// <param name="others">Names that are allowed too, but read by somebody else.</param>
    public static JobValue<T> Name<T>(
        (T Value, string[] Names)[] names, Func<string, string?>? explain = null, params IReadOnlyList<string> others)
        where T : struct, Enum
    {
        // Arrays: what is generic in T takes its time at each start of the program.
        string[][] texts = new string[names.Length][];
        var values = new T[names.Length];
        for (int i = 0; i < names.Length; i++)
            (values[i], texts[i]) = names[i];
        return new ScalarValue<T>(
            string.Join(", ", texts.Select(entry => entry[0]).Concat(others)),
            text => Array.FindIndex(texts, entry => entry.Contains(text)) is var found and >= 0 ? values[found]
                : throw new FormatException(explain?.Invoke(text)
                    ?? $"is not known{NearestName.Hint(text, texts.SelectMany(entry => entry).Concat(others))}"),
            value => texts[Array.IndexOf(values, value)][0]);
    }

    /// <summary>A text in quotes, as JSON and HOCON write it.</summary>
    public static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    private static TimeSpan ParseDuration(string text, TimeSpan least, TimeSpan most)
    {
        string number = text.TrimEnd([.. "abcdefghijklmnopqrstuvwxyz "]);
        string unit = text[number.Length..].Trim();
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            || !s_units.Any(entry => entry.Unit == unit))
            throw new FormatException("is not a time with its unit");
        double milliseconds = value * s_units.First(entry => entry.Unit == unit).Length.TotalMilliseconds;
        if (milliseconds < least.TotalMilliseconds || milliseconds > most.TotalMilliseconds)
            throw new FormatException("is out of range");
        return milliseconds == Math.Floor(milliseconds) ? TimeSpan.FromMilliseconds((long)milliseconds)
            : throw new FormatException("is not a whole number of milliseconds");
    }
}
