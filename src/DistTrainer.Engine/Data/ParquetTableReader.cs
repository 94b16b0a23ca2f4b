using System.Text.Json;
using DistTrainer.Engine.Data.Columns;
using ParquetSharp;
using ParquetSharp.Schema;

namespace DistTrainer.Engine.Data;

/// <summary>Reads flat Parquet tables: numbers, booleans, text, dates and timestamps.</summary>
internal static class ParquetTableReader
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DistTrainerException">The file is damaged, a column cannot be used, or a value is
    /// not finite.</exception>
    public static RawTable Read(string path, ReadRequest request) => DataError.Guard(path, () =>
    {
        using Stream stream = InputFile.OpenPlain(path);
        ParquetFooter.Check(path, stream);
        try
        {
            return Read(path, stream, request);
        }
        catch (Exception exception) when (exception is TypeInitializationException or DllNotFoundException)
        {
            throw DataError.Of(
                $"{path}: the library that reads Parquet does not run on this system "
                + $"({DataError.OneLine(exception.GetBaseException())}); write the table as CSV.", exception);
        }
        catch (Exception exception) when (
            exception is not (DistTrainerException or IOException or UnauthorizedAccessException))
        {
            throw DataError.Of(
                $"{path}: the file cannot be read as Parquet ({Reason(exception)}); write it again.", exception);
        }
    });

    private static RawTable Read(string path, Stream stream, ReadRequest request)
    {
        using ReaderProperties properties = ReaderProperties.GetDefaultReaderProperties();
        properties.EnableBufferedStream(); // otherwise a column's part of a row group is read at once
        properties.EnablePageChecksumVerification();
        using var reader = new ParquetFileReader(stream, properties, leaveOpen: true);
        using FileMetaData file = reader.FileMetaData;
        HashSet<string> index = PandasIndex(path, file.KeyValueMetadata.GetValueOrDefault("pandas"));
        index.ExceptWith([.. request.Targets, .. request.Ignore, .. request.Features ?? [], .. request.Forms.Keys]);
        List<TableColumn> columns = Columns(file);
        string[] left = [.. columns.Select(column => column.Name).Where(index.Contains)];
        columns.RemoveAll(column => index.Contains(column.Name));
        string[] names = [.. columns.Select(column => column.Name)];
        ColumnPlan plan = ColumnPlan.Make(path, names, named: true, request);
        int features = plan.Features.Length;
        ParquetColumn[] used = [.. plan.Features.Concat(plan.Targets).Select((column, i) => ParquetColumn.Open(
            path, columns[column], file, request.Texts.Contains(names[column])
                || (i < features && request.FormOf(i, names[column]) == ColumnForm.Text)))];
        int[] groups = RowCounts(path, reader, file);
        long count = groups.Sum(rows => (long)rows);
        if (count < 1)
            throw DataError.WithoutRows($"{path}: the table has no rows; give one with at least one row.");
        // Runs of one value take no room, so this is no exact bound; but a table that is nothing else has nothing to
        // learn from.
        if (count > stream.Length * InputFile.LargestExpansion)
            throw DataError.Of(
                $"{path}: {stream.Length} bytes cannot be a table of {count} rows; the file is damaged: get it again.");
        RawData.CheckSize(path, count, features);
        for (int group = 0; group < groups.Length; group++)
        {
            using RowGroupReader part = reader.RowGroup(group);
            foreach (ParquetColumn column in used)
                column.Read(part, groups[group]);
        }
        string RowPlace(int row) => $"{path}: row {row}";
        string TargetPlace(int row, int target) =>
            $"{path}: row {row}, column {DataError.Quote(used[features + target].Name)}";
        RawColumn[] all = [.. used.Select(column => column.Values)];
        return new(path, all[..features], [.. all[features..].Select((column, i) =>
            RawTarget.Of(column, request.TextTargets, row => TargetPlace(row, i)))], RowPlace, TargetPlace)
        {
            Notes = [.. left.Select(name => $"column {DataError.Quote(name)} is the index that pandas wrote, and is "
                + "left out (named in data.columns or data.targets it is read)")],
        };
    }

    /// <summary>The columns of the table: the top of the file's schema.</summary>
    private static List<TableColumn> Columns(FileMetaData file)
    {
        var columns = new List<TableColumn>();
        int leaf = 0;
        foreach (Node node in file.Schema.GroupNode.Fields)
        {
            using (node)
            {
                columns.Add(new(node.Name, leaf, NestedKind(node)));
                leaf += Leaves(node);
            }
        }
        return columns;
    }

    /// <summary>What a column is that is no single value a row; null where it is one.</summary>
    private static string? NestedKind(Node node)
    {
        if (node.Repetition == Repetition.Repeated)
            return "a list";
        if (node is not GroupNode)
            return null;
        using LogicalType type = node.LogicalType;
        return type.Type switch
        {
            LogicalTypeEnum.List => "a list",
            LogicalTypeEnum.Map => "a map",
            _ => "a struct",
        };
    }

    private static int Leaves(Node node)
    {
        if (node is not GroupNode group)
            return 1;
        int leaves = 0;
        foreach (Node child in group.Fields)
        {
            using (child)
                leaves += Leaves(child);
        }
        return leaves;
    }

    /// <summary>The names in <c>index_columns</c>; a range has no column.</summary>
    private static HashSet<string> PandasIndex(string path, string? json)
    {
        if (json is null)
            return [];
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("index_columns", out JsonElement columns)
                ? [.. columns.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String)
                    .Select(name => name.GetString()!)] : [];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw DataError.Of(
                $"{path}: the metadata of pandas, which tell its index from the columns, are damaged "
                + $"({DataError.OneLine(exception)}); write the file again.", exception);
        }
    }

    private static int[] RowCounts(string path, ParquetFileReader reader, FileMetaData file)
    {
        int[] counts = new int[file.NumRowGroups];
        for (int group = 0; group < counts.Length; group++)
        {
            using RowGroupReader part = reader.RowGroup(group);
            long rows = part.MetaData.NumRows;
            counts[group] = rows is >= 0 and <= int.MaxValue ? (int)rows
                : throw DataError.Of(
                    $"{path}: row group {group} says that it has {rows} rows; up to {int.MaxValue} are read: write "
                    + "the file again, with smaller row groups.");
        }
        return counts;
    }

    /// <summary>What the library says, without the name of its exception.</summary>
    private static string Reason(Exception exception)
    {
        const string Begin = "(message: '", End = "')";
        string text = DataError.OneLine(exception);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal);
        int end = text.LastIndexOf(End, StringComparison.Ordinal);
        return Printable.Short(begin >= 0 && end > begin ? text[(begin + Begin.Length)..end] : text, 160);
    }
}

/// <summary>A column of a table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Leaf">The number of its values among all values of the file's schema.</param>
/// <param name="Nested">What it is where it has not one value a row.</param>
internal sealed record TableColumn(string Name, int Leaf, string? Nested);
