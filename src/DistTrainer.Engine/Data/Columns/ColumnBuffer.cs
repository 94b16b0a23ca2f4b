using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Takes the cells of one column in, and finds out what they are: numbers or dates, as the first cell with a value is,
/// else text. Where a column begins with numbers and goes on with as many texts, it must be read again as text.
/// </summary>
/// <param name="name">The column's name.</param>
/// <param name="form">What the cells are, where that is known.</param>
/// <param name="dialect">How numbers are written.</param>
/// <param name="gaps">What marks a missing value.</param>
internal sealed class ColumnBuffer(string name, ColumnForm form, CsvDialect dialect, GapMarks gaps)
{
    private NumberColumn? _numbers;
    private TextColumn? _texts;
    private int _gapsAhead;
    private int _values;
    private int _strays;
    private int _straysAlike;
    private bool _isPart;

    /// <summary>The column's name.</summary>
    public string Name => name;

    /// <summary>The first cell that is not like the others before it; null for none.</summary>
    public StrayCell? Stray { get; private set; }

    /// <summary>Whether the cells must be read again, as text: most of them are no numbers or dates, or some
    /// are codes such as 02134.</summary>
    public bool MustBeText { get; private set; }

    /// <summary>What the cells are, as far as they say it; <see cref="ColumnForm.Any"/> while all are gaps.</summary>
    public ColumnForm Found => _texts is not null ? ColumnForm.Text
        : _numbers is null ? ColumnForm.Any
        : _numbers.IsTime ? ColumnForm.Dates : ColumnForm.Numbers;

    /// <summary>Forgets all cells, to take in those of some rows, which then go to the column's own buffer.</summary>
    /// <param name="found">What the cells before are.</param>
    public void BeginPart(ColumnForm found)
    {
        (_gapsAhead, _values, _strays, _straysAlike, Stray, MustBeText) = (0, 0, 0, 0, null, false);
        (NumberColumn? numbers, _numbers, _texts) = (_numbers, null, null);
        _isPart = true;
        if (found == ColumnForm.Text)
            BeginText();
        else if (found != ColumnForm.Any)
            BeginNumbers(found == ColumnForm.Dates, numbers);
    }

    /// <summary>Adds the cells of the rows that follow.</summary>
    /// <param name="part">They, of the same form or all gaps.</param>
    public void Append(ColumnBuffer part)
    {
        if (part.Found == ColumnForm.Any)
        {
            for (int i = 0; i < part._gapsAhead; i++)
                AddGap();
            return;
        }
        if (Found == ColumnForm.Any && part._texts is not null)
            BeginText();
        else if (Found == ColumnForm.Any)
            BeginNumbers(part._numbers!.IsTime);
        RawColumn column = (RawColumn?)_numbers ?? _texts!;
        if (Stray is null && part.Stray is { } stray)
            Stray = stray with { Row = column.Count + stray.Row };
        (_values, _strays, _straysAlike) =
            (_values + part._values, _strays + part._strays, _straysAlike + part._straysAlike);
        MustBeText |= part.MustBeText;
        column.Append((RawColumn?)part._numbers ?? part._texts!);
    }

    /// <summary>Takes a cell in.</summary>
    /// <param name="cell">In UTF-8.</param>
    /// <returns>False where it is not UTF-8.</returns>
    public bool Add(ReadOnlySpan<byte> cell)
    {
        ReadOnlySpan<byte> text = cell is [> (byte)' ', .., > (byte)' '] ? cell : cell.Trim(" \t"u8);
        if (_texts is not null)
            return AddText(text);
        if (_numbers is not null && !_numbers.IsTime && TryNumber(text, out double number)
            && !(gaps.AreNumbers && gaps.Has(text)))
        {
            AddNumber(text, number);
            return true;
        }
        if (gaps.Has(text))
        {
            AddGap();
            return true;
        }
        if (_numbers is not null)
            return AddAfterOthers(text);
        return Begin(text);
    }

    /// <summary>Takes a row without a value in.</summary>
    public void AddGap()
    {
        if (_texts is not null)
            _texts.AddGap();
        else if (_numbers is not null)
            _numbers.Add(double.NaN);
        else
            _gapsAhead++;
    }

    /// <summary>All values; a column without any is one of text.</summary>
    public RawColumn ToColumn()
    {
        if (_numbers is null && _texts is null)
        {
            if (form is ColumnForm.Numbers or ColumnForm.Dates)
                BeginNumbers(form == ColumnForm.Dates);
            else
                BeginText();
        }
        return (RawColumn?)_numbers ?? _texts!;
    }

    /// <summary>Says that all is read: decides whether cells that are unlike others are faults.</summary>
    public void Finish()
    {
        if (form != ColumnForm.Any)
            return;
        if (_texts is not null)
            Stray = StrayAmongTexts(_texts);
        else
            MustBeText |= _strays > _values && _straysAlike <= _strays / 2;
    }

