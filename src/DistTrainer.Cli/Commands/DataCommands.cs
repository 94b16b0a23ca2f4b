using System.CommandLine;
using System.Globalization;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer data …</c>.</summary>
internal static class DataCommands
{
    private const int MostRows = 1000;

    /// <summary>Makes the commands.</summary>
    public static Command Create(CliConsole console, CliServices services, StopSignals signals) =>
        new("data", "Lists, fetches and describes data sets.")
    {
        List(console, services),
        Fetch(console, services, signals),
        Inspect(console, services),
    };

    private static Command List(CliConsole console, CliServices services)
    {
        var command = new Command("list", "Lists the data sets that are known by name, and where they lie.");
        command.SetAction(_ =>
        {
            foreach (CatalogEntry known in services.Data.List())
            {
                console.Output.WriteLine($"{known.Name,-16} {known.Description}");
                console.Output.WriteLine(
                    $"{"",-16} {known.Task.ToString().ToLowerInvariant()}, {Numbers.Text(known.Samples)} samples of "
                    + $"{Numbers.Text(known.Features)} features, licence {known.Licence}");
                console.Output.WriteLine(
                    $"{"",-16} {known.Location ?? $"not here; `disttrainer data fetch {known.Name}` gets it"}");
            }
        });
        return command;
    }

    private static Command Fetch(CliConsole console, CliServices services, StopSignals signals)
    {
        var name = new Argument<string>("NAME") { Description = "A name from `disttrainer data list`" };
        var cache = new Option<string?>("--cache")
        {
            Description = $"The folder to fetch into. Default: {services.Data.CacheFolder}",
            HelpName = "DIR",
        };
        var command =
            new Command("fetch",
            "Fetches a data set from its public address into the cache folder and checks its SHA-256.") { name, cache };
        command.SetAction(async (result, _) =>
        {
            string folder = await services.Data.FetchAsync(
                result.GetRequiredValue(name), result.GetValue(cache), console.Error.WriteLine, signals.Listen());
            console.Output.WriteLine($"data folder {folder}");
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Inspect(CliConsole console, CliServices services)
    {
        var source = new Argument<string>("SOURCE")
        {
            Description = "A name from `disttrainer data list`, or the path of a file or folder",
        };
        var target = new Option<string?>("--target")
        {
            Description = "The column to predict. Default: the last one",
            HelpName = "COLUMN",
        };
        var set = new Option<string[]>("--set")
        {
            Description = "Sets a key of data, e.g. --set data.columns.zip=category; may be repeated",
            HelpName = "KEY=VALUE",
        };
        var command =
            new Command("inspect",
            "Describes data: samples, targets, classes; of a table each column with its kind, gaps and values, and "
            + "what becomes of it; else each feature's range, mean and deviation.") { source, target, set };
        command.SetAction(result =>
        {
            JobSource[] above = [.. (result.GetValue(set) ?? []).Select(JobOptions.FromSet),
                .. result.GetValue(target) is { } name ? [JobSource.FromOption("data.targets", name, "--target")]
                    : (JobSource[])[]];
            DataDescription description = JobFile.Read([BuiltInJobs.Read("classification"), .. above]).Job.Data with
            {
                Source = result.GetRequiredValue(source),
                ValidationFraction = 0,
                TestFraction = 0,
                Normalization = NormalizationKind.None,
            };
            bool isClasses = BuiltInJobs.LooksLikeClasses(description, services.Data);
            LossDescription loss = new() { Kind = isClasses ? "cross-entropy" : "mean-squared-error" };
            Print(console.Output, services.Data.Load(description, loss));
        });
        return command;
    }

    private static void Print(TextWriter output, DataParts parts)
    {
        ISampleSource data = parts.Train;
        DataSchema schema = parts.Schema;
        string validation = parts.Validation.Count > 0
            ? $", {Numbers.Text(parts.Validation.Count)} for the validation" : "";
        string test = parts.Test.Count > 0 ? $" and {Numbers.Text(parts.Test.Count)} for the test" : "";
        output.WriteLine($"samples   {Numbers.Text(data.Count)}{validation}{test}");
        output.WriteLine($"features  {Numbers.Text(data.FeatureCount)}");
        output.WriteLine(
            $"targets   {string.Join(", ", schema.TargetNames)} ({schema.Task.ToString().ToLowerInvariant()})");
        if (schema.Task == TaskKind.Classification)
        {
            int[] counts = new int[schema.ClassNames.Count];
            foreach (float target in SampleColumns.Targets(data, 0))
                counts[(int)target]++;
            IEnumerable<string> classes = schema.ClassNames.Select((name, i) => $"{name}: {Numbers.Text(counts[i])}");
            output.WriteLine($"classes   {string.Join(", ", classes)}");
        }
        else
        {
            for (int target = 0; target < data.TargetWidth; target++)
                Print(output, schema.TargetNames[target], SampleColumns.Targets(data, target));
        }

        output.WriteLine($"sha256    {parts.Hash}");
        foreach (string note in parts.Notes)
            output.WriteLine($"note      {note}");
        output.WriteLine();
        if (parts.Columns.Count > 0)
        {
            PrintColumns(output, parts.Columns);
            return;
        }
        IEnumerable<float[]> columns = SampleColumns.Features(data, Math.Min(data.FeatureCount, MostRows));
        foreach ((int feature, float[] values) in columns.Index())
            Print(output, schema.FeatureNames[feature], values);
        if (data.FeatureCount > MostRows)
            output.WriteLine($"… and {Numbers.Text(data.FeatureCount - MostRows)} features more");
    }

    private static void PrintColumns(TextWriter output, IReadOnlyList<ColumnProfile> columns)
    {
        string[] head = ["column", "kind", "missing", "distinct", "values", "becomes", "why"];
        var table = new List<string[]> { head };
        table.AddRange(columns.Take(MostRows).Select(column => new[]
        {
            Printable.Short(column.Name, 30), KindName(column.Kind), Numbers.Text(column.Missing),
            Numbers.Text(column.Distinct), Printable.Short(column.Content, 60), Becomes(column), column.Why,
        }));
        int[] widths = [.. Enumerable.Range(0, table[0].Length).Select(i => table.Max(row => row[i].Length))];
        foreach (string[] row in table)
            output.WriteLine(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        if (columns.Count > MostRows)
            output.WriteLine($"… and {Numbers.Text(columns.Count - MostRows)} columns more");
    }

    private static string KindName(ColumnKind kind) => kind == ColumnKind.YesNo ? "yes-no"
        : kind.ToString().ToLowerInvariant();

    private static string Becomes(ColumnProfile column) => column.Schema switch
    {
        null => "left out",
        { Embedding: > 0 } schema => $"embedding {schema.Table!.Cardinality}×{schema.Embedding}",
        var schema => schema.FeatureNames().Count() is var features && features == 1 ? "1 feature"
            : $"{Numbers.Text(features)} features",
    };

    private static void Print(TextWriter output, string name, float[] column)
    {
        TensorFigures figures = TensorFigures.Of(column);
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-24} minimum={figures.Minimum:G5} mean={figures.Mean:G5} maximum={figures.Maximum:G5} "
                + $"deviation={figures.Deviation:G5} zeros={figures.ZeroShare:P1} |{figures.Histogram}|"));
    }
}
