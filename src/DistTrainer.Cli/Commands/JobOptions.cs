using System.CommandLine;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary>The options that say what to train: a job file, and what is laid over it.</summary>
/// <param name="only">Names of those options for single keys that there are; none: all.</param>
internal sealed class JobOptions(params string[] only)
{
    private static readonly (string Name, string Key, string HelpName)[] s_keys =
    [
        ("--data", "data.source", "NAME|PATH"),
        ("--target", "data.targets", "COLUMN"),
        ("--task", "data.task", "KIND"),
        ("--workers", "run.workers", "N"),
        ("--data-shards", "training.data-shards", "N"),
        ("--parameter-shards", "run.parameter-shards", "N"),
        ("--compute-threads", "run.compute-threads", "N"),
        ("--epochs", "training.epochs", "N"),
        ("--max-steps", "training.max-steps", "N"),
        ("--batch-size", "training.batch-size", "N"),
        ("--optimizer", "optimizer.kind", "NAME"),
        ("--learning-rate", "optimizer.learning-rate", "RATE"),
        ("--seed", "training.seed", "N"),
        ("--shuffle", "training.shuffle", "on|off"),
        ("--report-every", "run.report-every", "STEPS"),
        ("--tensorboard", "run.tensorboard", "on|off"),
        ("--checkpoint-every-steps", "checkpoint.every-steps", "STEPS"),
        ("--checkpoint-every-time", "checkpoint.every-time", "TIME"),
        ("--output", "run.output", "DIR"),
    ];

    private readonly Option<string?> _config = new("--config")
    {
        Description =
            "The job file (HOCON or JSON); `disttrainer config init` prints one. Default: a built-in job for the data",
        HelpName = "FILE",
    };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Sets any key of the job file, e.g. --set optimizer.momentum=0.9; may be repeated",
        HelpName = "KEY=VALUE",
    };
    private readonly (Option<string?> Option, string Key)[] _keyed =
        [.. s_keys.Where(entry => only.Length == 0 || only.Contains(entry.Name))
            .Select(entry => (Make(entry.Name, entry.Key, entry.HelpName), entry.Key))];

    /// <summary>The names of all options for single keys but some.</summary>
    public static string[] AllBut(params string[] left) => [.. s_keys.Select(entry => entry.Name).Except(left)];

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_config);
        AddOverridesTo(command);
    }

    /// <summary>Adds those that are laid over a job to a command that has the job itself.</summary>
    public void AddOverridesTo(Command command)
    {
        command.Add(_set);
        foreach ((Option<string?> option, _) in _keyed)
            command.Add(option);
    }

    /// <summary>What is laid over the job, the lowest first.</summary>
    /// <param name="result">The parsed command line.</param>
    public JobSource[] Overrides(ParseResult result) =>
    [
        .. (result.GetValue(_set) ?? []).Select(FromSet),
        .. _keyed.Where(entry => result.GetValue(entry.Option) is not null)
            .Select(entry => JobSource.FromOption(entry.Key, result.GetValue(entry.Option)!, entry.Option.Name)),
    ];

    /// <summary>The resolved job.</summary>
    /// <param name="result">The parsed command line.</param>
    /// <param name="data">Looks at the data where no job file is named.</param>
    /// <param name="manyRead">Whether several processes will read the data, which a pipe does not allow.</param>
    /// <param name="over">What is laid over all else.</param>
    /// <returns>The job, a name for it, and what has been read of its data.</returns>
    /// <exception cref="DistTrainerException">Something is wrong in it
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public (JobFile Job, string Name, TableJob? Table) Read(
        ParseResult result, IDataAccess data, bool manyRead = false, params JobSource[] over)
    {
        JobSource[] above = [.. Overrides(result), .. over];
        if (result.GetValue(_config) is { } path)
        {
            JobFile given = JobFile.Read([JobSource.FromFile(path), .. above]);
            if (manyRead)
                SourceFiles.RefusePipes(given.Job.Data);
            return (given, Path.GetFileNameWithoutExtension(path), null);
        }

        string source = SourceOf(above);
        if (manyRead)
            SourceFiles.RefusePipes(new DataDescription { Source = source });
        string name = Path.GetFileNameWithoutExtension(source.TrimEnd('/'));
        bool isTable = !data.List().Any(known => known.Name == source && known.Target is null)
            && data.IsTable(BuiltInJobs.DataOf(source, above));
        JobFile job = JobFile.Read([BuiltInJobs.For(source, data, above, isTable), .. above]);
        if (!isTable)
            return (job, name, null);
        TableJob table = BuiltInJobs.ForTable(job.Job.Model.Loss.Task, data, above);
        return (table.Job, name, table);
    }

    // The data decide which built-in job is taken, so their name is needed before the whole job can be read.
    private static string SourceOf(JobSource[] above) =>
        JobFile.Read([BuiltInJobs.Read("classification"), .. above.Where(SetsSource)]) is var file
        && above.Any(SetsSource)
        ? file.Job.Data.Source
        : BuiltInJobs.DefaultData;

    private static bool SetsSource(JobSource source) => source.Text.StartsWith("data.source ", StringComparison.Ordinal)
        || source.Text.StartsWith("data.source=", StringComparison.Ordinal);

    /// <summary>A key and its value.</summary>
    /// <param name="text">As they are written, <c>key=value</c>.</param>
    internal static JobSource FromSet(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? new JobSource(text, $"--set {text}")
            : throw new DistTrainerException(
                FailureKind.Configuration,
                $"--set: \"{text}\" has no key and value; write --set key=value, e.g. --set training.epochs=3.");
    }

    private static Option<string?> Make(string name, string key, string helpName)
    {
        JobKeyInfo info = JobKeys.Of(key);
        string standard = info.Default is null ? "" : $". Default: {info.Default} (or the job's)";
        return new Option<string?>(name)
        {
            Description = $"{info.Meaning}: {info.Allowed}{standard}",
            HelpName = helpName,
        };
    }
}
