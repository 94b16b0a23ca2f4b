using System.Globalization;
using System.Text;
using DistTrainer.Engine.Data;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>Tables as people write them are read right without settings, and what was found out is told.</summary>
public sealed class CsvDialectTests : IDisposable
{
    private const string Plain = "a,b,y\n1,2.5,0\n3,-4,1\n5,6,0\n";
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private DataParts Load(string text, Func<DataDescription, DataDescription>? change = null) =>
        _files.LoadCsv(text, DataTestFiles.Squared, change);

    public static TheoryData<string, string> Dialects => new()
    {
        { "a;b;y\n1;2,5;0\n3;-4;1\n5;6;0\n", "decimal comma" },
        { "a\tb\ty\n1\t2,5\t0\n3\t-4\t1\n5\t6\t0\n", "divided by tabs" },
        { "a|b|y\n1|2.5|0\n3|-4|1\n5|6|0\n", "divided by |" },
        { "  a   b  y\n  1 2.5\t0  \n 3  -4  1\n5 6 0\n", "divided by blanks" },
        { "sep=;\r\na;b;y\r\n1;2.5;0\r\n3;-4;1\r\n5;6;0\r\n", "divided by ;" },
        { "'a','b','y'\n'1','2.5','0'\n'3','-4','1'\n'5','6','0'\n", "fields stand in '" },
        { "\"a\" \"b\" \"y\"\n\"7\" 1 2.5 0\n\"x\"\"y \" 3 -4 1\n\"z\" 5 6 0\n", "the first field is the row's name" },
        { "a,b,y,\n1,2.5,0,\n3,-4,1,\n5,6,0,\n", "every row ends with a separator" },
        { "a,b,y\n1,2.5,0,\n3,-4,1,\n5,6,0,\n", "every row ends with a separator" },
        { "# made by a machine, 2026\n\n#\na,b,y\n1,2.5,0\n# half\n3,-4,1\n5,6,0\n", "text after # is left out" },
        { "# a b y\n1 2.5 0\n3 -4 1\n5 6 0\n", "line 1 names the columns after a #" },
        { "a,b,y\n1,2.5,0 # first, and well\n3,-4,1\n5,6,0\n", "text after # is left out" },
    };

