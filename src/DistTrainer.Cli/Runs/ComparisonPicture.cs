using DistTrainer.Cluster;
using DistTrainer.Engine;
using OxyPlot;
using OxyPlot.Series;

namespace DistTrainer.Cli;

/// <summary>What a run's <c>metrics.jsonl</c> says, whether the run has ended or not.</summary>
/// <param name="Name">Name of the run folder.</param>
/// <param name="Steps">Its step reports.</param>
/// <param name="Epochs">Its epochs.</param>
internal sealed record RunCurves(string Name, IReadOnlyList<StepReport> Steps, IReadOnlyList<EpochReport> Epochs)
{
    /// <summary>Reads them.</summary>
    /// <exception cref="DistTrainerException">The folder has no metrics (<see cref="FailureKind.Configuration"/>).</exception>
    public static RunCurves Read(string folder)
    {
        string path = Path.Combine(folder, "metrics.jsonl");
        if (!File.Exists(path))
            throw new DistTrainerException(FailureKind.Configuration, $"{folder} has no metrics.jsonl; give a run folder, as train leaves it.");
        object?[] reports = [.. LineFile.WholeLines(path).Select(line => RunLines.Read(line)?.Report)];
        return new RunCurves(Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)), [.. reports.OfType<StepReport>()], [.. reports.OfType<EpochReport>()]);
    }
}

/// <summary>Draws one figure of several runs: a color a run, training solid and validation dashed.</summary>
internal static class ComparisonPicture
{
    /// <summary>What can be drawn, by name: loss and accuracy over epochs, the others over steps.</summary>
    public static readonly string[] Metrics = ["loss", "accuracy", "learning-rate", "gradient-norm", "samples-per-second"];

    private static readonly OxyColor[] s_colors =
        [OxyColors.SteelBlue, OxyColors.DarkOrange, OxyColors.SeaGreen, OxyColors.Crimson, OxyColors.MediumPurple, OxyColors.SaddleBrown, OxyColors.HotPink, OxyColors.Gray];

    /// <summary>The picture as SVG.</summary>
    /// <param name="metric">One of <see cref="Metrics"/>.</param>
    /// <param name="runs">The runs; at least one.</param>
    /// <exception cref="DistTrainerException">No run has any value of it (<see cref="FailureKind.Configuration"/>).</exception>
    public static string Draw(string metric, IReadOnlyList<RunCurves> runs)
    {
        bool byEpoch = metric is "loss" or "accuracy" && runs.All(run => run.Epochs.Count > 0);
        LineSeries[] lines = [.. runs.SelectMany((run, number) => byEpoch
            ? (LineSeries[])
            [
                CurvesPicture.Line($"{run.Name} training", s_colors[number % s_colors.Length], LineStyle.Solid, null, run.Epochs.Select(e => ((long)e.Epoch, metric == "loss" ? e.TrainLoss : e.TrainAccuracy))),
                CurvesPicture.Line($"{run.Name} validation", s_colors[number % s_colors.Length], LineStyle.Dash, null, run.Epochs.Select(e => ((long)e.Epoch, metric == "loss" ? e.ValidationLoss : e.ValidationAccuracy))),
            ]
            : [CurvesPicture.Line(run.Name, s_colors[number % s_colors.Length], LineStyle.Solid, null, run.Steps.Select(s => (s.Step, Of(s, metric))))]).Where(line => line.Points.Count > 0)];
        if (lines.Length == 0)
            throw new DistTrainerException(FailureKind.Configuration, $"None of the runs has any {metric}; there are {string.Join(", ", Metrics)}.");
        PlotModel plot = CurvesPicture.Plot($"{metric} of {runs.Count} run{(runs.Count == 1 ? "" : "s")}", byEpoch ? "epoch" : "step", metric);
        foreach (LineSeries line in lines)
            plot.Series.Add(line);
        return CurvesPicture.Svg(plot);
    }

    private static double? Of(StepReport report, string metric) => metric switch
    {
        "loss" => report.Loss,
        "accuracy" => report.Accuracy,
        "learning-rate" => report.LearningRate,
        "gradient-norm" => report.GradientNorm,
        _ => report.SamplesPerSecond,
    };
}
