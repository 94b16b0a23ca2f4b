using System.CommandLine;
using System.Text;
using DistTrainer.Cli.Progress;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer predict</c>.</summary>
internal sealed class PredictCommand : Command
{
    /// <summary>Makes the command.</summary>
    public PredictCommand(CliConsole console, CliServices services)
        : base(
            "predict",
            "Predicts each row of a file: the class and the probabilities of all classes, or the values in the "
            + "targets' own units.")
    {
        Argument<string> model = ModelArgument.Create();
        var data = new Option<string>("--data")
        {
            Description = "A file with the features; target columns may be there and are not used",
            HelpName = "FILE",
            Required = true,
        };
        var format = new Option<string>("--format")
        {
            Description = "Form of the output: csv or json",
            HelpName = "csv|json",
            DefaultValueFactory = _ => "csv",
        };
        var output = new Option<string?>("--output")
        {
            Description = "Writes to this file. Default: standard output",
            HelpName = "FILE",
        };
        Add(model);
        Add(data);
        Add(format.AcceptOnlyFromAmong("csv", "json"));
        Add(output);
        SetAction(result =>
        {
            TrainedModel saved = ModelFile.Load(RunFolder.ModelOf(result.GetRequiredValue(model)));
            string source = result.GetRequiredValue(data);
            RowBlocks<PredictionRows> rows = services.Data.StreamForPrediction(
                EvaluateCommand.OtherFile(saved.Job.Job.Data, source), saved.Schema);
            var run = new PredictionRun(saved, rows, result.GetValue(format) == "json");
            RowProgress.Show(console, source, () => rows.Share, report =>
            {
                if (result.GetValue(output) is { } path)
                    AtomicFile.Write(path, stream => run.Write(stream.Write, report));
                else
                    run.Write(text => console.Machine.Write(Encoding.UTF8.GetString(text)), report);
            });
            foreach (string note in rows.Notes)
                console.Error.WriteLine($"note: {note}");
        });
    }
}
