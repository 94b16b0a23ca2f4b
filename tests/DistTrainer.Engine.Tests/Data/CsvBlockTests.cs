using System.Globalization;
using System.Text;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>A text is read in blocks by several threads: nothing of what comes out may depend on that.</summary>
[Collection(nameof(TestsAlone))]
public sealed class CsvBlockTests : IDisposable
{
    private const int Small = 64;
    private const int Whole = 1 << 20;
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private static CsvText TextOf(string text, int block, int threads) =>
        new("a.csv", () => new MemoryStream(Encoding.UTF8.GetBytes(text))) { BlockBytes = block, Threads = threads };

    private static RawTable Read(string text, int block, int threads, ReadRequest? request = null) =>
        CsvTableReader.Read(TextOf(text, block, threads), request ?? new ReadRequest { TextTargets = true });

    /// <summary>The first block has 64 KiB: what is looked at stands behind it.</summary>
    private static string Long(string rows, string line = "1,a,2\n") =>
        "x,t,y\n" + string.Concat(Enumerable.Repeat(line, (1 << 16) / line.Length)) + rows;

    private static void Same(RawTable one, RawTable other)
    {
        Assert.Equal(one.Count, other.Count);
        for (int row = 0; row < one.Count; row++)
            Assert.Equal(one.RowPlace(row), other.RowPlace(row));
        for (int i = 0; i < one.Columns.Count; i++)
        {
            Assert.Equal(one.Columns[i].GetType(), other.Columns[i].GetType());
            for (int row = 0; row < one.Count; row++)
                Assert.Equal(one.Columns[i].TextOf(row), other.Columns[i].TextOf(row));
        }
        Assert.Equal(one.Targets[0].Texts, other.Targets[0].Texts);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void Any_blocks_and_threads_give_the_same_table(string lineBreak)
    {
        var random = new Random(1);
        var text = new StringBuilder("x,t,d,y\n");
        for (int row = 0; row < 6000; row++)
        {
            string x = row % 97 == 0 ? "" : (random.NextDouble() * 1e6).ToString("R", CultureInfo.InvariantCulture);
            string t = row % 13 == 0 ? $"\"a \"\"{row % 7}\"\", b\n{row % 5}\"" : $"w{row % 11}";
            text.Append(CultureInfo.InvariantCulture, $"{x},{t},2024-01-{1 + (row % 28):00},c{row % 3}\n");
            if (row % 501 == 0)
                text.Append('\n');
        }
        string all = text.ToString().TrimEnd('\n').Replace("\n", lineBreak, StringComparison.Ordinal);
        RawTable expected = Read(all, Whole, 1);
        Assert.Equal(6000, expected.Count);
        foreach (int block in (int[])[Small, 1000, 1 << 14])
        {
            foreach (int threads in (int[])[1, 3])
                Same(expected, Read(all, block, threads));
        }
    }

    [Fact]
    public void What_a_column_is_is_decided_by_its_first_value_in_whichever_block()
    {
        string gaps = Long("", "1,,2\n");
        Same(Read(gaps + "1,7,2\n1,8,2\n", Whole, 1), Read(gaps + "1,7,2\n1,8,2\n", Small, 2));
        RawTable texts = Read(gaps + "1,word,2\n" + Long("", "1,5,2\n")[6..], Small, 2,
            new ReadRequest { Forms = new Dictionary<string, ColumnForm> { ["t"] = ColumnForm.Text } });
        Assert.IsType<TextColumn>(texts.Columns[1]);
        Assert.Contains("'word' is not a number", DataTestFiles.Error(
            () => Read(gaps + "1,7,2\n1,word,2\n1,8,2\n", Small, 2)), StringComparison.Ordinal);
        string codes = Long("", "1,5,2\n") + "1,02134,2\n";
        Same(Read(codes, Whole, 1), Read(codes, Small, 2));
        Assert.Equal("02134", Read(codes, Small, 2).Columns[1].TextOf(Read(codes, Small, 2).Count - 1));
    }

    [Theory]
    [InlineData("1,a\n1,\"a\" b,2\n", ": the row has 2 field(s)")]
    [InlineData("1,\"a\" b,2\n1,a\n", ": the text is not CSV (text after the closing quote of a field)")]
    [InlineData("1,a,2\n1,\"a\n2,b,3\n", ": the text is not CSV (a quote is never closed)")]
    public void The_first_error_of_the_file_is_reported_whichever_block_is_read_first(string rows, string message)
    {
        string text = Long(rows + string.Concat(Enumerable.Repeat("1,a,2\n", 50)) + "1,a,2,3\n");
        string expected = DataTestFiles.Error(() => Read(text, Whole, 1));
        Assert.Contains(message[(message.IndexOf(' ', StringComparison.Ordinal) + 1)..], expected,
            StringComparison.Ordinal);
        foreach (int block in (int[])[Small, 100, 300])
            Assert.Equal(expected, DataTestFiles.Error(() => Read(text, block, 2)));
    }

    [Fact]
    public void Numbers_are_read_exactly_as_the_runtime_reads_them()
    {
        var random = new Random(2);
        string[] texts = ["0", "-0", "-0.0", ".5", "5.", "-.5", "123456789012345", "0.000000000000001",
            "1234567890123456", "0.1234567890123456", "00012.50", .. Enumerable.Range(0, 5000).Select(i =>
                (random.NextDouble() * Math.Pow(10, (i % 12) - 4)).ToString($"F{i % 16}", CultureInfo.InvariantCulture))];
        foreach (string text in texts)
        {
            double expected = double.Parse(text, CultureInfo.InvariantCulture);
            Assert.True(CsvNumber.TryParse(Encoding.UTF8.GetBytes(text), '.', '\0', out double value));
            Assert.Equal(BitConverter.DoubleToInt64Bits(expected), BitConverter.DoubleToInt64Bits(value));
        }
        foreach (string text in (string[])["", "-", ".", "-.", "1.2.3", "1-2", "+-1"])
            Assert.False(CsvNumber.TryParse(Encoding.UTF8.GetBytes(text), '.', '\0', out _));
    }

    [Fact]
    public void Sorting_by_bits_gives_what_sorting_gives()
    {
        var random = new Random(3);
        double[] values = [.. Enumerable.Range(0, 20_000).Select(i => i % 50 == 0 ? random.NextDouble()
            : (double)(float)((random.NextDouble() - 0.5) * Math.Pow(10, i % 9)))];
        double[] expected = [.. values.Order()];
        NumberSort.Sort(values);
        Assert.Equal(expected, values);
    }

    [Fact]
    public void Rows_in_blocks_are_what_the_whole_file_is_and_so_are_the_notes()
    {
        string rows = string.Concat(Enumerable.Range(0, 9000).Select(i => string.Create(CultureInfo.InvariantCulture,
            $"{i % 311}.25,{(i % 1000 == 999 ? $"new{i % 7}" : $"w{i % 5}")},{i % 2}\n")));
        DataParts data = _files.LoadCsv(
            "x,t,y\n" + string.Concat(Enumerable.Range(0, 500).Select(i => $"{i},w{i % 5},{i % 2}\n")),
            DataTestFiles.CrossEntropy);
        DataDescription description = DataTestFiles.Whole(_files.Write("b.csv", "x,t,y\n" + rows));
        PredictionRows whole = DataLoader.LoadForPrediction(description, data.Schema);
        RowBlocks<PredictionRows> blocks = DataLoader.StreamForPrediction(description, data.Schema);
        PredictionRows[] parts = [.. blocks.Select(block => block)];
        Assert.True(parts.Length > 1);
        Assert.Equal(whole.Features, parts.SelectMany(part => part.Features));
        Assert.Equal(whole.Notes, blocks.Notes);
        Assert.Single(blocks.Notes);
        string bad = _files.Write("c.csv", $"x,t,y\n{rows}oops,w1,1\n");
        Assert.Equal(
            DataTestFiles.Error(() => DataLoader.LoadForPrediction(DataTestFiles.Whole(bad), data.Schema)),
            DataTestFiles.Error(() => Assert.NotEmpty(DataLoader.StreamForPrediction(
                DataTestFiles.Whole(bad), data.Schema).Select(block => block.Count).ToArray())));
    }

    [Theory]
    [InlineData("cross-entropy", "yes", "no")]
    [InlineData("binary-cross-entropy", "yes", "no")]
    [InlineData("mean-squared-error", "-1.5", "2e3")]
    public void Figures_of_samples_in_blocks_are_the_bits_of_those_of_the_whole_file(
        string kind, string first, string second)
    {
        string rows = string.Concat(Enumerable.Range(0, 90_000).Select(i => string.Create(CultureInfo.InvariantCulture,
            $"{i % 311}.25,w{i % 5},{(i % 100 == 99 ? "?" : i % 3 == 0 ? first : second)}\n")));
        var loss = new LossDescription { Kind = kind };
        DataParts data = _files.LoadCsv(
            "x,t,y\n" + string.Concat(Enumerable.Range(0, 500).Select(
                i => $"{i},w{i % 5},{(i % 2 == 0 ? first : second)}\n")),
            loss);
        DataDescription description = DataTestFiles.Whole(_files.Write("b.csv", "x,t,y\n" + rows));
        DataSet whole = DataLoader.LoadLabelled(description, data.Schema);
        RowBlocks<DataSet> blocks = DataLoader.StreamLabelled(description, data.Schema);
        var network = new ModelDescription
        {
            Layers = [new LayerDescription { Units = 7 }, new LayerDescription()],
            Loss = loss,
        };
        Network model = Network.Create(network, data.Schema.FeatureNames.Count, data.Schema.Outputs);
        float[] parameters = model.InitialParameters(1);
        using PartEvaluation expected = new(model, parameters, data.Schema),
            actual = new(model, parameters, data.Schema);
        expected.Add(whole);
        int parts = 0;
        actual.Add(blocks.Select(block => block), _ => parts++);
        Assert.True(parts > 1);
        Assert.Equal(89_100, actual.Sums.Count);
        Assert.Equal(expected.Sums, actual.Sums);
        Assert.Equal(expected.Targets(), actual.Targets());
        Assert.Equal(expected.Quality()!.Summary(), actual.Quality()!.Summary());
        Assert.Equal(["900 of 90000 rows have no 'y' and are left out"], blocks.Notes);
        Assert.Equal(whole.Notes, blocks.Notes);
    }

    [Fact]
    public void Reading_blocks_takes_constant_memory()
    {
        string path = _files.PathOf("long.csv");
        using (StreamWriter writer = File.CreateText(path))
        {
            writer.Write("a,b,y\n");
            for (int i = 0; i < 3_000_000; i++)
                writer.Write("0.125,0.25,1\n");
        }
        DataParts data = _files.LoadCsv("a,b,y\n0.125,0.5,0\n0.5,0.25,1\n", DataTestFiles.CrossEntropy);
        long rows = 0, most = 0;
        foreach (int count in DataLoader.StreamForPrediction(DataTestFiles.Whole(path), data.Schema)
            .Select(block => block.Count))
        {
            rows += count;
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: rows % 16 == 0));
        }
        Assert.Equal(3_000_000, rows);
        Assert.InRange(most, 0, 256L << 20);
    }
}
