using System.Buffers.Binary;
using Parquet;
using Parquet.Schema;

namespace DistTrainer.Engine.Data;

/// <summary>Reads flat Parquet tables: numbers and booleans, and text where classes have names.</summary>
internal static class ParquetTableReader
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DistTrainerException">The file is damaged, a column cannot be used, or a value is
    /// missing.</exception>
    public static RawData Read(string path, ReadRequest request) => DataError.Guard(path, () =>
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

    private static async Task<RawData> ReadAsync(string path, ReadRequest request)
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
        var features = new FloatRows(plan.Features.Length, (int)count);
        var targets =
            plan.Targets.Select(column => new TargetColumn(request.TextTargets && IsText(fields[column]))).ToArray();
        foreach (ParquetRowGroupReader group in reader.RowGroups)
        {
            int first = features.Count;
            for (long row = 0; row < group.RowCount; row++)
                features.Append();
            for (int i = 0; i < plan.Features.Length; i++)
                CopyFeature(
                    path, names[plan.Features[i]], await ReadNumbersAsync(path, group, fields[plan.Features[i]], first)
                    .ConfigureAwait(false), features, first, i);
            for (int i = 0; i < targets.Length; i++)
            {
                DataField field = fields[plan.Targets[i]];
                if (targets[i].IsText)
                    targets[i].Texts.AddRange(await ReadTextsAsync(path, group, field, first).ConfigureAwait(false));
                else
                    targets[i].Numbers.AddRange(
                        await ReadNumbersAsync(path, group, field, first).ConfigureAwait(false));
            }
        }
        return new(path, features, [.. plan.Features.Select(column => names[column])],
            [.. plan.Targets.Select((column, i) => targets[i].ToRaw(names[column]))],
            row => $"{path}: row {row}", (row, target) =>
                $"{path}: row {row}, column {DataError.Quote(names[plan.Targets[target]])}");
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

    private static void CopyFeature(
        string path, string name, double[] values, FloatRows features, int first, int feature)
    {
        for (int row = 0; row < values.Length; row++)
        {
            float value = (float)values[row];
            if (!float.IsFinite(value))
                throw DataError.Of(
                    $"{path}: row {first + row}, column {DataError.Quote(name)}: {DataError.Number(values[row])} is "
                    + "not a finite number within ±3.4e38; clean the table before writing it.");
            features.Row(first + row)[feature] = value;
        }
    }

    private static Task<double[]> ReadNumbersAsync(string path, ParquetRowGroupReader group, DataField field, int first)
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
            int missing = Array.FindIndex(nullable, value => value is null);
            return missing < 0 ? Array.ConvertAll(nullable, value => convert(value!.Value))
                : throw Missing(path, field, first + missing);
        }
    }

    private static async Task<string[]> ReadTextsAsync(
        string path, ParquetRowGroupReader group, DataField field, int first)
    {
        string?[] texts = new string?[checked((int)group.RowCount)];
        await group.ReadAsync(field, texts.AsMemory()).ConfigureAwait(false);
        int missing = Array.FindIndex(texts, string.IsNullOrWhiteSpace);
        return missing < 0 ? Array.ConvertAll(texts, text => text!.Trim())
            : throw Missing(path, field, first + missing);
    }

    /// <summary>The library gives text as memory of characters.</summary>
    private static bool IsText(DataField field) =>
        field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);

    private static DistTrainerException Missing(string path, DataField field, int row) =>
        DataError.Of(
            $"{path}: row {row}, column {DataError.Quote(field.Path.ToString())} is missing; fill it in or leave the "
            + "row out.");

    private static DistTrainerException Unusable(string path, DataField field, string type) =>
        DataError.Of(
            $"{path}: column {DataError.Quote(field.Path.ToString())} holds {type}; numbers and booleans are read "
            + "(text for classes): convert it, or leave it out with data.ignore.");

    private sealed record TargetColumn(bool IsText)
    {
        public List<double> Numbers { get; } = [];

        public List<string> Texts { get; } = [];

        public RawTarget ToRaw(string name) => IsText ? new(name, null, [.. Texts]) : new(name, [.. Numbers], null);
    }
}
