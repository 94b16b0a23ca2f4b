using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>
/// A folder of part files that are one table, as Spark, Dask and DuckDB write them: CSV or Parquet, read in the ordinal
/// order of their names. What begins with <c>_</c> or <c>.</c> (<c>_SUCCESS</c>, checksums) is left out, and so are
/// parts without a row.
/// </summary>
internal static class PartsFolder
{
    private const string Mnist = "train-images-idx3-ubyte(.gz) and train-labels-idx1-ubyte(.gz)";

    /// <summary>Finds the parts.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="format">Their format; auto goes by their names.</param>
    /// <param name="key">The setting, for errors.</param>
    /// <exception cref="DistTrainerException">It is no such folder.</exception>
    public static SourceFile Find(string folder, DataFormat format, string key)
    {
        string start = $"{key} = {DataError.Quote(folder)}";
        if (format is not (DataFormat.Auto or DataFormat.Csv or DataFormat.Parquet))
            throw DataError.Of(format == DataFormat.Idx
                ? $"{start}: the folder has no {Mnist}; give such a folder, or a file."
                : $"{start} is a folder; give a file of format {format}.");
        string[] names = DataError.Guard(folder, () => Directory.EnumerateFileSystemEntries(folder)
            .Select(entry => Path.GetFileName(entry)).Where(IsPart).Order(StringComparer.Ordinal).ToArray());
        if (Array.Find(names, name => Directory.Exists(Path.Combine(folder, name))) is { } inner)
            throw DataError.Of(inner.Contains('=', StringComparison.Ordinal)
                ? $"{start}: the folder is divided by the values of a column ({DataError.Quote(inner)}; Hive "
                    + "partitions), which is not read; write the table without partitionBy, or as one file."
                : $"{start}: there is a folder {DataError.Quote(inner)} in it; part files are read where they lie "
                    + "side by side in one folder: give that one.");
        DataFormat[] formats =
            [.. names.Select(name => format == DataFormat.Auto ? SourceFiles.FormatOf(name) : format)];
        int table = Array.FindIndex(formats, found => found is DataFormat.Csv or DataFormat.Parquet);
        if (table < 0)
            throw DataError.Of(
                $"{start}: the folder has neither {Mnist} nor parts of a table (.csv, .csv.gz, .tsv or .parquet); "
                + "give such a folder, or a file.");
        int other = Array.FindIndex(formats, found => found != formats[table]);
        if (other >= 0)
            throw DataError.Of(
                $"{start}: {DataError.Quote(names[other])} is not a part of the same format as "
                + $"{DataError.Quote(names[table])}; leave nothing else in the folder (names that begin with _ or . "
                + "are left out), or give one file.");
        return new(formats[table], folder, null) { Parts = [.. names.Select(name => Path.Combine(folder, name))] };
    }

    /// <summary>Reads all parts as one table.</summary>
    /// <param name="folder">What errors call the table.</param>
    /// <param name="parts">Its files, in their order.</param>
    /// <param name="read">Reads one of them; some columns as text.</param>
    /// <exception cref="DistTrainerException">A part cannot be read, or has other columns than the first
    /// one.</exception>
    public static RawTable Read(
        string folder, IReadOnlyList<string> parts, Func<string, IReadOnlyCollection<string>, RawTable> read)
    {
        RawTable[] tables = ReadAll(parts, part => read(part, []));
        // What is text in one part is text in all.
        string[] texts = [.. tables.SelectMany(table => table.Columns.Where((column, i) => column is TextColumn
            && tables.Any(other => other.Columns[i] is NumberColumn))).Where(column => column is TextColumn
                { Values.Count: > 0 }).Select(column => column.Name).Distinct()];
        if (texts.Length > 0)
            tables = ReadAll(parts, part => read(part, texts));
        RawData.CheckSize(folder, tables.Sum(table => (long)table.Count), tables[0].Columns.Count);
        int[] ends = new int[tables.Length];
        for (int i = 0, rows = 0; i < ends.Length; i++)
            ends[i] = rows += tables[i].Count;
        RawTarget[] targets = [.. tables[0].Targets.Select((target, i) => new RawTarget(
            target.Name,
            target.Numbers is null ? null : [.. tables.SelectMany(table => table.Targets[i].Numbers!)],
            target.Texts is null ? null : [.. tables.SelectMany(table => table.Targets[i].Texts!)]))];
        RawColumn[] columns =
            [.. tables[0].Columns.Select((_, i) => Joined([.. tables.Select(table => table.Columns[i])]))];
        return new(folder, columns, targets,
            row => Find(row) is var (part, own) ? tables[part].RowPlace(own) : folder,
            (row, target) => Find(row) is var (part, own) ? tables[part].TargetPlace(own, target) : folder)
        {
            Notes = [.. tables.SelectMany(table => table.Notes).Distinct()],
        };

        (int Part, int Row) Find(int row)
        {
            int part = Array.FindIndex(ends, end => row < end);
            return (part, part == 0 ? row : row - ends[part - 1]);
        }
    }

    private static RawTable[] ReadAll(IReadOnlyList<string> parts, Func<string, RawTable> read)
    {
        var tables = new List<RawTable>();
        DistTrainerException? empty = null;
        foreach (string part in parts)
        {
            try
            {
                RawTable table = read(part);
                if (tables.Count > 0)
                    CheckColumns(tables[0], table);
                tables.Add(table);
            }
            catch (DistTrainerException nothing) when (DataError.IsWithoutRows(nothing))
            {
                empty = nothing;
            }
        }
        return tables.Count > 0 ? [.. tables] : throw empty!;
    }

    /// <summary>One column of all parts; in parts without a single value it may be of another type.</summary>
    private static RawColumn Joined(RawColumn[] parts)
    {
        RawColumn first = Array.Find(parts, part => part is NumberColumn) ?? parts[0];
        RawColumn all = first is NumberColumn numbers ? new NumberColumn(first.Name, numbers.IsTime)
            : new TextColumn(first.Name);
        foreach (RawColumn part in parts)
            all.Append(part);
        return all;
    }

    private static bool IsPart(string name) => name[0] is not ('_' or '.')
        && !name.EndsWith(".crc", StringComparison.OrdinalIgnoreCase);

    private static void CheckColumns(RawTable first, RawTable part)
    {
        string[] wanted = Names(first), there = Names(part);
        if (!wanted.SequenceEqual(there))
        {
            int at = wanted.Zip(there).TakeWhile(pair => pair.First == pair.Second).Count();
            string Name(string[] names) => at < names.Length ? DataError.Quote(names[at]) : "no column";
            throw DataError.Of(
                $"{part.Path}: has {Name(there)} where {first.Path} has {Name(wanted)} ({there.Length} and "
                + $"{wanted.Length} columns are used); the parts of a table have the same columns in the same order.");
        }
        for (int i = 0; i < first.Targets.Count; i++)
        {
            if (first.Targets[i].Numbers is null != part.Targets[i].Numbers is null)
                throw DataError.Of(
                    $"{part.Path}: column {DataError.Quote(part.Targets[i].Name)} is "
                    + $"{(part.Targets[i].Numbers is null ? "text" : "numbers")}, and not in {first.Path}; the parts "
                    + "of a table have columns of the same types.");
        }
    }

    private static string[] Names(RawTable table) =>
        [.. table.Columns.Select(column => column.Name), .. table.Targets.Select(target => target.Name)];
}
