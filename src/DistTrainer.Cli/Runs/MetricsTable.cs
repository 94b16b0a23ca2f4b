using System.Globalization;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// The lines of <c>metrics.csv</c>: the step and epoch reports of <c>metrics.jsonl</c> for spreadsheets, with the same
/// names. What a report does not have is empty.
/// </summary>
internal static class MetricsTable
{
    private static readonly string[] s_columns = Columns();

    /// <summary>The first line.</summary>
    public static string Header { get; } = string.Join(',', ["type", "step", "epoch", .. s_columns]);

    /// <summary>A step report's line.</summary>
    public static string Of(StepReport report) =>
        Line("step", report.Step, report.Epoch, ReportFigures.OfStep, report);

    /// <summary>An epoch's line.</summary>
    public static string Of(EpochReport report) =>
        Line("epoch", report.Step, report.Epoch, ReportFigures.OfEpoch, report);

    /// <summary>Whether a line is a header, perhaps of an older version with fewer columns, or of a step up to the one
    /// named.</summary>
    public static bool IsUpTo(string line, long lastStep) =>
        line.StartsWith("type,step,", StringComparison.Ordinal) || (line.Split(',') is [_, var step, ..]
            && long.TryParse(step, CultureInfo.InvariantCulture, out long number) && number <= lastStep);

    // Those of epochs, and those that only steps have behind the one that comes before them there.
    private static string[] Columns()
    {
        List<string> columns = [.. ReportFigures.OfEpoch.In(FigurePlaces.Table).Select(figure => figure.Key)];
        int next = 0;
        foreach (string key in ReportFigures.OfStep.In(FigurePlaces.Table).Select(figure => figure.Key))
        {
            if (!columns.Contains(key))
                columns.Insert(next, key);
            next = columns.IndexOf(key) + 1;
        }
        return [.. columns];
    }

    private static string Line<TReport>(
        string type, long step, int epoch, IEnumerable<Figure<TReport>> figures, TReport report)
    {
        Dictionary<string, double?> values =
            figures.In(FigurePlaces.Table).ToDictionary(figure => figure.Key, figure => figure.Of(report));
        IEnumerable<string> texts = s_columns.Select(key => Text(values.GetValueOrDefault(key)));
        return string.Join(',', [type, Numbers.Text(step), Numbers.Text(epoch), .. texts]);
    }

    private static string Text(double? value) =>
        value is { } number && double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture) : "";
}
