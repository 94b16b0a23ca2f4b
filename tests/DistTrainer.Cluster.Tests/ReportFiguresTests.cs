using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Akka.Event;
using Akka.TestKit.Xunit2;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Reports;
using DistTrainer.Cluster.Step;
using Xunit;
using LogEvent = DistTrainer.Cluster.Logging.LogEvent;

namespace DistTrainer.Cluster.Tests;

/// <summary>
/// Every row of the table of figures is in the log and in the meter where it says so: so is a new one.
/// </summary>
public sealed class ReportFiguresTests : TestKit
{
    private static readonly StepReport s_step =
        new(7, 2, 5, 20, 0.5, 0.75, 0.001, 1.5, 1234.9, new StepTimes(1, 2, 3, 4));

    private static readonly EpochReport s_epoch = new(2, 10, 0.5, 0.75, 0.25, 0.875, 0.001, 1234.9, 6.5, "ab12");

    [Fact]
    public void Events_of_the_log_are_as_they_have_always_been()
    {
        Assert.Equal(
            "steps epoch=2 step=7 loss=0.5 accuracy=0.75 learningRate=0.001 gradientNorm=1.5 samplesPerSecond=1235",
            Logged(log => log.Event(s_step)).ToString());
        Assert.Equal(
            "steps epoch=2 step=7 loss=0.5 accuracy= learningRate=0.001 gradientNorm=1.5 samplesPerSecond=1235",
            Logged(log => log.Event(s_step with { Accuracy = null })).ToString());
        Assert.Equal(
            "epoch-ended epoch=2 step=10 trainLoss=0.5 trainAccuracy=0.75 validationLoss=0.25 validationAccuracy=0.875 "
                + "learningRate=0.001 samplesPerSecond=1235 parameterHash=ab12",
            Logged(log => log.Event(s_epoch)).ToString());
    }

    [Fact]
    public void Every_figure_is_a_field_of_the_log_where_it_says_so()
    {
        StepReport step = Numbered(ReportFigures.OfStep, s_step);
        EpochReport epoch = Numbered(ReportFigures.OfEpoch, s_epoch);
        AssertFields(ReportFigures.OfStep, step, Logged(log => log.Event(step)));
        AssertFields(ReportFigures.OfEpoch, epoch, Logged(log => log.Event(epoch)));
    }

    [Fact]
    public void Every_figure_is_in_the_meter_with_its_unit_and_meaning_where_it_says_so()
    {
        // Other tests of this process may train meanwhile: these values are not theirs.
        var recorded = new ConcurrentBag<(string Name, string? Unit, string? Meaning, double Value)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == TrainingMeter.Name)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
            recorded.Add((instrument.Name, instrument.Unit, instrument.Description, value)));
        listener.Start();
        StepReport step = Numbered(ReportFigures.OfStep, s_step);
        EpochReport epoch = Numbered(ReportFigures.OfEpoch, s_epoch);
        TrainingMeter.Step(step, 1, 1);
        TrainingMeter.Epoch(epoch);
        (string Name, string?, string?, double)[] own = [.. recorded.Where(one => one.Value > 1e9).Order()];
        Assert.Equal(Metered(ReportFigures.OfStep, step).Concat(Metered(ReportFigures.OfEpoch, epoch)).Order(), own);
        string[] names =
        [
            "accuracy", "gradient_norm", "learning_rate", "loss", "throughput", "validation.accuracy",
            "validation.auc", "validation.balanced_accuracy", "validation.f1_macro", "validation.log_loss",
            "validation.loss", "validation.mean_absolute_error", "validation.median_absolute_error", "validation.r2",
            "validation.root_mean_squared_error",
        ];
        Assert.Equal(names.Select(name => $"disttrainer.run.{name}"), own.Select(one => one.Name));
    }

    private static IEnumerable<(string, string?, string?, double)> Metered<TReport>(
        IEnumerable<Figure<TReport>> figures, TReport report) =>
        figures.In(FigurePlaces.Meter).Select(figure =>
            ($"disttrainer.run.{figure.Metric}", figure.Unit, (string?)figure.Meaning, figure.Of(report)!.Value));

    private static TReport Numbered<TReport>(IReadOnlyList<Figure<TReport>> figures, TReport report)
    {
        for (int row = 0; row < figures.Count; row++)
            report = figures[row].With(report, 2e9 + row);
        return report;
    }

    private static void AssertFields<TReport>(IEnumerable<Figure<TReport>> figures, TReport report, LogEvent logged)
    {
        double[] values = [.. logged.Fields.Select(field => field.Value).OfType<double>()];
        Assert.Equal(figures.In(FigurePlaces.Log).Select(figure => figure.Of(report)!.Value), values);
    }

    private LogEvent Logged(Action<ILoggingAdapter> write)
    {
        Sys.EventStream.Subscribe(TestActor, typeof(Info));
        write(Akka.Event.Logging.GetLogger(Sys, "run"));
        return Assert.IsType<LogEvent>(FishForMessage<Info>(info => info.Message is LogEvent).Message);
    }
}
