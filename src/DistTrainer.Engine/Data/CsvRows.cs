using System.Globalization;
using CsvHelper;

namespace DistTrainer.Engine.Data;

/// <summary>Reads the rows of a block with the CSV library, and refuses those that are none.</summary>
/// <param name="path">What errors call the text.</param>
/// <param name="dialect">How the text is written.</param>
internal sealed class CsvRows(string path, CsvDialect dialect)
{
    /// <summary>Fields of every row; 0 until it is known.</summary>
    public int Fields { get; set; }

    /// <summary>Opens a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="header">Whether its first row names the columns.</param>
    public CsvReader Open(CsvBlock block, bool header) => CsvReader.Create(block.Text, new CsvReaderOptions
    {
        Separator = dialect.ReaderSeparator,
        Quote = dialect.Quote,
        HasHeader = header,
        TrackLineNumbers = true,
        TrimWhitespace = dialect.TrimsBlanks,
        MalformedData = CsvMalformedDataHandling.Recover,
        OnMalformedRecord = record => RefuseQuotes(record, block.FirstLine - 1),
        FormatProvider = CultureInfo.InvariantCulture,
    });

    /// <summary>Goes to the next row; a line of blanks is none.</summary>
    public bool Next(CsvReader reader)
    {
        bool any = reader.Read();
        while (any && reader.FieldCount == 1 && Fields > 1 && reader.GetSpan(0).Trim(" \t"u8).IsEmpty)
            any = reader.Read();
        return any;
    }

    /// <summary>Reads the rows of a block into its columns.</summary>
    /// <param name="block">The block.</param>
    /// <param name="reader">At its first row.</param>
    /// <param name="used">The number of each column in the text.</param>
    /// <param name="first">Fields before the first column.</param>
    /// <exception cref="DistTrainerException">A row is wrong; the message names line and field.</exception>
    public void Read(CsvBlock block, CsvReader reader, int[] used, int first)
    {
        do
        {
            long line = block.FirstLine - 1 + reader.LineNumber;
            CheckFieldCount(reader, line, first);
            for (int i = 0; i < used.Length; i++)
            {
                if (!block.Columns[i].Add(reader.GetSpan(used[i] + first)))
                    throw DataError.Of(
                        $"{path}:{line}:{used[i] + first + 1}: the text is not UTF-8; save the file as CSV in UTF-8.");
            }
            block.Lines.Add(line);
        }
        while (Next(reader));
    }

    /// <summary>Reads the labels of a block; rows of other lengths are passed over.</summary>
    /// <param name="reader">At its first row.</param>
    /// <param name="field">The field of the label.</param>
    /// <param name="look">Told of each.</param>
    public void Look(CsvReader reader, int field, TargetLook look)
    {
        do
        {
            if (reader.FieldCount == Fields)
                look.Add(reader.GetSpan(field), dialect);
        }
        while (Next(reader));
    }

    private void CheckFieldCount(CsvReader reader, long line, int first)
    {
        if (reader.FieldCount == Fields && (!dialect.SeparatorEndsRows || reader.IsEmpty(Fields - 1)))
            return;
        if (dialect.SeparatorEndsRows && reader.FieldCount == Fields - 1)
            return;
        if (reader.FieldCount == Fields)
            throw DataError.Of(
                $"{path}:{line}:{Fields}: there is a value in the column without a name, which is empty in the rows "
                + "before; give it a name in the header, or take the value out.");
        throw DataError.Of(
            $"{path}:{line}:{Math.Min(reader.FieldCount, Fields) + 1}: the row has {reader.FieldCount} field(s), "
            + $"{(first > 0 ? "the rows before have" : "the first line has")} {Fields}; every row needs the same "
            + "number.");
    }

    /// <summary>
    /// A quote within a field is text, as other programs read it; not where a later one of the row may have swallowed
    /// lines.
    /// </summary>
    private void RefuseQuotes(CsvMalformedRecord record, long linesBefore)
    {
        if (record.Reason == CsvMalformedReason.StrayQuote && record.RawRecord.AsSpan().IndexOfAny('\n', '\r') < 0)
            return;
        string what = record.Reason switch
        {
            CsvMalformedReason.TextAfterClosingQuote => "text after the closing quote of a field",
            CsvMalformedReason.UnterminatedQuote => "a quote is never closed",
            _ => "a quote inside a field, in a row of several lines",
        };
        throw DataError.Of(
            $"{path}:{Math.Max(1, linesBefore + record.LineNumber)}: the text is not CSV ({what}); put fields with "
            + "quotes in quotes and double the quotes inside.");
    }
}
