using System.Globalization;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli;

/// <summary>The lines of <c>metrics.csv</c>: the step and epoch reports of <c>metrics.jsonl</c> for spreadsheets, with the same names. What a report does not have is empty.</summary>
internal static class MetricsTable
{
    /// <summary>The first line.</summary>
    public const string Header = "type,step,epoch,loss,accuracy,validationLoss,validationAccuracy,learningRate,gradientNorm,samplesPerSecond";

    /// <summary>A step report's line.</summary>
    public static string Of(StepReport report) =>
        Line("step", report.Step, report.Epoch, report.Loss, report.Accuracy, null, null, report.LearningRate, report.GradientNorm, report.SamplesPerSecond);

    /// <summary>An epoch's line.</summary>
    public static string Of(EpochReport report) =>
        Line("epoch", report.Step, report.Epoch, report.TrainLoss, report.TrainAccuracy, report.ValidationLoss, report.ValidationAccuracy, report.LearningRate, null, report.SamplesPerSecond);

    /// <summary>Whether a line is the header, or of a step up to the one named.</summary>
    public static bool IsUpTo(string line, long lastStep) =>
        line == Header || (line.Split(',') is [_, var step, ..] && long.TryParse(step, CultureInfo.InvariantCulture, out long number) && number <= lastStep);

    private static string Line(string type, long step, int epoch, params double?[] values) =>
        string.Join(',', [type, Numbers.Text(step), Numbers.Text(epoch), .. values.Select(value => value is { } number && double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture) : "")]);
}
