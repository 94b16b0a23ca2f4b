using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using Parquet;
using Parquet.Schema;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class ParquetTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>Two row groups of two rows: a double, a nullable int, a bool, a nullable text, a long.</summary>
    private async Task<string> WriteAsync(int? secondInt = -5, string? lastText = "dog")
    {
        DataField a = new DataField<double>("a"), b = new DataField<int?>("b"), c = new DataField<bool>("c"),
            text = new("kind", typeof(string), isNullable: true), n = new DataField<long>("n");
        string path = _files.PathOf("a.parquet");
        await using FileStream stream = File.Create(path);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(a, b, c, text, n), stream);
        for (int group = 0; group < 2; group++)
        {
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            await rows.WriteAsync<double>(a, new double[] { 1.5 + group, 2.5 });
            await rows.WriteAsync<int>(b, new int?[] { 4, secondInt });
            await rows.WriteAsync<bool>(c, new[] { true, false });
            await rows.WriteAsync(text, new[] { "cat", lastText! });
            await rows.WriteAsync<long>(n, new long[] { 10, 20 });
        }
        return path;
    }

    [Fact]
    public async Task Numbers_booleans_and_text_classes_are_read_from_all_row_groups()
    {
        DataDescription description = DataTestFiles.Whole(await WriteAsync()) with
        {
            Targets = ["kind"],
            Ignore = ["n"],
        };
        DataParts data = DataLoader.Load(description, DataTestFiles.CrossEntropy);
        Assert.Equal([1.5f, 4f, 1f, 2.5f, -5f, 0f, 2.5f, 4f, 1f, 2.5f, -5f, 0f], data.Train.Features);
        Assert.Equal([0f, 1f, 0f, 1f], data.Train.Targets);
        Assert.Equal(["cat", "dog"], data.Schema.ClassNames);
        Assert.Equal(["a", "b", "c"], data.Schema.FeatureNames);
        Assert.Equal(data.Train.Features, DataLoader.LoadForPrediction(description, data.Schema).Features);
    }

    [Fact]
    public async Task Integers_can_be_classes()
    {
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(await WriteAsync()) with { Ignore = ["kind"] }, DataTestFiles.CrossEntropy);
        Assert.Equal(["10", "20"], data.Schema.ClassNames);
    }

    [Fact]
    public async Task Missing_values_and_text_are_gaps_and_categories()
    {
        string path = await WriteAsync(secondInt: null);
        DataParts data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(2, data.Columns.Single(column => column.Name == "b").Missing);
        Assert.Equal(ColumnKind.Category, data.Columns.Single(column => column.Name == "kind").Kind);
        await WriteAsync(lastText: null);
        data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(2, data.Columns.Single(column => column.Name == "kind").Missing);
    }

    [Fact]
    public async Task A_cut_off_or_foreign_file_is_refused()
    {
        byte[] whole = await File.ReadAllBytesAsync(await WriteAsync());
        foreach (byte[] content in (byte[][])[[], [1, 2, 3], whole[..(whole.Length / 2)], whole[..^1], whole[20..]])
        {
            string path = _files.Write("b.parquet", content);
            Assert.StartsWith(
                path, DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared)),
                StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// Every bit of the end, where damage keeps the library busy without end (hence the time limit), and every 13th
    /// before.
    /// </summary>
    [Fact]
    public async Task A_file_with_one_bit_flipped_gives_data_or_one_clear_error_soon()
    {
        byte[] file = await File.ReadAllBytesAsync(await WriteAsync());
        string path = _files.PathOf("flipped.parquet");
        int end = 8 * (file.Length - 16);
        for (int bit = 0; bit < 8 * file.Length; bit += bit < end ? 13 : 1)
        {
            byte[] flipped = [.. file];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(path, flipped);
            Exception? error = await Record.ExceptionAsync(
                () => Task.Run(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared))
                .WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.True(error is null or DistTrainerException { Kind: FailureKind.Data }, $"bit {bit}: {error}");
        }
    }
}
