using System.CommandLine;
using System.Text;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine.Files;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer plot</c>.</summary>
internal sealed class PlotCommand : Command
{
    /// <summary>Makes the command.</summary>
    public PlotCommand(CliConsole console)
        : base("plot", "Draws a figure of one or more runs, ended or not, into one picture.")
    {
        var runs = new Argument<string[]>("runs")
        {
            Description = "Run folders",
            HelpName = "RUN",
            Arity = ArgumentArity.OneOrMore,
        };
        var metric = new Option<string>("--metric")
        {
            Description = $"What to draw: {string.Join(", ", PlottedMetric.Names)}",
            HelpName = "NAME",
            DefaultValueFactory = _ => "loss",
        };
        var output = new Option<string>("--output")
        {
            Description = "The picture, SVG; replaced where it exists",
            HelpName = "FILE",
            DefaultValueFactory = _ => "curves.svg",
        };
        Add(runs);
        Add(metric);
        Add(output);
        SetAction(result =>
        {
            PlottedMetric drawn = PlottedMetric.Find(result.GetRequiredValue(metric));
            string svg = ComparisonPicture.Draw(drawn, [.. result.GetRequiredValue(runs).Select(RunCurves.Read)]);
            string path = result.GetRequiredValue(output);
            AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(svg)));
            console.Output.WriteLine($"{path}: {drawn.Name} of {string.Join(", ", result.GetRequiredValue(runs))}");
        });
    }
}
