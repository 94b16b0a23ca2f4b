using System.CommandLine;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary>
/// <c>train --folds</c>: a run for each fold, one after another, each in a run folder of its own.
/// </summary>
/// <param name="console">Where the figures go.</param>
/// <param name="signals">How it is stopped.</param>
/// <param name="run">Runs one.</param>
internal sealed class FoldedRun(CliConsole console, StopSignals signals, LocalRun run)
{
    private readonly Option<string?> _folds = new("--folds")
    {
        Description =
            "Trains K times, each time with another K-th of the rows outside the test part for validation, into "
            + $"fold-1 to fold-K of the output folder; {FoldSummary.Name} there has each fold's figures with mean and "
            + $"deviation: a whole number from 2 to {Numbers.Text(SplitSettings.MostFolds)}. Default: one run",
        HelpName = "K",
    };
    private readonly Option<string?> _keep = new("--keep")
    {
        Description = "With --folds: whose run folders stay at the end, all or that of the fold with the lowest "
            + "validation loss: all or best. Default: all",
        HelpName = "all|best",
    };

    /// <summary>Adds its options.</summary>
    public void AddTo(Command command)
    {
        command.Add(_folds);
        command.Add(_keep.AcceptOnlyFromAmong("all", "best"));
    }

    /// <summary>What is laid over the job for the first fold; none without folds.</summary>
    /// <param name="options">The parsed command line.</param>
    /// <exception cref="DistTrainerException">There is something to keep, but no folds.</exception>
    public JobSource[] Overrides(ParseResult options)
    {
        string? folds = options.GetValue(_folds);
        if (folds is null && options.GetValue(_keep) is not null)
            throw new DistTrainerException(
                FailureKind.Configuration, "--keep counts only with --folds; name the number of folds, or leave it "
                + "out.");
        return folds is null ? []
            : [JobSource.FromOption("data.split.folds", folds, _folds.Name),
                JobSource.FromOption("data.split.fold", "1", _folds.Name)];
    }

    /// <summary>Runs all folds, or until a signal; those that are whole stay.</summary>
    /// <param name="options">The parsed command line.</param>
    /// <param name="first">The job of the first fold.</param>
    /// <param name="name">The name of the whole.</param>
    /// <param name="load">Reads a job's data.</param>
    /// <param name="initial">The parameters to start from, of a network's tensors; null: by the job's seed.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="DistTrainerException">A fold cannot be run; those before it stay.</exception>
    public async Task<int> RunAsync(
        ParseResult options, JobFile first, string name, Func<JobDescription, DataParts> load,
        Func<ParameterLayout, float[]?> initial)
    {
        int folds = first.Job.Data.Split.Folds!.Value;
        DataParts data = load(first.Job);
        signals.Listen();
        using var folder = RunFolder.Create(first.Run.Output, "runs", name, needed: 0);
        var done = new List<FoldFigures>();
        for (int fold = 1; fold <= folds; fold++)
        {
            string path = Path.Combine(folder.Path, FoldFigures.NameOf(fold));
            JobFile file = OfFold(first, fold, path);
            data = fold == 1 ? data : load(file.Job);
            ParameterLayout layout = JobNetwork.Create(file.Job.Model, data.Schema).Layout;
            int code = signals.ExitCode != 0 ? signals.ExitCode : await run.RunAsync(
                options, file, data, layout, $"{name}-{FoldFigures.NameOf(fold)}", initial(layout), null);
            if (code != ExitCodes.Fine)
            {
                string job = Path.Combine(folder.Path, FoldFigures.NameOf(1), RunFolder.JobName);
                console.Output.WriteLine(
                    $"stopped with {Numbers.Text(done.Count)} of {Numbers.Text(folds)} folds whole; to run another "
                    + $"one: disttrainer train --config {job} --set data.split.fold=K "
                    + $"--output {Path.Combine(folder.Path, "fold-K")}");
                return code;
            }
            done.Add(FoldFigures.Read(path, fold)!);
            console.Output.WriteLine(done[^1].Line(folds));
        }
        Complete(folder, new FoldSummary(done, options.GetValue(_keep) == "best"));
        return ExitCodes.Fine;
    }

    private void Complete(RunFolder folder, FoldSummary summary)
    {
        folder.RequireOwned();
        folder.WriteText(FoldSummary.Name, summary.Write());
        folder.Keep();
        foreach (FoldFigures other in summary.Others)
            Delete(Path.Combine(folder.Path, other.Folder));
        foreach (string line in summary.Lines())
            console.Output.WriteLine(line);
        console.Output.WriteLine($"best run folder {Path.Combine(folder.Path, summary.Best.Folder)}");
    }

    private static JobFile OfFold(JobFile first, int fold, string path)
    {
        DataDescription data = first.Job.Data;
        return new JobFile(
            first.Job with { Data = data with { Split = data.Split with { Fold = fold } } },
            first.Run with { Output = path });
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(
                FailureKind.Disk, $"{folder}: cannot be deleted ({failure.Message.TrimEnd('.')}); all folds are "
                + $"trained and {FoldSummary.Name} is written: delete it yourself.", failure);
        }
    }
}
