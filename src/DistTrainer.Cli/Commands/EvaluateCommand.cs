using System.CommandLine;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer evaluate</c>.</summary>
internal sealed class EvaluateCommand : Command
{
    /// <summary>Makes the command.</summary>
    public EvaluateCommand(CliConsole console, CliServices services)
        : base(
            "evaluate",
            "Prints a model's loss and accuracy (or R²) on the held-out part of its own data, or on a file with "
            + "targets.")
    {
        Argument<string> model = ModelArgument.Create();
        var data = new Option<string?>("--data")
        {
            Description = "A file with features and targets; without it the test part of the model's own data is taken",
            HelpName = "FILE",
        };
        Add(model);
        Add(data);
        SetAction(result =>
        {
            TrainedModel saved = ModelFile.Load(RunFolder.ModelOf(result.GetRequiredValue(model)));
            DataDescription own = saved.Job.Job.Data;
            ISampleSource samples = result.GetValue(data) is { } path
                ? services.Data.LoadLabelled(OtherFile(own, path), saved.Schema)
                : TestPart(services.Data.Load(own, saved.Job.Job.Model.Loss), saved);
            using var evaluator = new Evaluator(saved.Network, samples.TargetWidth);
            LossSums sums = evaluator.Evaluate(samples, saved.Parameters);
            console.Output.WriteLine(
                TestFigures.Of(sums, samples, saved.Schema.Task)
                .Line(result.GetValue(data) is null ? "test" : "evaluation"));
            console.Output.WriteLine($"parameters sha256={saved.ParameterHash}");
        });
    }

    /// <summary>
    /// The way to read another file for a model: column names are the model's, the format goes by the file's name.
    /// </summary>
    /// <param name="own">The description of the model's own data.</param>
    /// <param name="path">The other file.</param>
    internal static DataDescription OtherFile(DataDescription own, string path) =>
        own with
        {
            Source = path,
            Settings = path == own.Source ? own.Settings : new DataDescription().Settings,
            TestSource = null,
            Format = DataFormat.Auto,
            Targets = [],
            Arrays = path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase) ? own.Arrays : new(),
            Limit = 0,
        };

    private static ISampleSource TestPart(DataParts parts, TrainedModel saved)
    {
        if (parts.Train.FeatureCount != saved.Network.Inputs || parts.Schema.Outputs != saved.Network.Outputs)
            throw new DistTrainerException(
                FailureKind.Data,
                $"{saved.Job.Job.Data.Source}: has {parts.Train.FeatureCount} features and {parts.Schema.Outputs} "
                + $"outputs now; the model was trained on {saved.Network.Inputs} and {saved.Network.Outputs}: name "
                + "the data with --data.");
        return parts.Test.Count > 0
            ? parts.Test
            : throw new DistTrainerException(
                FailureKind.Data,
                $"{saved.Job.Job.Data.Source}: has no test part (data.test-fraction = 0); name data with --data.");
    }
}
