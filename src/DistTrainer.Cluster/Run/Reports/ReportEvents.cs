using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>The reports of a run as events of the log.</summary>
internal static class ReportEvents
{
    /// <summary>The template of a step report.</summary>
    public static string Steps { get; } = $"steps epoch={{Epoch}} step={{Step}}{Fields(ReportFigures.OfStep)}";

    /// <summary>The template of an epoch report.</summary>
    public static string EpochEnded { get; } =
        $"epoch-ended epoch={{Epoch}} step={{Step}}{Fields(ReportFigures.OfEpoch)} parameterHash={{ParameterHash}}";

    /// <summary>Logs a step report.</summary>
    public static void Event(this ILoggingAdapter log, StepReport report) => log.Event(
        LogLevel.InfoLevel, Steps, [report.Epoch, report.Step, .. Values(ReportFigures.OfStep, report)]);

    /// <summary>Logs an epoch report.</summary>
    public static void Event(this ILoggingAdapter log, EpochReport report) => log.Event(
        LogLevel.InfoLevel, EpochEnded,
        [report.Epoch, report.Step, .. Values(ReportFigures.OfEpoch, report), report.ParameterHash]);

    private static string Fields<TReport>(IEnumerable<Figure<TReport>> figures) =>
        string.Concat(figures.In(FigurePlaces.Log).Select(figure => $" {figure.LogField}"));

    private static IEnumerable<object?> Values<TReport>(IEnumerable<Figure<TReport>> figures, TReport report) =>
        figures.In(FigurePlaces.Log).Select(figure => (object?)figure.Of(report));
}
