using System.Diagnostics;
using DistTrainer.Engine.Data;
using ParquetSharp;
using Xunit;
using Encoding = System.Text.Encoding;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>Folders of part files, and pipes.</summary>
public sealed class PartsFolderTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public PartsFolderTests() => Directory.CreateDirectory(Table);

    private string Table => _files.PathOf("table");

    public void Dispose() => _files.Dispose();

    private string Part(string name, string content) => _files.Write($"table/{name}", content);

    private string Error(Func<DataDescription, DataDescription>? change = null)
    {
        DataDescription description = DataTestFiles.Whole(Table);
        return DataTestFiles.Error(
            () => DataLoader.Load(change?.Invoke(description) ?? description, DataTestFiles.Squared));
    }

    private void ParquetPart(string name, double[] a, string[] kinds)
    {
        using var writer = new ParquetFileWriter(
            _files.PathOf($"table/{name}"), [new Column<double>("a"), new Column<string>("kind")]);
        if (a.Length > 0)
        {
            using RowGroupWriter rows = writer.AppendRowGroup();
            using (LogicalColumnWriter<double> numbers = rows.NextColumn().LogicalWriter<double>())
                numbers.WriteBatch(a);
            using LogicalColumnWriter<string> texts = rows.NextColumn().LogicalWriter<string>();
            texts.WriteBatch(kinds);
        }
        writer.Close();
    }

    [Fact]
    public void Parts_of_csv_are_one_table_in_the_order_of_their_names()
    {
        Part("part-00010.csv", "a,y\n5,50\n");
        _files.Write("table/part-00002.csv.gz", DataTestFiles.Gzip("a,y\n3,30\n4,40\n"u8.ToArray()));
        Part("part-00001.csv", "a,y\n1,10\n2,20\n");
        Part("part-00003.csv", "");
        Part("part-00004.csv", "a,y\n");
        Part("_SUCCESS", "");
        Part("_started_7", "x");
        Part(".part-00001.csv.crc", "x");
        Part("part-00001.csv.crc", "x");
        DataParts data = DataLoader.Load(DataTestFiles.Whole(Table), DataTestFiles.Squared);
        Assert.Equal([1f, 2f, 3f, 4f, 5f], data.Train.Features);
        Assert.Equal([10f, 20f, 30f, 40f, 50f], data.Train.Targets);
        Assert.Equal(["a"], data.Schema.FeatureNames);
        string whole = _files.Write("whole.csv", "a,y\n1,10\n2,20\n3,30\n4,40\n5,50\n");
        Assert.Equal(DataLoader.Load(DataTestFiles.Whole(whole), DataTestFiles.Squared).Hash, data.Hash);
        Assert.Equal(5, DataLoader.LoadLabelled(DataTestFiles.Whole(Table + "/"), data.Schema).Count);
        Assert.Equal(5, DataLoader.LoadForPrediction(DataTestFiles.Whole(Table), data.Schema).Count);
        DataDescription tested = DataTestFiles.Whole(whole) with { TestSource = Table };
        Assert.Equal(5, DataLoader.Load(tested, DataTestFiles.Squared).Test.Count);
    }

    [Fact]
    public void Parts_of_parquet_are_one_table_and_those_without_rows_are_left_out()
    {
        ParquetPart("part-00000-c000.snappy.parquet", [], []);
        ParquetPart("part-00001-c000.snappy.parquet", [1.5, 2.5], ["cat", "dog"]);
        ParquetPart("part-00002-c000.snappy.parquet", [3.5], ["cat"]);
        DataParts data = DataLoader.Load(DataTestFiles.Whole(Table), DataTestFiles.CrossEntropy);
        Assert.Equal([1.5f, 2.5f, 3.5f], data.Train.Features);
        Assert.Equal([0f, 1f, 0f], data.Train.Targets);
    }

    [Fact]
    public void Parts_without_endings_are_read_as_what_the_format_says()
    {
        Part("part-00000", "1,2\n");
        Part("part-00001", "3,4\n");
        DataDescription description = DataTestFiles.Whole(Table) with { Format = DataFormat.Csv };
        Assert.Equal([1f, 3f], DataLoader.Load(description, DataTestFiles.Squared).Train.Features);
        Assert.Contains("neither train-images-idx3-ubyte(.gz) and train-labels-idx1-ubyte(.gz) nor parts of a table",
            Error(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_in_a_part_names_the_part_and_its_line()
    {
        Part("a.csv", "a,y\n1,10\n");
        string wrong = Part("b.csv", "a,y\n1,10\n2,x\n");
        Assert.StartsWith($"{wrong}:3:2: column 'y': 'x' is not a number", Error(), StringComparison.Ordinal);
        Part("a.csv", "a,y\n1,1\n");
        Part("b.csv", "a,y\n1,0\n2,7\n");
        Assert.StartsWith(
            $"{wrong}:3:2: the target 7 is neither 0 nor 1",
            DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(Table), DataTestFiles.Binary)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a,z\n1,2\n", "has 'z' where", "has 'y' (2 and 2 columns are used)")]
    [InlineData("a,b,y\n1,2,3\n", "has 'b' where", "has 'y' (3 and 2 columns are used)")]
    [InlineData("y\n1\n", "no feature column is left", "")]
    [InlineData("1,2\n", "has '0' where", "has 'a'")]
    public void Parts_with_other_columns_are_refused(string content, string one, string other)
    {
        string first = Part("a.csv", "a,y\n1,10\n"), second = Part("b.csv", content);
        string error = Error();
        Assert.StartsWith(second, error, StringComparison.Ordinal);
        Assert.Contains(one, error, StringComparison.Ordinal);
        Assert.Contains(other.Length > 0 ? $"{first} {other}" : "", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_that_are_no_table_are_refused_with_what_is_wrong()
    {
        string start = $"data.source = {DataError.Quote(Table)}";
        Assert.Equal(
            $"{start}: the folder has neither train-images-idx3-ubyte(.gz) and train-labels-idx1-ubyte(.gz) nor parts "
            + "of a table (.csv, .csv.gz, .tsv or .parquet); give such a folder, or a file.", Error());
        Part("a.csv", "a,y\n1,10\n");
        Part("notes.txt", "x");
        Assert.StartsWith(
            $"{start}: 'notes.txt' is not a part of the same format as 'a.csv'", Error(), StringComparison.Ordinal);
        File.Delete(_files.PathOf("table/notes.txt"));
        Part("b.parquet", "x");
        Assert.StartsWith(
            $"{start}: 'b.parquet' is not a part of the same format as 'a.csv'", Error(), StringComparison.Ordinal);
        Assert.StartsWith($"{start} is a folder; give a file of format Npy.",
            Error(description => description with { Format = DataFormat.Npy }), StringComparison.Ordinal);
        Assert.StartsWith($"{start}: the folder has no train-images-idx3-ubyte",
            Error(description => description with { Format = DataFormat.Idx }), StringComparison.Ordinal);
        Directory.CreateDirectory(_files.PathOf("table/inner"));
        Assert.StartsWith($"{start}: there is a folder 'inner' in it", Error(), StringComparison.Ordinal);
        Directory.CreateDirectory(_files.PathOf("table/country=DE"));
        Assert.StartsWith($"{start}: the folder is divided by the values of a column ('country=DE'; Hive",
            Error(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_whose_parts_have_no_row_is_refused()
    {
        Part("a.csv", "a,y\n");
        Assert.EndsWith(
            "a.csv: there is a header line but no row below it; give a file with at least one row.", Error(),
            StringComparison.Ordinal);
    }

    private string Pipe(byte[] content)
    {
        string path = _files.PathOf($"pipe-{Guid.NewGuid():N}");
        using (Process made = Process.Start("mkfifo", [path]))
            made.WaitForExit();
        _ = Task.Run(() => File.WriteAllBytes(path, content));
        return path;
    }

    [Fact]
    public void The_format_of_a_pipe_is_told_by_its_first_bytes()
    {
        byte[] csv = Encoding.UTF8.GetBytes("a,kind\n1.5,cat\n2.5,dog\n");
        ParquetPart("a.parquet", [1.5, 2.5], ["cat", "dog"]);
        byte[] npz = File.ReadAllBytes(_files.Npz("a.npz",
            ("x.npy", DataTestFiles.Npy("<f4", "2,", DataTestFiles.Bytes(1.5f, 2.5f))),
            ("y.npy", DataTestFiles.Npy("|S3", "2,", "catdog"u8.ToArray()))));
        foreach (byte[] content in (byte[][])[csv, DataTestFiles.Gzip(csv),
            File.ReadAllBytes(_files.PathOf("table/a.parquet")), npz])
        {
            DataParts data = DataLoader.Load(DataTestFiles.Whole(Pipe(content)), DataTestFiles.CrossEntropy);
            Assert.Equal([1.5f, 2.5f], data.Train.Features);
            Assert.Equal(["cat", "dog"], data.Schema.ClassNames);
        }
    }

    [Fact]
    public void A_pipe_is_refused_where_several_processes_would_read_it()
    {
        string pipe = Pipe([]);
        Assert.Equal(
            $"data.test-source = {DataError.Quote(pipe)}: is a pipe, a device or empty, and each node of a cluster "
            + "reads its data for itself; save the data as a file that every node can read, and give that.",
            DataTestFiles.Error(() => SourceFiles.RefusePipes(new DataDescription { TestSource = pipe })));
        File.ReadAllBytes(pipe); // lets the writer go
        SourceFiles.RefusePipes(DataTestFiles.Whole(Part("a.csv", "a,y\n1,2\n")));
        SourceFiles.RefusePipes(DataTestFiles.Whole(Table));
    }
}
