using System.Globalization;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli;

/// <summary>The job for a table.</summary>
/// <param name="Job">The job.</param>
/// <param name="Data">The table, unless it must be read again for the job.</param>
/// <param name="Notes">What was decided, a line each.</param>
internal sealed record TableJob(JobFile Job, DataParts? Data, IReadOnlyList<string> Notes);

/// <summary>
/// Jobs that are taken where no job file is named: one for each known data set, and two for data of one's own.
/// </summary>
internal static class BuiltInJobs
{
    /// <summary>The data set of the default job.</summary>
    public const string DefaultData = "digits";

    private const int MostNumericClasses = 30;

    /// <summary>Data sets that have a job of their own.</summary>
    public static IReadOnlyList<string> Names { get; } = ["digits", "concrete", "fashion-mnist"];

    /// <summary>The job for some data.</summary>
    /// <param name="source">A known name, or the path of a file or folder.</param>
    /// <param name="data">Looks at the data where the job depends on them.</param>
    /// <param name="above">What is laid over the job; it may say how to read the data.</param>
    /// <param name="isTable">Whether they are a table, for which there is the recipe.</param>
    public static JobSource For(string source, IDataAccess data, IEnumerable<JobSource> above, bool isTable)
    {
        if (Names.Contains(source))
            return Read(source);
        (JobSource classification, JobSource regression) = isTable
            ? (TableRecipe.For(TaskKind.Classification, TableRecipe.ManyRows),
                TableRecipe.For(TaskKind.Regression, TableRecipe.ManyRows))
            : (Read("classification"), Read("regression"));
        JobSource[] all = [.. above, JobSource.FromOption("data.source", source, "--data")];
        // What is laid over may ask for values by data.task or model.loss.kind: it then fits the job for values only.
        if (!Fits(classification, all) && Fits(regression, all))
            return regression;
        JobDescription job = JobFile.Read([classification, .. all]).Job;
        return job.Model.Loss.Task != TaskKind.Regression
            && (job.Data.Task == TaskKind.Classification || LooksLikeClasses(job.Data, data))
            ? classification : regression;
    }

    /// <summary>What is said of some data, whatever the job is.</summary>
    /// <param name="source">A known name, or the path of a file or folder.</param>
    /// <param name="above">What is laid over the job.</param>
    public static DataDescription DataOf(string source, IEnumerable<JobSource> above)
    {
        JobSource[] said =
        [
            .. above.Where(one => one.Text.StartsWith("data", StringComparison.Ordinal)),
            JobSource.FromOption("data.source", source, "--data"),
        ];
        JobSource classification = Read("classification");
        return JobFile.Read([Fits(classification, said) ? classification : Read("regression"), .. said]).Job.Data;
    }

    /// <summary>The job for a table: it depends on the number of rows, so the table is read.</summary>
    /// <param name="task">What the targets mean.</param>
    /// <param name="data">Reads.</param>
    /// <param name="above">What is laid over the job.</param>
    public static TableJob ForTable(TaskKind task, IDataAccess data, JobSource[] above)
    {
        JobFile most = JobFile.Read([TableRecipe.For(task, TableRecipe.ManyRows), .. above]);
        // Of few rows the recipe holds others out, so they might not be enough for the folds yet.
        DataParts parts = data.Load(
            most.Job.Data with { Split = most.Job.Data.Split with { Folds = null, Fold = null } }, most.Job.Model.Loss);
        long rows = parts.Train.Count + parts.Validation.Count + parts.Test.Count;
        JobFile job = JobFile.Read([TableRecipe.For(task, rows), .. above]);
        DataDescription first = most.Job.Data, own = job.Job.Data;
        bool isSame = first.Columns.Bins == own.Columns.Bins && first.ValidationFraction == own.ValidationFraction
            && own.Split.Folds is null;
        return new TableJob(job, isSame ? parts : null, [TargetNote(parts.Schema), TableRecipe.Describe(job.Job)]);
    }

    private static string TargetNote(DataSchema schema)
    {
        string target = $"target {string.Join(", ", schema.TargetNames.Select(name => $"'{name}'"))}";
        bool areNumbers = schema.ClassNames.All(
            name => double.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out _));
        return schema.Task == TaskKind.Classification
            ? $"{target}: {Numbers.Text(schema.ClassNames.Count)} classes "
                + $"({string.Join(", ", schema.ClassNames.Take(5))}"
                + $"{(schema.ClassNames.Count > 5 ? ", …" : "")})"
                + (areNumbers ? "; --task regression takes the numbers for values" : "")
            : $"{target}: values; --task classification takes them for classes";
    }

    private static bool Fits(JobSource job, JobSource[] above)
    {
        try
        {
            JobFile.Read([job, .. above]);
            return true;
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Configuration)
        {
            return false;
        }
    }

    /// <summary>A built-in job's text.</summary>
    public static JobSource Read(string name)
    {
        using Stream stream = typeof(BuiltInJobs).Assembly.GetManifestResourceStream($"{name}.conf")
            ?? throw new InvalidOperationException($"The built-in job {name} is missing.");
        using var reader = new StreamReader(stream);
        return new JobSource(reader.ReadToEnd(), $"built-in job {name}") { IsBuiltIn = true };
    }

    /// <summary>Whether the targets are classes: names, or few whole numbers.</summary>
    public static bool LooksLikeClasses(DataDescription description, IDataAccess data)
    {
        if (description.Targets.Count > 1)
            return false;
        IReadOnlyList<string> classes;
        try
        {
            if (data.LooksLikeClasses(description, MostNumericClasses) is { } looks)
                return looks;
            classes =
                data.Load(description with { Task = TaskKind.Classification, NormalizeTargets = false },
                new LossDescription()).Schema.ClassNames;
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Data)
        {
            // Data that cannot be read at all are reported when they are read as numbers.
            return false;
        }

        return classes.Any(name => !double.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            || (classes.Count <= MostNumericClasses && classes.All(
                name => long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)));
    }
}
