using System.Globalization;
using System.Runtime.InteropServices;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using ParquetSharp;
using ParquetSharp.Schema;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class ParquetTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>Two row groups of two rows: a double, a nullable int, a bool, a nullable text, a long.</summary>
    private string Write(int? secondInt = -5, string? lastText = "dog")
    {
        Column[] columns =
        [
            new Column<double>("a"), new Column<int?>("b"), new Column<bool>("c"), new Column<string>("kind"),
            new Column<long>("n"),
        ];
        string path = _files.PathOf("a.parquet");
        using var writer = new ParquetFileWriter(path, columns);
        for (int group = 0; group < 2; group++)
        {
            using RowGroupWriter rows = writer.AppendRowGroup();
            Next<double>(rows, 1.5 + group, 2.5);
            Next<int?>(rows, 4, secondInt);
            Next(rows, true, false);
            Next<string?>(rows, "cat", lastText);
            Next<long>(rows, 10, 20);
        }
        writer.Close();
        return path;
    }

    private static void Next<T>(RowGroupWriter rows, params T[] values)
    {
        using LogicalColumnWriter<T> column = rows.NextColumn().LogicalWriter<T>();
        column.WriteBatch(values);
    }

    /// <summary>A file of a column x and a column y of numbers 0, 1, ….</summary>
    private string WriteOne<T>(T[] values, LogicalType? type = null, Dictionary<string, string>? metadata = null)
    {
        string path = _files.PathOf("one.parquet");
        Column[] columns = [new Column<T>("x", type), new Column<int>("y")];
        using var writer = new ParquetFileWriter(path, columns, keyValueMetadata: metadata);
        using (RowGroupWriter rows = writer.AppendRowGroup())
        {
            Next(rows, values);
            Next<int>(rows, [.. Enumerable.Range(0, values.Length)]);
        }
        writer.Close();
        return path;
    }

    /// <summary>The same, of values as the file has them: of a type that the writer's own types do not have.</summary>
    private string WriteRaw<T>(PhysicalType stored, LogicalType type, int length, params T[] values)
        where T : unmanaged
    {
        string path = _files.PathOf("raw.parquet");
        using var x = new PrimitiveNode("x", Repetition.Required, type, stored, length);
        using var y = new PrimitiveNode("y", Repetition.Required, LogicalType.None(), PhysicalType.Int32);
        using var schema = new GroupNode("schema", Repetition.Required, [x, y]);
        using var builder = new WriterPropertiesBuilder();
        using WriterProperties properties = builder.Build();
        using var writer = new ParquetFileWriter(path, schema, properties);
        using (RowGroupWriter rows = writer.AppendRowGroup())
        {
            using (var column = (ColumnWriter<T>)rows.NextColumn())
                column.WriteBatch(values);
            using var numbers = (ColumnWriter<int>)rows.NextColumn();
            numbers.WriteBatch([.. Enumerable.Range(0, values.Length)]);
        }
        writer.Close();
        return path;
    }

    private static RawColumn ColumnX(string path, ReadRequest? request = null) =>
        ParquetTableReader.Read(path, request ?? new ReadRequest()).Columns.Single(column => column.Name == "x");

    private static IReadOnlyList<string?> Texts(RawColumn column) =>
        [.. Enumerable.Range(0, column.Count).Select(column.TextOf)];

    private static double[] Numbers(RawColumn column) =>
        [.. Enumerable.Range(0, column.Count).Select(row => ((NumberColumn)column)[row])];

    private static readonly DateTime s_start = new(1999, 12, 31, 23, 59, 58, DateTimeKind.Utc);

    private static T? Every<T>(int row, T value)
        where T : struct => row % 7 == 3 ? null : value;

    private static Column[] MatrixColumns() =>
    [
        new Column<bool>("b"), new Column<bool?>("B"), new Column<int>("i"), new Column<long?>("l"),
        new Column<float>("f"), new Column<double?>("d"), new Column<Half>("h"), new Column<ulong>("u"),
        new Column<sbyte>("s"), new Column<decimal>("m", LogicalType.Decimal(20, 3)), new Column<string>("t"),
        new Column<string>("k"), new Column<Date>("D"), new Column<DateTime?>(
            "T", LogicalType.Timestamp(true, TimeUnit.Micros)), new Column<uint>("y"),
    ];

    private static void WriteMatrix(RowGroupWriter rows, int[] all)
    {
        Next(rows, [.. all.Select(row => row % 3 == 0 || row > 1500)]);
        Next(rows, [.. all.Select(row => Every(row, row % 2 == 0))]);
        Next(rows, [.. all.Select(row => row - 7)]);
        Next(rows, [.. all.Select(row => Every(row, (long)row * row))]);
        Next(rows, [.. all.Select(row => row * 0.5f)]);
        Next(rows, [.. all.Select(row => Every(row, (row + 1) * -0.25))]);
        Next(rows, [.. all.Select(row => (Half)(row % 100))]);
        Next(rows, [.. all.Select(row => (ulong)row << 52)]);
        Next(rows, [.. all.Select(row => (sbyte)(row % 256 - 128))]);
        Next(rows, [.. all.Select(row => (row + 1) * -0.125m)]);
        Next(rows, [.. all.Select(row => row % 7 == 3 ? null : $"größe {row % 11}")]);
        Next(rows, [.. all.Select(row => $" id-{row}")]);
        Next(rows, [.. all.Select(row => new Date(row - 400))]);
        Next(rows, [.. all.Select(row => Every(row, s_start.AddSeconds(row)))]);
        Next(rows, [.. all.Select(row => uint.MaxValue - (uint)row)]);
    }

    private static string?[] MatrixRow(int row)
    {
        string? Unless(FormattableString value) => row % 7 == 3 ? null : FormattableString.Invariant(value);
        return
        [
            row % 3 == 0 || row > 1500 ? "1" : "0", Unless($"{(row % 2 == 0 ? 1 : 0)}"),
            FormattableString.Invariant($"{row - 7}"), Unless($"{(long)row * row}"),
            FormattableString.Invariant($"{row * 0.5}"), Unless($"{(row + 1) * -0.25}"), $"{row % 100}",
            ((double)((ulong)row << 52)).ToString("R", CultureInfo.InvariantCulture), $"{(row % 256) - 128}",
            FormattableString.Invariant($"{(row + 1) * -0.125}"), Unless($"größe {row % 11}"), $"id-{row}",
            DateTime.UnixEpoch.AddDays(row - 400).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            Unless($"{TimeText.Format((s_start.AddSeconds(row) - DateTime.UnixEpoch).TotalSeconds)}"),
        ];
    }

    /// <summary>Small pages, two row groups, and each encoding in the columns that can have it.</summary>
    [Theory]
    [InlineData(ParquetDataPageVersion.V1, Compression.Uncompressed)]
    [InlineData(ParquetDataPageVersion.V1, Compression.Snappy)]
    [InlineData(ParquetDataPageVersion.V1, Compression.Gzip)]
    [InlineData(ParquetDataPageVersion.V1, Compression.Zstd)]
    [InlineData(ParquetDataPageVersion.V1, Compression.Lz4)]
    [InlineData(ParquetDataPageVersion.V1, Compression.Brotli)]
    [InlineData(ParquetDataPageVersion.V2, Compression.Uncompressed)]
    [InlineData(ParquetDataPageVersion.V2, Compression.Snappy)]
    [InlineData(ParquetDataPageVersion.V2, Compression.Gzip)]
    [InlineData(ParquetDataPageVersion.V2, Compression.Zstd)]
    [InlineData(ParquetDataPageVersion.V2, Compression.Lz4)]
    public void Every_codec_page_version_and_encoding_gives_the_values_that_were_written(
        ParquetDataPageVersion version, Compression codec)
    {
        (Encoding Encoding, string Columns)[] encodings =
        [
            (Encoding.Plain, "bBilfdhusmtkDTy"), (Encoding.Rle, "bB"), (Encoding.DeltaBinaryPacked, "iluDTy"),
            (Encoding.ByteStreamSplit, "ilfdhu"), (Encoding.DeltaLengthByteArray, "tk"),
            (Encoding.DeltaByteArray, "tkm"), (Encoding.PlainDictionary, ""),
        ];
        const int Rows = 2000, First = 1300;
        foreach ((Encoding encoding, string encoded) in encodings)
        {
            string path = _files.PathOf("matrix.parquet");
            using var builder = new WriterPropertiesBuilder();
            builder.DataPageVersion(version).Compression(codec).DataPagesize(1024).DictionaryPagesizeLimit(4096);
            if (encoding != Encoding.PlainDictionary)
                builder.DisableDictionary();
            foreach (char column in encoded)
                builder.Encoding(column.ToString(), encoding);
            using (WriterProperties properties = builder.Build())
            using (var writer = new ParquetFileWriter(path, MatrixColumns(), properties))
            {
                using (RowGroupWriter rows = writer.AppendRowGroup())
                    WriteMatrix(rows, [.. Enumerable.Range(0, First)]);
                using (RowGroupWriter rows = writer.AppendRowGroup())
                    WriteMatrix(rows, [.. Enumerable.Range(First, Rows - First)]);
                writer.Close();
            }
            RawTable table = ParquetTableReader.Read(path, new ReadRequest());
            Assert.Equal(Rows, table.Count);
            Assert.Equal(uint.MaxValue - (Rows - 1.0), table.Targets[0].Numbers![^1]);
            Assert.Equal(["t", "k"], table.Columns.OfType<TextColumn>().Select(column => column.Name));
            Assert.Equal(
                ["D", "T"], table.Columns.OfType<NumberColumn>().Where(one => one.IsTime).Select(one => one.Name));
            for (int row = 0; row < Rows; row++)
                Assert.Equal(MatrixRow(row), table.Columns.Select(column => column.TextOf(row)));
        }
    }

    /// <summary>Booleans as Arrow writes them to pages of version 2: half of them true, in runs.</summary>
    [Theory]
    [InlineData(60, 10)]
    [InlineData(12, 1)]
    public void Booleans_in_runs_are_read_as_they_were_written(int rows, int run)
    {
        string path = _files.PathOf("runs.parquet");
        bool[] flags = [.. Enumerable.Range(0, rows).Select(row => run == 1 ? row % 3 == 0 : row / run % 2 == 0)];
        using var builder = new WriterPropertiesBuilder();
        builder.DataPageVersion(ParquetDataPageVersion.V2).DisableDictionary().Encoding("x", Encoding.Rle);
        using (WriterProperties properties = builder.Build())
        using (var writer = new ParquetFileWriter(path, [new Column<bool>("x"), new Column<double>("y")], properties))
        {
            using RowGroupWriter part = writer.AppendRowGroup();
            Next(part, flags);
            Next(part, [.. flags.Select(flag => flag ? 10.5 : -10.5)]);
            writer.Close();
        }
        DataParts data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(flags.Select(flag => flag ? 1f : 0), data.Train.Features);
        Assert.Equal(flags.Select(flag => flag ? 10.5f : -10.5f), data.Train.Targets);
    }

    [Fact]
    public void What_is_no_value_is_a_gap_in_every_type()
    {
        Assert.Equal([1, double.NaN, double.NaN], Numbers(ColumnX(WriteOne<double?>([1, null, double.NaN]))));
        Assert.Equal([0.5, double.NaN], Numbers(ColumnX(WriteOne<float>([0.5f, float.NaN]))));
        Assert.Equal([2, double.NaN], Numbers(ColumnX(WriteOne<Half?>([(Half)2, null]))));
        Assert.Equal([double.NaN, 1, 0], Numbers(ColumnX(WriteOne<bool?>([null, true, false]))));
        Assert.Equal(
            [-1.5, double.NaN], Numbers(ColumnX(WriteOne<decimal?>([-1.5m, null], LogicalType.Decimal(29, 2)))));
        Assert.Equal([double.NaN, double.NaN], Numbers(ColumnX(WriteOne<int?>([null, null]))));
        Assert.Equal([null, "1970-01-02"], Texts(ColumnX(WriteOne<Date?>([null, new Date(1)]))));
        Assert.Equal([null, "a", null, null, "b c"], Texts(ColumnX(WriteOne([null, "a", "", " \t", "\u00a0b c "]))));
        Assert.Equal([null, null], Texts(ColumnX(WriteOne<string?>([null, null]))));
        Assert.Equal(["{}", null], Texts(ColumnX(WriteOne(["{}", null], LogicalType.Json()))));
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_refused_with_their_row()
    {
        foreach (double bad in (double[])[double.PositiveInfinity, double.NegativeInfinity, 3.5e38])
        {
            string path = WriteOne([1, 2, bad]);
            Assert.StartsWith(
                $"{path}: row 2, column 'x': {DataError.Number(bad)} is not a finite number within ±3.4e38",
                DataTestFiles.Error(() => ColumnX(path)), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(TimeUnit.Millis, 1_000)]
    [InlineData(TimeUnit.Micros, 1_000_000)]
    [InlineData(TimeUnit.Nanos, 1_000_000_000)]
    public void Timestamps_are_seconds_in_each_unit_with_and_without_zone(TimeUnit unit, long units)
    {
        long[] seconds = [0, -1, 1_700_000_000, -1_000_000_000, 951_782_400];
        foreach (bool utc in (bool[])[true, false])
        {
            using LogicalType type = LogicalType.Timestamp(utc, unit);
            string path = WriteRaw(
                PhysicalType.Int64, type, 0, [.. seconds.Select(second => second * units), units / 4, long.MinValue]);
            var times = (NumberColumn)ColumnX(path);
            Assert.True(times.IsTime);
            Assert.Equal([.. seconds, 0.25, double.NaN], Numbers(times));
        }
    }

    [Fact]
    public void Dates_and_old_timestamps_are_times()
    {
        var dates = (NumberColumn)ColumnX(WriteOne<Date>([new Date(0), new Date(-1), new Date(20_000)]));
        Assert.True(dates.IsTime);
        Assert.Equal([0, -86_400, 20_000 * 86_400.0], Numbers(dates));
        using LogicalType none = LogicalType.None();
        var old = (NumberColumn)ColumnX(WriteRaw(
            PhysicalType.Int96, none, 0, Int96(0, 2_440_588), Int96(1_500_000_000, 2_440_589),
            Int96(86_399_000_000_000, 2_440_587)));
        Assert.True(old.IsTime);
        Assert.Equal([0, 86_401.5, -1], Numbers(old));
        using LogicalType millis = LogicalType.Timestamp(true, TimeUnit.Millis);
        string path = WriteRaw(PhysicalType.Int64, millis, 0, 0, 253_402_300_800_000);
        Assert.StartsWith(
            $"{path}: row 1, column 'x': 253402300800 seconds since 1970 is no time in the years 1 to 9999",
            DataTestFiles.Error(() => ColumnX(path)), StringComparison.Ordinal);

        static Int96 Int96(long nanoseconds, int day) => new((int)nanoseconds, (int)(nanoseconds >> 32), day);
    }

    [Fact]
    public void Decimals_of_every_width_are_read()
    {
        using LogicalType narrow = LogicalType.Decimal(9, 2), wide = LogicalType.Decimal(18, 3),
            whole = LogicalType.Decimal(38, 20);
        Assert.Equal([123.45, -0.01], Numbers(ColumnX(WriteRaw(PhysicalType.Int32, narrow, 0, 12345, -1))));
        Assert.Equal([1e-3, -5e6], Numbers(ColumnX(WriteRaw(PhysicalType.Int64, wide, 0, 1, -5_000_000_000L))));
        byte[] bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0x8A, 0xC7, 0x23, 0x04, 0x89, 0xE8, 0, 0]; // 10^19
        GCHandle pinned = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        var value = new FixedLenByteArray(pinned.AddrOfPinnedObject());
        Assert.Equal([0.1, 0.1], Numbers(ColumnX(WriteRaw(PhysicalType.FixedLenByteArray, whole, 16, value, value))));
        pinned.Free();
    }

    [Fact]
    public void Text_is_utf8_and_what_is_not_is_refused_with_its_row()
    {
        byte[] bytes = [(byte)'a', 0xFF];
        GCHandle pinned = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        nint start = pinned.AddrOfPinnedObject();
        using LogicalType text = LogicalType.String(), enumeration = LogicalType.Enum();
        Assert.Equal(
            ["a", null],
            Texts(ColumnX(WriteRaw(PhysicalType.ByteArray, enumeration, 0, new(start, 1), new ByteArray(start, 0)))));
        string path = WriteRaw(PhysicalType.ByteArray, text, 0, new ByteArray(start, 1), new ByteArray(start, 2));
        pinned.Free();
        Assert.Equal(
            $"{path}: row 1, column 'x' is not UTF-8 text; write the column as text.",
            DataTestFiles.Error(() => ColumnX(path)));
    }

    [Fact]
    public void Long_texts_are_read_whole()
    {
        string[] texts = [new('a', 300), new('ä', 70_000), "b"];
        Assert.Equal(texts, Texts(ColumnX(WriteOne(texts))));
    }

    [Fact]
    public void Numbers_and_times_become_text_where_text_is_wanted()
    {
        var wanted = new ReadRequest { Forms = new Dictionary<string, ColumnForm> { ["x"] = ColumnForm.Text } };
        Assert.Equal(["1.5", null, "1E+20"], Texts(ColumnX(WriteOne<double?>([1.5, null, 1e20]), wanted)));
        Assert.Equal(["-3", "4"], Texts(ColumnX(WriteOne([-3, 4]), new ReadRequest { Texts = ["x"] })));
        Assert.Equal(["1970-01-01", "1969-12-31"], Texts(ColumnX(WriteOne<Date>([new(0), new(-1)]), wanted)));
        Assert.IsType<NumberColumn>(ColumnX(WriteOne([-3, 4])));
    }

    [Fact]
    public void None_and_NA_are_classes_of_a_text_target()
    {
        string path = WriteOne(["None", "NA", "yes", null]);
        RawTable table = ParquetTableReader.Read(path, new ReadRequest { Targets = ["x"], TextTargets = true });
        Assert.Equal(["None", "NA", "yes", null], table.Targets[0].Texts!.AsEnumerable());
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(path) with { Targets = ["x"] }, DataTestFiles.CrossEntropy);
        Assert.Equal(["NA", "None", "yes"], data.Schema.ClassNames);
    }

    [Fact]
    public void Text_is_a_numeric_target_only_where_it_is_yes_and_no()
    {
        var request = new ReadRequest { Targets = ["x"] };
        Assert.Equal(
            [1, 0, 1], ParquetTableReader.Read(WriteOne(["yes", "no", "yes"]), request).Targets[0].Numbers!);
        string path = WriteOne(["red", "green"]);
        Assert.StartsWith(
            $"{path}: row 0, column 'x': column 'x': 'red' is not a number",
            DataTestFiles.Error(() => ParquetTableReader.Read(path, request)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_index_of_pandas_is_no_column_unless_it_is_named()
    {
        string path = _files.PathOf("pandas.parquet");
        var metadata = new Dictionary<string, string>
        {
            ["pandas"] = """{"index_columns": ["__index_level_0__", {"kind": "range"}], "columns": []}""",
        };
        Column[] columns = [new Column<double>("a"), new Column<long>("y"), new Column<long>("__index_level_0__")];
        using (var writer = new ParquetFileWriter(path, columns, keyValueMetadata: metadata))
        {
            using RowGroupWriter rows = writer.AppendRowGroup();
            Next<double>(rows, 1, 2);
            Next<long>(rows, 5, 6);
            Next<long>(rows, 70, 80);
            writer.Close();
        }
        DataParts data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(["a"], data.Schema.FeatureNames);
        Assert.Equal([5f, 6f], data.Train.Targets);
        Assert.StartsWith(
            "column '__index_level_0__' is the index that pandas wrote",
            Assert.Single(ParquetTableReader.Read(path, new ReadRequest()).Notes), StringComparison.Ordinal);
        DataDescription named = DataTestFiles.Whole(path) with { Targets = ["__index_level_0__"] };
        Assert.Equal([70f, 80f], DataLoader.Load(named, DataTestFiles.Squared).Train.Targets);
        RawTable kept = ParquetTableReader.Read(path, new ReadRequest
        {
            Targets = ["y"],
            Forms = new Dictionary<string, ColumnForm> { ["__index_level_0__"] = ColumnForm.Numbers },
        });
        Assert.Equal(["a", "__index_level_0__"], kept.Columns.Select(column => column.Name));
        Assert.Empty(kept.Notes);
    }

    [Fact]
    public void Metadata_of_pandas_without_an_index_leave_all_columns()
    {
        string[] metadata = ["{}", """{"index_columns": []}""", """{"index_columns": [{"kind": "range"}]}"""];
        foreach (string json in metadata)
            Assert.Equal([1, 2], Numbers(ColumnX(WriteOne<double>([1, 2], null, new() { ["pandas"] = json }))));
        string path = WriteOne<double>([1, 2], null, new() { ["pandas"] = "[" });
        Assert.StartsWith(
            $"{path}: the metadata of pandas", DataTestFiles.Error(() => ColumnX(path)), StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_times_of_day_and_bytes_are_refused_by_name_and_can_be_left_out()
    {
        string path = _files.PathOf("kinds.parquet");
        (Column Column, string Kind)[] kinds =
        [
            (new Column<int[]>("x"), "is a list"), (new Column<byte[]>("x"), "holds bytes"),
            (new Column<TimeSpan>("x", LogicalType.Time(true, TimeUnit.Micros)), "holds times of day"),
            (new Column<Guid>("x"), "holds UUIDs"),
            (new Column<byte[]>("x", LogicalType.Bson()), "holds values of type Bson (ByteArray)"),
        ];
        foreach ((Column column, string kind) in kinds)
        {
            using (var writer = new ParquetFileWriter(path, [new Column<int>("a"), column, new Column<double>("y")]))
                writer.Close();
            Assert.StartsWith(
                $"{path}: column 'x' {kind}", DataTestFiles.Error(() => ColumnX(path)), StringComparison.Ordinal);
            Assert.StartsWith(
                $"{path}: the table has no rows",
                DataTestFiles.Error(() => ParquetTableReader.Read(path, new ReadRequest { Ignore = ["x"] })),
                StringComparison.Ordinal);
        }
    }

    /// <summary>What stands after a struct is read from its own place.</summary>
    [Fact]
    public void Structs_and_maps_are_refused_by_name_and_can_be_left_out()
    {
        foreach (bool isMap in (bool[])[false, true])
        {
            string path = _files.PathOf("nested.parquet");
            using var key = new PrimitiveNode("key", Repetition.Required, LogicalType.None(), PhysicalType.Int32);
            using var value = new PrimitiveNode("value", Repetition.Required, LogicalType.None(), PhysicalType.Int32);
            using var pairs = new GroupNode("key_value", Repetition.Repeated, [key, value]);
            using GroupNode x = isMap ? new("x", Repetition.Optional, [pairs], LogicalType.Map())
                : new("x", Repetition.Required, [key, value]);
            using var a = new PrimitiveNode("a", Repetition.Required, LogicalType.None(), PhysicalType.Double);
            using var y = new PrimitiveNode("y", Repetition.Required, LogicalType.None(), PhysicalType.Double);
            using var schema = new GroupNode("schema", Repetition.Required, [x, a, y]);
            using var builder = new WriterPropertiesBuilder();
            using (WriterProperties properties = builder.Build())
            using (var writer = new ParquetFileWriter(path, schema, properties))
            {
                using (RowGroupWriter rows = writer.AppendRowGroup())
                {
                    for (int part = 0; part < 2; part++)
                    {
                        using var column = (ColumnWriter<int>)rows.NextColumn();
                        if (isMap)
                            column.WriteBatch(2, [2, 2], [0, 0], [8, 9]);
                        else
                            column.WriteBatch([8, 9]);
                    }
                    foreach (double[] values in (double[][])[[1, 2], [3, 4]])
                    {
                        using var column = (ColumnWriter<double>)rows.NextColumn();
                        column.WriteBatch(values);
                    }
                }
                writer.Close();
            }
            Assert.StartsWith(
                $"{path}: column 'x' is a {(isMap ? "map" : "struct")}",
                DataTestFiles.Error(() => ColumnX(path)), StringComparison.Ordinal);
            RawTable table = ParquetTableReader.Read(path, new ReadRequest { Ignore = ["x"] });
            Assert.Equal([1, 2], Numbers(table.Columns.Single()));
            Assert.Equal([3, 4], table.Targets[0].Numbers!);
        }
    }

    /// <summary>A library that goes down the schema by recursion would end the process.</summary>
    [Fact]
    public void A_schema_of_a_hundred_thousand_levels_is_refused()
    {
        byte[] level = [0x35, 0, 0x18, 1, (byte)'g', 0x15, 2, 0], leaf = [0x15, 2, 0x25, 0, 0x18, 1, (byte)'a', 0];
        byte[] footer =
        [
            0x15, 2, 0x19, 0xFC, 0xA1, 0x8D, 6, .. Enumerable.Repeat(level, 100_000).SelectMany(bytes => bytes),
            .. leaf, 0x16, 10, 0x19, 0x0C, 0,
        ];
        string path = _files.Write(
            "deep.parquet", [.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8]);
        Assert.Contains(
            "more than 100 deep",
            DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_booleans_and_text_classes_are_read_from_all_row_groups()
    {
        DataDescription description = DataTestFiles.Whole(Write()) with
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
    public void Integers_can_be_classes()
    {
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(Write()) with { Ignore = ["kind"] }, DataTestFiles.CrossEntropy);
        Assert.Equal(["10", "20"], data.Schema.ClassNames);
    }

    [Fact]
    public void Missing_values_and_text_are_gaps_and_categories()
    {
        string path = Write(secondInt: null);
        DataParts data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(2, data.Columns.Single(column => column.Name == "b").Missing);
        Assert.Equal(ColumnKind.Category, data.Columns.Single(column => column.Name == "kind").Kind);
        Write(lastText: null);
        data = DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared);
        Assert.Equal(2, data.Columns.Single(column => column.Name == "kind").Missing);
    }

    [Fact]
    public async Task A_cut_off_or_foreign_file_is_refused()
    {
        byte[] whole = await File.ReadAllBytesAsync(Write());
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
        byte[] file = await File.ReadAllBytesAsync(Write());
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
