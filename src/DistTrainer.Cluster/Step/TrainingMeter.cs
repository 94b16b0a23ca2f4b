using System.Diagnostics;
using System.Diagnostics.Metrics;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// The metrics of a process, for any listener of <see cref="System.Diagnostics.Metrics"/>, e.g. OpenTelemetry's
/// exporters. Those of a run come from the node that leads it, those of workers and parameter shards from their own
/// nodes. Nothing is measured anew for them: they are recorded when reports are made.
/// </summary>
public static class TrainingMeter
{
    /// <summary>The meter's name.</summary>
    public const string Name = "DistTrainer";

    private static readonly Meter s_meter = new(Name, typeof(TrainingMeter).Assembly.GetName().Version?.ToString(3));
    private static readonly Counter<long> s_steps = s_meter.CreateCounter<long>(
        "disttrainer.run.steps", "{step}", "Steps that were made, counted again where the run went back.");
    private static readonly Counter<long> s_samples = s_meter.CreateCounter<long>(
        "disttrainer.run.samples", "{sample}", "Training samples that went into the parameters.");
    private static readonly Gauge<long> s_epoch = s_meter.CreateGauge<long>(
        "disttrainer.run.epoch", "{epoch}", "The open epoch, counted from 1.");
    private static readonly (Figure<StepReport>, Gauge<double>)[] s_ofStep = Gauges(ReportFigures.OfStep);
    private static readonly (Figure<EpochReport>, Gauge<double>)[] s_ofEpoch = Gauges(ReportFigures.OfEpoch);
    private static readonly Gauge<long> s_generation = s_meter.CreateGauge<long>(
        "disttrainer.run.generation", "{generation}", "Version of the membership.");
    private static readonly Gauge<long> s_workers = s_meter.CreateGauge<long>(
        "disttrainer.run.workers", "{worker}", "Workers of the generation.");
    private static readonly Counter<long> s_lost = s_meter.CreateCounter<long>(
        "disttrainer.run.nodes_lost", "{node}", "Nodes that were lost by the run.");
    private static readonly Counter<long> s_repeated = s_meter.CreateCounter<long>(
        "disttrainer.run.steps_repeated", "{step}", "Steps that were lost and made again.");
    private static readonly Counter<long> s_checkpoints = s_meter.CreateCounter<long>(
        "disttrainer.checkpoint.written", "{checkpoint}", "Checkpoints that were written.");
    private static readonly Histogram<double> s_checkpointDuration = Seconds(
        "disttrainer.checkpoint.duration", "From the request until a checkpoint was whole on the disk.");
    private static readonly Histogram<double> s_checkpointPause = Seconds(
        "disttrainer.checkpoint.pause", "How long steps stood still for a checkpoint.");
    private static readonly Histogram<double> s_compute = Seconds(
        "disttrainer.worker.compute.duration",
        "A worker's samples, forward and backward pass of a step; means between two reports.");
    private static readonly Histogram<double> s_wait = Seconds(
        "disttrainer.worker.wait.duration", "A worker's wait for parameters in a step; means between two reports.");
    private static readonly Histogram<double> s_gather = Seconds(
        "disttrainer.parameter_shard.gather.duration",
        "From a step's first contribution to its last; means between two reports.");
    private static readonly Histogram<double> s_apply = Seconds(
        "disttrainer.parameter_shard.apply.duration",
        "Summing, updating and handing out a step; means between two reports.");

    internal static void Step(StepReport report, long steps, long samples)
    {
        s_steps.Add(steps);
        s_samples.Add(samples);
        s_epoch.Record(report.Epoch);
        Record(s_ofStep, report);
    }

    internal static void Epoch(EpochReport report) => Record(s_ofEpoch, report);

    internal static void Generation(int generation, int workers)
    {
        s_generation.Record(generation);
        s_workers.Record(workers);
    }

    internal static void NodeLost() => s_lost.Add(1);

    internal static void WentBack(long steps) => s_repeated.Add(steps);

    internal static void Checkpoint(CheckpointReport report)
    {
        s_checkpoints.Add(1);
        s_checkpointDuration.Record(report.Seconds);
        s_checkpointPause.Record(report.Pause.TotalSeconds);
    }

    internal static void Worker(int worker, WorkerTimes times)
    {
        var tags = new TagList { { "worker", worker } };
        s_compute.Record(times.Compute / 1000, tags);
        s_wait.Record(times.Wait / 1000, tags);
    }

    internal static void ParameterShard(int shard, ParameterShardTimes times)
    {
        var tags = new TagList { { "parameter_shard", shard } };
        s_gather.Record(times.Gather / 1000, tags);
        s_apply.Record(times.Apply / 1000, tags);
    }

    private static (Figure<TReport>, Gauge<double>)[] Gauges<TReport>(IEnumerable<Figure<TReport>> figures) =>
        [.. figures.In(FigurePlaces.Meter).Select(figure =>
            (figure, s_meter.CreateGauge<double>($"disttrainer.run.{figure.Metric}", figure.Unit, figure.Meaning)))];

    private static void Record<TReport>((Figure<TReport>, Gauge<double>)[] gauges, TReport report)
    {
        foreach ((Figure<TReport> figure, Gauge<double> gauge) in gauges)
        {
            if (figure.Of(report) is { } value)
                gauge.Record(value);
        }
    }

    private static Histogram<double> Seconds(string name, string meaning) =>
        s_meter.CreateHistogram(name, "s", meaning, advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
        });
}