    [Theory]
    [MemberData(nameof(Dialects))]
    public void A_dialect_is_found_and_told(string text, string note)
    {
        DataParts plain = Load(Plain), data = Load(text);
        Assert.Equal(plain.Hash, data.Hash);
        Assert.Equal(["a", "b"], data.Schema.FeatureNames);
        Assert.Contains(data.Notes, line => line.Contains(note, StringComparison.Ordinal));
        Assert.Empty(plain.Notes);
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("fa-IR")]
    public void The_culture_of_the_machine_decides_nothing(string culture)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        const string Text = "NAME;I;y\nTRUE;1.234,5;1\nFALSE;0,25;0\n";
        DataParts expected = Load(Text);
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            DataParts found = Load(Text);
            Assert.Equal(expected.Hash, found.Hash);
            Assert.Equal(expected.Notes, found.Notes);
            Assert.Equal([1f, 1234.5f, 0f, 0.25f], found.Train.Features);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("a,y\n\"1,234\",1\n\"22,345,678\",2\n950,3\n", new[] { 1234f, 22345678f, 950f })]
    [InlineData("a;y\n1.234,5;1\n22.345;2\n0,5;3\n", new[] { 1234.5f, 22345f, 0.5f })]
    [InlineData("a;y\n1.234.567;1\n22.345;2\n", new[] { 1234567f, 22345f })]
    [InlineData("a,y\n1 234,1\n22 345.5,2\n", new[] { 1234f, 22345.5f })]
    [InlineData("a;y\n1\u00A0234,5;1\n12\u202F345;2\n", new[] { 1234.5f, 12345f })]
    [InlineData("a,y\n1'234,1\n22\u2019345.5,2\n", new[] { 1234f, 22345.5f })]
    [InlineData("a;y\n1,234;1\n22,345;2\n", new[] { 1.234f, 22.345f })]
    [InlineData("a;b;y\n1,234;0.5;1\n22,345;1.5;2\n", new[] { 1234f, 0.5f, 22345f, 1.5f })]
    [InlineData("a\ty\n1,234\t1\n22,345\t2\n", new[] { 1234f, 22345f })]
    [InlineData("a,y\n1.234,1\n22.345,2\n", new[] { 1.234f, 22.345f })]
    public void Marks_between_thousands_are_told_from_decimal_ones(string text, float[] expected) =>
        Assert.Equal(expected, Load(text).Train.Features);

    [Fact]
    public void A_number_that_may_be_two_is_refused_with_both()
    {
        const string Text = "a,y\n\"1,5\",1\n\"2,345\",2\n";
        Assert.StartsWith("a.csv:2:1: column 'a': '1,5' has a decimal comma", _files.CsvError(
            Text, DataTestFiles.Squared), StringComparison.Ordinal);
        Assert.Equal([1.5f, 2.345f], Load(Text, d => d with { Decimal = ',' }).Train.Features);
        Assert.StartsWith("a.csv:2:1: column 'a': '2,345' may be 2345 or 2.345: set data.thousands", _files.CsvError(
            "a,y\n\"2,345\",1\n", DataTestFiles.Squared, d => d with { Thousands = '\0' }), StringComparison.Ordinal);
        Assert.Equal([2345f], Load("a,y\n\"2,345\",1\n", d => d with { Thousands = ',' }).Train.Features);
        Assert.StartsWith("a.csv:3:1: column 'a': '1,23,4' is not a number", _files.CsvError(
            "a,y\n\"1,234\",1\n\"1,23,4\",2\n", DataTestFiles.Squared, d => d with { Thousands = ',' }),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0,1,2\n0.5,7,1\n3,4,0\n", true)]
    [InlineData("0,1\n0.5,1.5\n2.5,0.0\n", true)]
    [InlineData("0,1\n5,1\n2,0\n", false)]
    [InlineData("0,1,2\n3,4,5\n6,7,8\n", false)]
    [InlineData("0,1,2\n1,2,0\n2,1,0\n", false)]
    [InlineData("0,1,2\n5,9,4\n0,1,2\n", false)]
    [InlineData("0,1,3\n0.5,7,1\n3,4,0\n", false)]
    [InlineData("0,1,2\n", false)]
    public void The_numbers_0_to_n_are_a_header_unless_they_may_be_a_sample(string text, bool header)
    {
        DataParts data = Load(text);
        Assert.Equal(text.Split('\n').Length - 1 - (header ? 1 : 0), data.Train.Count);
        Assert.StartsWith(header ? "line 1 counts the columns" : "line 1 has values", Assert.Single(data.Notes),
            StringComparison.Ordinal);
        Assert.Empty(Load(text + "7,7" + (text[3] == ',' ? ",7" : ""), d => d with { Header = false }).Notes);
    }

    [Fact]
    public void An_unnamed_index_before_numbered_columns_is_not_dropped_by_the_number_of_another() =>
        Assert.StartsWith("a.csv:1:1: the column has no name (an index that was written with the table?); name it in",
            _files.CsvError(",0,1,2\n0,0.5,7,1\n1,3,4,0\n", DataTestFiles.Squared, d => d with { Ignore = ["0"] }),
            StringComparison.Ordinal);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void UTF16_with_a_byte_order_mark_is_read(bool bigEndian)
    {
        var encoding = new UnicodeEncoding(bigEndian, byteOrderMark: true);
        string path = _files.Write("u.csv", [.. encoding.GetPreamble(), .. encoding.GetBytes("größe;y\n1;2\n3;4\n")]);
        DataParts data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(["größe"], data.Schema.FeatureNames);
        Assert.Equal("the text is UTF-16", data.Notes[0]);
        _files.Write("u.csv", [.. encoding.GetPreamble(), .. encoding.GetBytes("größe;y\n1;2\n3;4\n"), 0xD8, 0xD8]);
        Assert.Contains("is not UTF-16", DataTestFiles.Error(
            () => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_quote_within_a_field_is_text_and_one_that_stays_open_an_error()
    {
        DataParts data = Load("n,a,y\n5\" x 3,1,2\nx\"\"y,3,4\n", d => d with { Ignore = ["n"] });
        Assert.Equal([1f, 3f], data.Train.Features);
        Assert.StartsWith("a.csv:2: the text is not CSV (a quote inside a field, in a row of several lines)",
            _files.CsvError("n,a,y\n5\" x,\"1,2\nz,3,4\n", DataTestFiles.Squared, d => d with { Ignore = ["n"] }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Places_are_those_of_the_file_where_lines_and_fields_are_left_out()
    {
        Assert.StartsWith("a.csv:4:3: column 'b': 'x' is not a number", _files.CsvError(
            "# made\na b y\nr1 1 2 3\nr2 1 x 3\nr3 1 2 3\n", DataTestFiles.Squared), StringComparison.Ordinal);
        string rows = string.Concat(Enumerable.Repeat("1,2,3,\n", 40_000)); // more than is looked at
        Assert.StartsWith("a.csv:40002:4: there is a value in the column without a name", _files.CsvError(
            $"a,b,y,\n{rows}1,2,3,4\n", DataTestFiles.Squared), StringComparison.Ordinal);
    }

    [Fact]
    public void Blanks_around_names_and_values_do_not_count()
    {
        DataParts data = Load(" a , \"b\" ,y\n 1 , \"2.5\" , 0\n   \n3,-4,1\n5,6,0\n");
        Assert.Equal(["a", "b"], data.Schema.FeatureNames);
        Assert.Equal(Load(Plain).Hash, data.Hash);
    }

    [Fact]
    public void A_mark_that_is_part_of_the_data_begins_no_comment()
    {
        const string Text = "colour,a,y\n#ff0000,1,2\n#00ff00,3,4\nApt #5,5,6\n";
        DataParts data = Load(Text, d => d with { Ignore = ["colour"] });
        Assert.Equal([1f, 3f, 5f], data.Train.Features);
        Assert.Empty(data.Notes);
    }

    [Fact]
    public void What_is_said_of_the_text_is_believed()
    {
        Assert.Equal([1f, 3f], Load("a y\n1 2\n3 4\n", d => d with { Delimiter = ' ' }).Train.Features);
        Assert.Equal([1f], Load("a,y\n1,2\n%3,4\n", d => d with { Comment = '%' }).Train.Features);
        Assert.Equal([1f], Load("$a$,y\n$1$,2\n", d => d with { Quote = '$' }).Train.Features);
        DataTestFiles.Error(() => Load(Plain, d => d with { Decimal = ';' }), FailureKind.Configuration);
        DataTestFiles.Error(
            () => Load(Plain, d => d with { Thousands = '.', Decimal = '.' }), FailureKind.Configuration);
        DataTestFiles.Error(() => Load(Plain, d => d with { Comment = '5' }), FailureKind.Configuration);
        DataTestFiles.Error(() => Load(Plain, d => d with { Quote = ',' }), FailureKind.Configuration);
    }

    [Theory]
    [InlineData(';')]
    [InlineData('\t')]
    [InlineData('|')]
    public void Decimal_commas_between_other_separators_divide_nothing(char separator)
    {
        foreach (string header in new[] { "Betrag;Ort;Status\n", "Betrag, netto;Ort;Status\n", "" })
        {
            string text = (header + "12,50;Köln;offen\n99,95;Bonn;bezahlt\n3,00;Köln;offen\n").Replace(';', separator);
            DataParts data = _files.LoadCsv(text, DataTestFiles.CrossEntropy, d => d with
            {
                Columns = d.Columns with { LeastRows = 1 },
            });
            Assert.Equal(["bezahlt", "offen"], data.Schema.ClassNames);
            Assert.Equal(12.5, ((DataSet)data.Train).Features[0], 1e-6);
        }
    }
}
