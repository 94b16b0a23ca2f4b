using System.Globalization;
using System.IO.Compression;
using System.Text;
using DistTrainer.Engine.Data;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class CsvTests : IDisposable
{
    private const string Small = "a,b,y\n1,2.5,0\n3,-4e1,1\n5,6,0\n";
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Features_targets_and_names_are_read_in_the_order_of_the_file()
    {
        DataParts data = _files.LoadCsv(Small, DataTestFiles.CrossEntropy);
        Assert.Equal([1f, 2.5f, 3f, -40f, 5f, 6f], data.Train.Features);
        Assert.Equal([0f, 1f, 0f], data.Train.Targets);
        Assert.Equal(["a", "b"], data.Schema.FeatureNames);
        Assert.Equal(["y"], data.Schema.TargetNames);
        Assert.Equal(["0", "1"], data.Schema.ClassNames);
        Assert.Equal(2, data.Schema.Outputs);
    }

    [Theory]
    [InlineData("\uFEFFa,b,y\r\n1,2.5,0\r\n3,-4e1,1\r\n5,6,0")]
    [InlineData("\"a\",\"b\",\"y\"\n\"1\",2.5,0\n3,\"-4e1\",1\n5,6,\"0\"\n")]
    [InlineData("a,b,y\n\n1, 2.5 ,0\n3,-4e1,1\n\n5,6,0\n\n")]
    public void Byte_order_mark_line_ends_quotes_blanks_and_empty_lines_change_nothing(string text)
    {
        DataParts data = _files.LoadCsv(text, DataTestFiles.CrossEntropy);
        Assert.Equal([1f, 2.5f, 3f, -40f, 5f, 6f], data.Train.Features);
        Assert.Equal(["a", "b"], data.Schema.FeatureNames);
    }

    [Fact]
    public void Gzip_and_tab_separated_files_give_the_same_data()
    {
        string plain = _files.LoadCsv(Small, DataTestFiles.CrossEntropy).Hash;
        string packed = _files.Write("b.csv.gz", DataTestFiles.Gzip(Encoding.UTF8.GetBytes(Small)));
        string tabs = _files.Write("c.tsv", Small.Replace(',', '\t'));
        Assert.Equal(plain, DataLoader.Load(DataTestFiles.Whole(packed), DataTestFiles.CrossEntropy).Hash);
        Assert.Equal(plain, DataLoader.Load(DataTestFiles.Whole(tabs), DataTestFiles.CrossEntropy).Hash);
        Assert.Equal(
            plain, _files.LoadCsv(Small.Replace(',', ';'), DataTestFiles.CrossEntropy, d => d with { Delimiter = ';' })
            .Hash);
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("ar-SA")]
    public void The_culture_of_the_machine_changes_nothing(string culture)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        string expected = _files.LoadCsv(Small, DataTestFiles.CrossEntropy).Hash;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            Assert.Equal(expected, _files.LoadCsv(Small, DataTestFiles.CrossEntropy).Hash);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("1,2,0\n3,4,1\n", 2, "0")]
    [InlineData("5.1,3.5,setosa\n4.9,3.0,virginica\n", 2, "0")]
    [InlineData("a,b,y\n3,4,1\n1,2,0\n", 2, "a")]
    [InlineData("0,1,label\n3,4,1\n1,2,0\n", 2, "0")]
    public void A_header_is_recognized_by_looking(string text, int rows, string firstName)
    {
        DataParts data = _files.LoadCsv(text, DataTestFiles.CrossEntropy);
        Assert.Equal(rows, data.Train.Count);
        Assert.Equal(firstName, data.Schema.FeatureNames[0]);
    }

    [Fact]
    public void What_is_said_of_the_header_is_believed()
    {
        Assert.Equal(1, _files.LoadCsv("1,2\n3,4\n", DataTestFiles.Squared, d => d with { Header = true }).Train.Count);
        Assert.Equal(
            "a.csv:1:1: column '0': 'a' is not a number, as most values of the column are; correct it, add it to "
            + "data.missing if it marks a missing value, set data.columns for the column (category, ignore), or set "
            + "data.header = true if this line names the columns.",
            _files.CsvError("a,b\n3,4\n", DataTestFiles.Squared, d => d with { Header = false }));
    }

    [Theory]
    [InlineData("a,y\n1,2\n3\n", "a.csv:3:2: the row has 1 field(s), the first line has 2")]
    [InlineData("a,y\n1,2\n3,4,5\n", "a.csv:3:3: the row has 3 field(s), the first line has 2")]
    [InlineData(
        "a,y\n\"1,5\",2\n", "a.csv:2:1: column 'a': '1,5' has a decimal comma; write numbers with a point, as '1.5', "
        + "or set data.decimal")]
    [InlineData(
        "a,y\n1,2\n\n1e400,2\n", "a.csv:4:1: column 'a': '1e400' is too large; numbers up to 3.4e38 are allowed")]
    [InlineData("a,y\n1,2\n1e39,2\n", "a.csv:3:1: column 'a': '1e39' is too large")]
    [InlineData("a,y\n-Infinity,2\n", "a.csv:2:1: column 'a': '-Infinity' is not finite")]
    [InlineData("a,y\n,2\nNaN,3\n", "a.csv: no column is left to learn from: 'a' is left out (no training row has a value)")]
    [InlineData("a,y\n1,2\nx,2\n",
        "a.csv:3:1: column 'a': 'x' is not a number, as most values of the column are; correct it")]
    [InlineData("a,y\n1,2\n\"1\n2\",2\n", "a.csv:3:1: column 'a': '1\\u000a2' is not a number")]
    [InlineData("a,y\n\"1,2\n", "a.csv:2: the text is not CSV")]
    [InlineData("", "a.csv: the file is empty")]
    [InlineData("\n\n", "a.csv: the file is empty")]
    [InlineData("a,y\n", "a.csv: there is a header line but no row below it")]
    [InlineData("a,a,y\n1,2,3\n", "a.csv:1:2: the name 'a' was given to column 1 already")]
    [InlineData(",a,y\n0,1,2\n", "a.csv:1:1: the column has no name")]
    [InlineData("y\n1\n", "a.csv:1: no feature column is left of 1 column(s)")]
    public void What_is_wrong_is_named_with_file_line_and_column(string text, string message) =>
        Assert.StartsWith(
            message, _files.CsvError(text, DataTestFiles.Squared), StringComparison.Ordinal);

    [Fact]
    public void Another_delimiter_than_the_expected_one_is_noticed() =>
        Assert.Equal(
            "a.csv:2: there is only one column; the fields seem to be divided by ';': set data.delimiter to it.",
            _files.CsvError("a;y\n1;2\n", DataTestFiles.Squared, d => d with { Delimiter = ',' }));

    [Theory]
    [InlineData(new byte[] { (byte)'a', (byte)',', 0xE4, (byte)'\n', (byte)'1', (byte)',', (byte)'2', (byte)'\n' },
        ":1: the text is not UTF-8")]
    [InlineData(new byte[] { (byte)'a', (byte)',', (byte)'b', (byte)'\n', 0xFF, (byte)',', (byte)'2', (byte)'\n' },
        ":2:1: the text is not UTF-8")]
    public void Text_that_is_not_UTF8_is_refused(byte[] text, string message)
    {
        string path = _files.Write("a.csv", text);
        Assert.StartsWith(
            path + message,
            DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_target_column_is_refused_with_the_nearest_name() =>
        Assert.Equal("a.csv:1: data.targets names a column 'prize' that is not there; did you mean 'price'?",
            _files.CsvError("size,price\n1,2\n", DataTestFiles.Squared, d => d with { Targets = ["prize"] }));

    [Fact]
    public void Targets_and_ignored_columns_are_found_by_name_and_by_number()
    {
        const string Text = "id,t,a,b\nx1,1,2,3\nx2,4,5,6\n";
        DataParts byName = _files.LoadCsv(Text, DataTestFiles.Squared, d => d with
        {
            Targets = ["t"],
            Ignore = ["id"],
        });
        DataParts byNumber = _files.LoadCsv(Text, DataTestFiles.Squared, d => d with
        {
            Targets = ["1"],
            Ignore = ["0"],
        });
        Assert.Equal([2f, 3f, 5f, 6f], byName.Train.Features);
        Assert.Equal([1f, 4f], byName.Train.Targets);
        Assert.Equal(byName.Hash, byNumber.Hash);
        Assert.StartsWith("a.csv:1: data.targets names column 4, but the columns are 0 to 3",
            _files.CsvError(Text, DataTestFiles.Squared, d => d with { Targets = ["4"] }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_cannot_be_target_and_ignored_or_target_twice()
    {
        DataDescription description = DataTestFiles.Whole(_files.Write("a.csv", Small));
        Assert.Contains(
            "is a target too",
            DataTestFiles.Error(() => DataLoader.Load(description with { Targets = ["y"], Ignore = ["y"] },
            DataTestFiles.Squared), FailureKind.Configuration), StringComparison.Ordinal);
        Assert.Contains(
            "named twice",
            DataTestFiles.Error(() => DataLoader.Load(description with { Targets = ["y", "2"] }, DataTestFiles.Squared),
            FailureKind.Configuration), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData('5')]
    [InlineData('"')]
    [InlineData('.')]
    [InlineData('é')]
    public void A_delimiter_that_can_be_part_of_a_number_or_quote_is_refused(char delimiter) =>
        DataTestFiles.Error(
            () => DataLoader.Load(DataTestFiles.Whole(_files.Write("a.csv", Small)) with { Delimiter = delimiter },
            DataTestFiles.Squared), FailureKind.Configuration);

    [Fact]
    public void A_cut_off_gzip_is_refused()
    {
        byte[] packed = DataTestFiles.Gzip(
            Encoding.UTF8.GetBytes(
                "a,y\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i},{i * 7919 % 1013}\n"))));
        foreach (int length in (int[])[packed.Length - 1, packed.Length - 8, packed.Length / 2, 12])
        {
            string path = _files.Write("a.csv.gz", packed[..length]);
            string error = DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared));
            Assert.StartsWith($"{path}: the file is damaged or cut off", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_gzip_that_was_made_to_fill_the_memory_is_refused_with_the_bound()
    {
        string path = _files.PathOf("bomb.csv.gz");
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.SmallestSize))
        {
            gzip.Write("a,y\n"u8);
            byte[] lines = [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)"1,2\n"[i % 4])];
            for (int i = 0; i < 80; i++)
                gzip.Write(lines);
        }
        string error = DataTestFiles.Error(() => CsvTableReader.Read(path, new ReadRequest()));
        Assert.StartsWith(
            $"{path}: {new FileInfo(path).Length} packed bytes unpack to more than 67108864 (200 times as many; up to "
            + "64 MiB are always allowed)", error, StringComparison.Ordinal);
        Assert.EndsWith("if it is meant, unpack it (gunzip) and give the file.", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_without_end_is_refused_with_the_bound()
    {
        string path = _files.Write("line.csv", "");
        using (FileStream file = File.OpenWrite(path))
        {
            for (int i = 0; i < 70; i++)
                file.Write(Enumerable.Repeat((byte)'1', 1 << 20).ToArray());
        }
        Assert.Contains("line.csv:1: a row of more than 67108864 bytes",
            DataTestFiles.Error(() => CsvTableReader.Read(path, new ReadRequest())), StringComparison.Ordinal);
    }

    [Fact]
    public void Each_row_s_line_is_known_where_lines_are_blank_or_rows_have_several()
    {
        const string Text = "a,y\n1,x\n\n2,\"x\nx\"\n3,x\n\n\n4,x\n5,x\n";
        RawData raw = CsvTableReader.Read(_files.Write("lines.csv", Text), new ReadRequest { TextTargets = true });
        Assert.Equal(raw.Count, Enumerable.Range(0, raw.Count).Select(raw.RowPlace).Distinct().Count());
        Assert.Equal(
            ["2", "4", "6", "9", "10"], Enumerable.Range(0, raw.Count).Select(row => raw.RowPlace(row).Split(':')[^1]));
    }

    [Fact]
    public void A_file_that_is_not_there_is_named() =>
        Assert.Equal(
            "data.source = 'digit': there is no such file, and no data set of that name: did you mean 'digits'?",
            DataTestFiles.Error(
                () => DataLoader.Load(new DataDescription { Source = "digit" }, DataTestFiles.CrossEntropy)));

    [Theory]
    [InlineData(3, 200_000)]
    [InlineData(2000, 1_500_000)]
    public void A_small_file_takes_little_memory_and_many_columns_in_proportion(int columns, long most)
    {
        string path = _files.Write(
            "small.csv", $"{string.Join(
                ',', Enumerable.Range(0, columns).Select(column => $"c{column}"))}\n{string.Join(',', Enumerable.Repeat(1, columns))}\n");
        CsvTableReader.Read(path, new ReadRequest());
        long before = GC.GetAllocatedBytesForCurrentThread();
        CsvTableReader.Read(path, new ReadRequest());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
    }
}
