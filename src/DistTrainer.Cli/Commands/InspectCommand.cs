using System.CommandLine;
using System.Globalization;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer inspect</c>.</summary>
internal sealed class InspectCommand : Command
{
    /// <summary>Makes the command.</summary>
    public InspectCommand(CliConsole console)
        : base(
            "inspect",
            "Describes a model: its data, its layers, and for each layer's weights and biases their shape, mean, "
            + "deviation, range, norm, share of zeros and histogram.")
    {
        Argument<string> model = ModelArgument.Create();
        var verify = new Option<bool>("--verify")
        {
            Description =
                "Checks every byte of the model and of all checkpoints of a run instead; exit code 4 if the model or "
                + "the newest checkpoint is damaged",
        };
        var ledger = new Option<bool>("--ledger")
        {
            Description =
                "Proves from a run's ledger instead that every step was counted once, with each sample once an epoch; "
                + "exit code 4 if not",
        };
        Add(model);
        Add(verify);
        Add(ledger);
        SetAction(result =>
        {
            string path = result.GetRequiredValue(model);
            if (result.GetValue(verify))
                RunInspection.Verify(path, console.Output);
            if (result.GetValue(ledger))
                RunInspection.CheckLedger(path, console.Output);
            if (!result.GetValue(verify) && !result.GetValue(ledger))
                Print(console.Output, ModelFile.Load(RunFolder.ModelOf(path)));
        });
    }

    private static void Print(TextWriter output, TrainedModel saved)
    {
        DataSchema schema = saved.Schema;
        output.WriteLine(
            $"data        {saved.Job.Job.Data.Source}: {schema.Task.ToString().ToLowerInvariant()}, "
            + $"{Numbers.Text(schema.FeatureNames.Count)} features, {Numbers.Text(schema.Outputs)} outputs");
        if (schema.ClassNames.Count > 0)
            output.WriteLine(
                "classes     "
                + $"{string.Join(", ", schema.ClassNames.Take(20))}{(schema.ClassNames.Count > 20 ? ", …" : "")}");
        output.WriteLine(
            $"parameters  {Numbers.Text(saved.Parameters.Length)} in "
            + $"{Numbers.Text(saved.Network.Layout.Tensors.Count)} tensors");
        output.WriteLine($"sha256      {saved.ParameterHash}");
        foreach (NetworkLayer layer in saved.Network.Layers)
        {
            output.WriteLine();
            output.WriteLine($"layer {layer.Title}");
            foreach (ParameterTensor tensor in saved.Network.Layout.Tensors.Where(tensor =>
                tensor.Layer == layer.Index))
                Print(output, tensor, TensorFigures.Of(saved.Parameters.AsSpan(tensor.Offset, tensor.Length)));
        }
    }

    private static void Print(TextWriter output, ParameterTensor tensor, TensorFigures figures)
    {
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {tensor.Name} {tensor.ShapeText} count={figures.Count} mean={figures.Mean:G4} "
                + $"deviation={figures.Deviation:G4} minimum={figures.Minimum:G4} maximum={figures.Maximum:G4} "
                + $"norm={figures.Norm:G4} zeros={figures.ZeroShare:P1}"));
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture, $"  {figures.Minimum,10:G3} |{figures.Histogram}| {figures.Maximum:G3}"));
    }
}
