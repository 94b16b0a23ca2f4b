using System.Globalization;

namespace DistTrainer.Engine.Data;

/// <summary>What the labels of one target column look like: classes or values.</summary>
internal sealed class TargetLook
{
    private const int MostKept = 1000;
    private const int RowsForAStrayText = 100;

    private readonly HashSet<double> _numbers = [];
    private int _texts;
    private bool _codes;
    private bool _fractions;

    /// <summary>Labels so far; missing ones do not count.</summary>
    public int Labels { get; private set; }

    /// <summary>Adds a label; marks of missing ones are passed over.</summary>
    /// <param name="text">In UTF-8.</param>
    /// <param name="dialect">How numbers are written.</param>
    public void Add(ReadOnlySpan<byte> text, CsvDialect dialect)
    {
        ReadOnlySpan<byte> label = text.Trim(" \t"u8);
        if (CsvHeader.IsMissing(label))
            return;
        Labels++;
        if (!CsvNumber.TryParse(label, dialect.Decimal, dialect.Thousands, out double value)
            || !double.IsFinite(value))
        {
            _texts++;
            return;
        }
        _codes |= IsCode(label);
        double whole = double.TryParse(label, NumberStyles.Float, CultureInfo.InvariantCulture, out double exact)
            && dialect.Decimal == '.' ? exact : value;
        _fractions |= whole != Math.Truncate(whole);
        if (_numbers.Count < MostKept)
            _numbers.Add(whole);
    }

    /// <summary>
    /// Names are classes, and so are codes such as 02134 and few whole numbers. One text among a hundred numbers that
    /// are no classes is a fault, not a name.
    /// </summary>
    /// <param name="mostNumeric">How many different whole numbers are still classes.</param>
    public bool IsClasses(int mostNumeric)
    {
        bool areValues = _fractions || (_numbers.Count > mostNumeric && !_codes);
        return areValues ? _texts * (long)RowsForAStrayText > Labels : Labels > 0;
    }

    /// <summary>Whether a label is digits that do not say a number: with a zero before others.</summary>
    /// <param name="label">In UTF-8.</param>
    public static bool IsCode(ReadOnlySpan<byte> label) =>
        label is [(byte)'0', >= (byte)'0' and <= (byte)'9', ..]
        && !label.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    /// <summary>Whether a label is digits that do not say a number: with a zero before others.</summary>
    /// <param name="label">The text.</param>
    public static bool IsCode(string label) =>
        label is ['0', _, ..] && !label.AsSpan().ContainsAnyExceptInRange('0', '9');
}