    /// <summary>
    /// Where most texts look like numbers, the first that is none: a name above numbers, a number in another style.
    /// </summary>
    private StrayCell? StrayAmongTexts(TextColumn column)
    {
        const int Few = 64;
        int known = column.Values.Count;
        // Of each text whether it is a number, and whether it looks like one.
        Span<(bool Is, bool Alike)> kinds = known <= Few ? stackalloc (bool, bool)[Few] : new (bool, bool)[known];
        for (int value = 0; value < known; value++)
            kinds[value] = KindOf(column.Values[value]);
        int numbers = 0, others = 0, first = -1;
        for (int row = 0; row < column.Count; row++)
        {
            if (column[row] is not (var value and >= 0))
                continue;
            (numbers, others) = kinds[value].Alike ? (numbers + 1, others) : (numbers, others + 1);
            if (first < 0 && !kinds[value].Is)
                first = row;
        }
        return numbers >= others && first >= 0 ? new StrayCell(first, column.TextOf(first)!) : null;
    }

    private (bool Is, bool Alike) KindOf(string value)
    {
        const int Short = 256;
        Span<byte> room = value.Length <= Short / 4 ? stackalloc byte[Short] : new byte[4 * value.Length];
        ReadOnlySpan<byte> text = room[..Encoding.UTF8.GetBytes(value, room)];
        return (TryNumber(text, out _), LooksLikeNumber(text));
    }

    private bool LooksLikeNumber(ReadOnlySpan<byte> text) => !TargetLook.IsCode(text)
        && (TryNumber(text, out _) || CsvNumber.FormOf(text) != NumberForms.Other
            || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _));

    private bool Begin(ReadOnlySpan<byte> text)
    {
        bool isCode = TargetLook.IsCode(text);
        if (form is ColumnForm.Numbers || (form == ColumnForm.Any && !isCode && TryNumber(text, out _)))
        {
            BeginNumbers(isTime: false);
            return Add(text);
        }
        if (form is ColumnForm.Dates || (form == ColumnForm.Any && TimeText.TryParse(text, out _)))
        {
            BeginNumbers(isTime: true);
            return AddAfterOthers(text);
        }
        BeginText();
        return AddText(text);
    }

    private bool AddAfterOthers(ReadOnlySpan<byte> text)
    {
        if (_numbers!.IsTime && TimeText.TryParse(text, out double seconds))
        {
            _values++;
            _numbers.Add(seconds);
            return true;
        }
        Stray ??= new StrayCell(_numbers.Count, Encoding.UTF8.GetString(text), _numbers.IsTime);
        _strays++;
        _straysAlike += LooksLikeNumber(text) ? 1 : 0;
        _numbers.Add(double.NaN);
        return Utf8.IsValid(text);
    }

    private void AddNumber(ReadOnlySpan<byte> text, double number)
    {
        _values++;
        MustBeText |= form == ColumnForm.Any && TargetLook.IsCode(text);
        _numbers!.Add(number);
    }

    private bool AddText(ReadOnlySpan<byte> text)
    {
        if (gaps.Has(text))
        {
            _texts!.AddGap();
            return true;
        }
        char[]? rented = null;
        Span<char> chars = text.Length <= 256 ? stackalloc char[256]
            : rented = ArrayPool<char>.Shared.Rent(text.Length);
        OperationStatus status = Utf8.ToUtf16(text, chars, out _, out int written, replaceInvalidSequences: false);
        if (status == OperationStatus.Done)
            _texts!.Add(chars[..written]);
        if (rented is not null)
            ArrayPool<char>.Shared.Return(rented);
        return status == OperationStatus.Done;
    }

    private bool TryNumber(ReadOnlySpan<byte> text, out double value) =>
        CsvNumber.TryParse(text, dialect.Decimal, dialect.Thousands, out value) && Math.Abs(value) <= float.MaxValue;

    /// <param name="isTime">Whether they are times.</param>
    /// <param name="used">A column to use again.</param>
    private void BeginNumbers(bool isTime, NumberColumn? used = null)
    {
        _numbers = used?.IsTime == isTime ? used : new NumberColumn(name, isTime, _isPart);
        _numbers.Clear();
        for (; _gapsAhead > 0; _gapsAhead--)
            _numbers.Add(double.NaN);
    }

    private void BeginText()
    {
        _texts = new TextColumn(name, _isPart);
        for (; _gapsAhead > 0; _gapsAhead--)
            _texts.AddGap();
    }
}

/// <summary>A cell that is not like the others of its column.</summary>
/// <param name="Row">Number of its row.</param>
/// <param name="Text">What it says.</param>
/// <param name="IsDate">Whether the others are dates, not numbers.</param>
internal sealed record StrayCell(int Row, string Text, bool IsDate = false);
