using System.CommandLine;
using DistTrainer.Cli.Runs;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer export</c>.</summary>
internal sealed class ExportCommand : Command
{
    /// <summary>Makes the command.</summary>
    public ExportCommand(CliConsole console)
        : base(
            "export",
            "Writes a model as an ONNX file, which takes raw features and gives what predict gives. "
            + "(model.safetensors in the run folder is already what PyTorch reads.)")
    {
        Argument<string> model = ModelArgument.Create();
        var output = new Option<string>("--output")
        {
            Description = "The file, e.g. model.onnx; replaced where it exists",
            HelpName = "FILE",
            Required = true,
        };
        Add(model);
        Add(output);
        SetAction(result =>
        {
            TrainedModel saved = ModelFile.Load(RunFolder.ModelOf(result.GetRequiredValue(model)));
            string path = result.GetRequiredValue(output);
            OnnxFile.Save(path, saved);
            console.Output.WriteLine(
                $"{path}: "
                + (saved.Schema.Columns.Count > 0
                    ? $"inputs={Numbers.Text(saved.Schema.Columns.Count)} columns by name[rows,1] "
                    : $"input={OnnxFile.Input}[rows,{Numbers.Text(saved.Network.Inputs)}] ")
                + $"output={OnnxFile.Output}[rows,{Numbers.Text(saved.Network.Outputs)}] parameters "
                + $"sha256={saved.ParameterHash}");
        });
    }
}
