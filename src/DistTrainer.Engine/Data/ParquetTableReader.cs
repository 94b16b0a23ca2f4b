using System.Buffers.Binary;
using System.Globalization;
using DistTrainer.Engine.Data.Columns;
using Parquet;
using Parquet.Schema;

namespace DistTrainer.Engine.Data;

/// <summary>Reads flat Parquet tables: numbers, booleans, text and timestamps.</summary>
internal static class ParquetTableReader
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DistTrainerException">The file is damaged, a column cannot be used, or a value is
    /// not finite.</exception>
    public static RawTable Read(string path, ReadRequest request) => DataError.Guard(path, () =>
    {
        try
        {
            // On the thread pool, so that a caller's synchronization context cannot wait for itself.
            return Task.Run(() => ReadAsync(path, request)).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (
            exception is not (DistTrainerException or IOException or UnauthorizedAccessException))
        {
            throw DataError.Of(
                $"{path}: the file cannot be read as Parquet ({DataError.OneLine(exception)}); write it again.",
                exception);
        }
    });

    private static async Task<RawTable> ReadAsync(string path, ReadRequest request)
    {
        await using Stream stream = InputFile.OpenPlain(path);
        CheckFooter(path, stream);
        await using ParquetReader reader = await ParquetReader.CreateAsync(stream).ConfigureAwait(false);
        DataField[] fields = reader.Schema.DataFields;
        string[] names = [.. fields.Select(field => field.Path.ToString())];
        ColumnPlan plan = ColumnPlan.Make(path, names, named: true, request);
        long count = reader.RowGroups.Sum(group => group.RowCount);
        if (count < 1)
            throw DataError.WithoutRows($"{path}: the table has no rows; give one with at least one row.");
        // Runs of one value take no room, so this is no exact bound; but a table that is nothing else has nothing to
        // learn from.
        if (count > stream.Length * InputFile.LargestExpansion)
            throw DataError.Of(
                $"{path}: {stream.Length} bytes cannot be a table of {count} rows; the file is damaged: get it again.");
        RawData.CheckSize(path, count, plan.Features.Length);
        int[] used = [.. plan.Features, .. plan.Targets];
        var columns = new RawColumn?[used.Length];
        foreach (ParquetRowGroupReader group in reader.RowGroups)
        {
            for (int i = 0; i < used.Length; i++)
            {
                bool asText = request.Texts.Contains(names[used[i]]) || (i < plan.Features.Length
                    && request.FormOf(i, names[used[i]]) == ColumnForm.Text);
                columns[i] = await ReadAsync(path, group, fields[used[i]], columns[i], asText).ConfigureAwait(false);
            }
        }
        string RowPlace(int row) => $"{path}: row {row}";
        string TargetPlace(int row, int target) =>
            $"{path}: row {row}, column {DataError.Quote(names[plan.Targets[target]])}";
        RawColumn[] all = [.. columns.Select(column => column!)];
        return new(path, all[..plan.Features.Length], [.. all[plan.Features.Length..].Select((column, i) =>
            RawTarget.Of(column, request.TextTargets, row => TargetPlace(row, i)))], RowPlace, TargetPlace);
    }

    /// <summary>Adds a row group's values to a column.</summary>
    private static async Task<RawColumn> ReadAsync(
        string path, ParquetRowGroupReader group, DataField field, RawColumn? column, bool asText)
    {
        string name = field.Path.ToString();
        if (IsText(field))
        {
            var texts = (TextColumn?)column ?? new TextColumn(name);
            string?[] values = new string?[checked((int)group.RowCount)];
            await group.ReadAsync(field, values.AsMemory()).ConfigureAwait(false);
            foreach (string? value in values)
            {
                if (value?.Trim() is { Length: > 0 } text)
                    texts.Add(text);
                else
                    texts.AddGap();
            }
            return texts;
        }
        int first = column?.Count ?? 0;
        double[] numbers = await ReadNumbersAsync(path, group, field).ConfigureAwait(false);
        int bad = Array.FindIndex(numbers, value => Math.Abs(value) > float.MaxValue);
        if (bad >= 0)
            throw DataError.Of(
                $"{path}: row {first + bad}, column {DataError.Quote(name)}: {DataError.Number(numbers[bad])} is not a "
                + "finite number within ±3.4e38; clean the table before writing it.");
        if (asText)
        {
            var texts = (TextColumn?)column ?? new TextColumn(name);
            foreach (double number in numbers)
            {
                if (double.IsNaN(number))
                    texts.AddGap();
                else
                    texts.Add(number.ToString("R", CultureInfo.InvariantCulture));
            }
            return texts;
        }
        NumberColumn all = (NumberColumn?)column ?? new NumberColumn(name, IsTime(field));
        foreach (double number in numbers)
            all.Add(number);
        return all;
    }

    /// <summary>
    /// Refuses a footer that cannot be right: the file ends in the footer, its length and <c>PAR1</c>, and the footer,
    /// a Thrift structure, ends in a zero. The library searches without end for a missing zero.
    /// </summary>
    private static void CheckFooter(string path, Stream stream)
    {
        const int Magic = 4, EndLength = 9;
        Span<byte> end = stackalloc byte[EndLength];
        if (stream.Length < Magic + EndLength)
            throw DataError.Of($"{path}: {stream.Length} bytes are too few for a Parquet file; get it again.");
        stream.Position = stream.Length - EndLength;
        stream.ReadExactly(end);
        stream.Position = 0;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(end[1..]);
        if (!end[5..].SequenceEqual("PAR1"u8) || length < 1
            || length > stream.Length - Magic - (EndLength - 1) || end[0] != 0)
            throw DataError.Of(
                $"{path}: the file does not end like a Parquet file (footer, its length, PAR1); it is cut off, "
                + "damaged or encrypted: get it again.");
    }

    private static Task<double[]> ReadNumbersAsync(string path, ParquetRowGroupReader group, DataField field)
    {
        if (field.IsArray || field.MaxRepetitionLevel > 0)
            throw Unusable(path, field, "a list");
        return field.ClrType switch
        {
            var t when t == typeof(float) => As<float>(double.CreateChecked),
            var t when t == typeof(double) => As<double>(value => value),
            var t when t == typeof(sbyte) => As<sbyte>(double.CreateChecked),
            var t when t == typeof(short) => As<short>(double.CreateChecked),
            var t when t == typeof(int) => As<int>(double.CreateChecked),
            var t when t == typeof(long) => As<long>(double.CreateChecked),
            var t when t == typeof(byte) => As<byte>(double.CreateChecked),
            var t when t == typeof(ushort) => As<ushort>(double.CreateChecked),
            var t when t == typeof(uint) => As<uint>(double.CreateChecked),
            var t when t == typeof(ulong) => As<ulong>(double.CreateChecked),
            var t when t == typeof(decimal) => As<decimal>(double.CreateChecked),
            var t when t == typeof(bool) => As<bool>(value => value ? 1 : 0),
            var t when t == typeof(DateTime) => As<DateTime>(value => (value - DateTime.UnixEpoch).TotalSeconds),
            _ => throw Unusable(path, field, IsText(field) ? "text" : $"values of type {field.ClrType.Name}"),
        };

        async Task<double[]> As<T>(Converter<T, double> convert)
            where T : struct
        {
            int rows = checked((int)group.RowCount);
            if (!field.IsNullable)
            {
                var values = new T[rows];
                await group.ReadAsync<T>(field, values.AsMemory()).ConfigureAwait(false);
                return Array.ConvertAll(values, convert);
            }
            var nullable = new T?[rows];
            await group.ReadAsync<T>(field, nullable.AsMemory()).ConfigureAwait(false);
            return Array.ConvertAll(nullable, value => value is { } number ? convert(number) : double.NaN);
        }
    }

    /// <summary>The library gives text as memory of characters.</summary>
    private static bool IsText(DataField field) =>
        field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);

    private static bool IsTime(DataField field) => field.ClrType == typeof(DateTime);

    private static DistTrainerException Unusable(string path, DataField field, string type) =>
        DataError.Of(
            $"{path}: column {DataError.Quote(field.Path.ToString())} holds {type}; numbers, booleans, text and timestamps "
            + "are read: convert it, or leave it out with data.ignore.");
}
