using System.CommandLine;
using System.Text;
using System.Text.Json;
using DistTrainer.Cli.Progress;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Metrics;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer evaluate</c>.</summary>
internal sealed class EvaluateCommand : Command
{
    /// <summary>Makes the command.</summary>
    public EvaluateCommand(CliConsole console, CliServices services)
        : base(
            "evaluate",
            "Prints how well a model predicts the held-out part of its own data, or a file with targets: loss, "
            + "accuracy, log loss, AUC, F1, confusion matrix; or errors and R² of values.")
    {
        Argument<string> model = ModelArgument.Create();
        var data = new Option<string?>("--data")
        {
            Description = "A file with features and targets; without it the test part of the model's own data is "
                + "taken, or the validation part where there is none",
            HelpName = "FILE",
        };
        var asJson = new Option<bool>("--json") { Description = "Prints the figures as one JSON object" };
        Add(model);
        Add(data);
        Add(asJson);
        SetAction(result =>
        {
            TrainedModel saved = ModelFile.Load(RunFolder.ModelOf(result.GetRequiredValue(model)));
            DataDescription own = saved.Job.Job.Data;
            string name = "evaluation";
            using var part = new PartEvaluation(saved.Network, saved.Parameters, saved.Schema);
            if (result.GetValue(data) is { } path)
            {
                RowBlocks<DataSet> rows = services.Data.StreamLabelled(OtherFile(own, path), saved.Schema);
                RowProgress.Show(
                    console, path, () => rows.Share, report => part.Add(rows.Select(block => block), report));
                foreach (string note in rows.Notes)
                    console.Error.WriteLine($"note: {note}");
            }
            else
                part.Add(HeldOutPart(services.Data.Load(own, saved.Job.Job.Model.Loss), saved, console, out name));
            TestFigures figures = TestFigures.Of(part.Sums, part.Targets(), saved.Schema.Task);
            QualityFigures? quality = part.Quality();
            if (result.GetValue(asJson))
            {
                console.Output.WriteLine(Json(figures, quality, saved));
                return;
            }
            console.Output.WriteLine(figures.Line(name));
            foreach (string line in quality?.Lines() ?? [])
                console.Output.WriteLine(line);
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

    private static string Json(TestFigures figures, QualityFigures? quality, TrainedModel saved)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JsonNumbers.Readable }))
        {
            json.WriteStartObject();
            json.WriteNumber("samples", figures.Count);
            json.WriteFinite("loss", figures.Loss);
            quality?.Write(json);
            json.WriteString("parameterHash", saved.ParameterHash);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static ISampleSource HeldOutPart(
        DataParts parts, TrainedModel saved, CliConsole console, out string name)
    {
        if (parts.Train.FeatureCount != saved.Network.Inputs || parts.Schema.Outputs != saved.Network.Outputs)
            throw new DistTrainerException(
                FailureKind.Data,
                $"{saved.Job.Job.Data.Source}: has {parts.Train.FeatureCount} features and {parts.Schema.Outputs} "
                + $"outputs now; the model was trained on {saved.Network.Inputs} and {saved.Network.Outputs}: name "
                + "the data with --data.");
        name = parts.Test.Count > 0 ? "test" : "validation";
        if (parts.Test.Count > 0)
            return parts.Test;
        if (parts.Validation.Count > 0)
            console.Error.WriteLine(
                "note: the data have no test part (data.test-fraction = 0); these are the figures of the validation "
                + "part, by which the best epoch was chosen: name data that training has not seen with --data");
        return parts.Validation.Count > 0
            ? parts.Validation
            : throw new DistTrainerException(
                FailureKind.Data,
                $"{saved.Job.Job.Data.Source}: has neither a test nor a validation part; name data with --data.");
    }
}
