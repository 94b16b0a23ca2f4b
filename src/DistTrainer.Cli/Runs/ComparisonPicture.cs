using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using OxyPlot;
using OxyPlot.Series;

namespace DistTrainer.Cli.Runs;

/// <summary>What a run's <c>metrics.jsonl</c> says, whether the run has ended or not.</summary>
/// <param name="Name">Name of the run folder.</param>
/// <param name="Steps">Its step reports.</param>
/// <param name="Epochs">Its epochs.</param>
internal sealed record RunCurves(string Name, IReadOnlyList<StepReport> Steps, IReadOnlyList<EpochReport> Epochs)
{
    /// <summary>Reads them.</summary>
    /// <exception cref="DistTrainerException">The folder has no metrics
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static RunCurves Read(string folder)
    {
        string path = Path.Combine(folder, "metrics.jsonl");
        if (!AtomicFile.IsThere(path))
            throw new DistTrainerException(
                FailureKind.Configuration, $"{folder} has no metrics.jsonl; give a run folder, as train leaves it.");
        object?[] reports = [.. LineFile.WholeLines(path).Select(line => RunLines.Read(line)?.Report)];
        return new RunCurves(Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)),
            [.. reports.OfType<StepReport>()], [.. reports.OfType<EpochReport>()]);
    }
}

/// <summary>Draws one figure of several runs: a color a run, training solid and validation dashed.</summary>
internal static class ComparisonPicture
{
    private static readonly OxyColor[] s_colors =
        [OxyColors.SteelBlue, OxyColors.DarkOrange, OxyColors.SeaGreen, OxyColors.Crimson, OxyColors.MediumPurple,
            OxyColors.SaddleBrown, OxyColors.HotPink, OxyColors.Gray];

    /// <summary>The picture as SVG.</summary>
    /// <param name="metric">What is drawn.</param>
    /// <param name="runs">The runs; at least one.</param>
    /// <exception cref="DistTrainerException">No run has any value of it
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static string Draw(PlottedMetric metric, IReadOnlyList<RunCurves> runs)
    {
        bool byEpoch = metric.OfStep is null || (metric.OfEpoch.Count > 0 && runs.All(run => run.Epochs.Count > 0));
        LineSeries[] lines = [.. runs.SelectMany((run, number) => byEpoch
            ? metric.OfEpoch.Select(
                part => Line(
                    $"{run.Name} {part.Part}", number, part.Part, run.Epochs.Select(
                        e => ((long)e.Epoch, part.Value(e)))))
            : [Line(run.Name, number, "", run.Steps.Select(s => (s.Step, metric.OfStep!(s))))])
                .Where(line => line.Points.Count > 0)];
        if (lines.Length == 0)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"None of the runs has any {metric.Name}; there are {string.Join(", ", PlottedMetric.Names)}.");
        PlotModel plot = CurvesPicture.Plot(
            $"{metric.Name} of {runs.Count} run{(runs.Count == 1 ? "" : "s")}", byEpoch ? "epoch"
            : "step", metric.Name);
        foreach (LineSeries line in lines)
            plot.Series.Add(line);
        return CurvesPicture.Svg(plot);
    }

    private static LineSeries Line(string title, int run, string part, IEnumerable<(long X, double? Y)> points) =>
        CurvesPicture.Line(
        title, s_colors[run % s_colors.Length], part == PlottedMetric.Validation ? LineStyle.Dash
            : LineStyle.Solid, null, points);
}
