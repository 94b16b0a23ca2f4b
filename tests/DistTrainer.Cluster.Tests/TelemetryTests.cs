using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class TelemetryTests
{
    private sealed class Silent : ITrainingObserver
    {
        public IRunControl? Control { get; private set; }

        public void OnControl(IRunControl control) => Control = control;

        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }
    }

    [Fact]
    public async Task Each_step_and_sample_of_a_run_is_counted_once_and_every_actor_s_times_are_recorded()
    {
        var sums = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
                { if (instrument.Meter.Name == TrainingMeter.Name) listener.EnableMeasurementEvents(instrument); },
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, _, _) => sums.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value));
        listener.SetMeasurementEventCallback<double>(
            (instrument, value, tags, _) => sums.AddOrUpdate(Name(instrument, tags), value, (_, sum) => sum + value));
        listener.Start();
        (JobDescription job, DataParts data) = Job();
        TrainingResult result = await LocalTrainer.RunAsync(
            job, data, new RunOptions { Workers = 2, ParameterShards = 2, ReportEvery = 3, RunId = "metrics" }, null,
            new Silent(), CancellationToken.None);

        // Other tests of this process may train meanwhile, so there may be more, and never less.
        Assert.True(
            sums["disttrainer.run.steps"] >= result.Steps, $"{sums["disttrainer.run.steps"]} of {result.Steps} steps");
        Assert.True(sums["disttrainer.run.samples"] >= (double)data.Train.Count * result.Epochs);
        foreach (string actor in (string[])["worker.compute.duration/0", "worker.compute.duration/1",
            "worker.wait.duration/0", "parameter_shard.gather.duration/0", "parameter_shard.apply.duration/1"])
            Assert.True(sums.ContainsKey($"disttrainer.{actor}"), $"{actor} of {string.Join(' ', sums.Keys)}");
        Assert.True(sums.ContainsKey("disttrainer.run.loss"));
        Assert.True(sums.ContainsKey("disttrainer.run.workers"));

        static string Name(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            tags.Length > 0 ? $"{instrument.Name}/{tags[0].Value}" : instrument.Name;
    }

    [Fact]
    public async Task A_step_that_is_reported_is_one_trace_with_spans_of_all_workers_and_parameter_shards()
    {
        var spans = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == StepTrace.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        (JobDescription job, DataParts data) = Job();
        await LocalTrainer.RunAsync(
            job, data, new RunOptions { Workers = 2, ParameterShards = 2, ReportEvery = 3, RunId = "traced" }, null,
            new Silent(), CancellationToken.None);
        Activity[] own = [.. spans.Where(span => "traced".Equals(span.GetTagItem("disttrainer.run")))];
        Activity[] third = [.. own.Where(span => span.TraceId == StepTrace.ContextOf("traced", 3).TraceId)];
        Assert.Equal(
            ["apply", "apply", "compute", "compute", "gather", "gather"],
            third.Select(span => span.OperationName).Order());
        Assert.All(third, span => Assert.Equal(3L, span.GetTagItem("disttrainer.step")));
        Assert.All(third, span => Assert.InRange(span.Duration, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
        Assert.All(own, span => Assert.Equal(0, (long)span.GetTagItem("disttrainer.step")! % 3));
    }

    [Fact]
    public async Task A_run_in_this_process_is_asked_and_told_as_a_cluster_is()
    {
        (JobDescription job, DataParts data) = Job();
        job = job with { Training = job.Training with { Epochs = 1_000_000 } };
        var observer = new Silent();
        Task<TrainingResult> training = LocalTrainer.RunAsync(
            job, data, new RunOptions { Workers = 2, ParameterShards = 2, ReportEvery = 1 }, null, observer,
            CancellationToken.None);
        IRunControl control = observer.Control!;
        await UntilAsync(async () => (await control.StatusAsync()).Run is { State: "running", Last: not null });
        ClusterStatus status = await control.StatusAsync();
        Assert.Equal(2, status.Run!.Workers.Length);
        Assert.Equal([0, 1], status.Run.ParameterShards.Select(shard => shard.ParameterShard));
        Assert.Null((await control.TellAsync(new PauseCommand(true))).Failure);
        await UntilAsync(async () => (await control.StatusAsync()).Run?.State == "paused");
        Assert.Equal(FailureKind.Configuration, (await control.TellAsync(new DrainCommand("local"))).Failure);
        await control.TellAsync(new PauseCommand(false));
        await control.TellAsync(new StopCommand());
        Assert.Equal(EndReason.Stopped, (await training).Reason);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (DateTime until = DateTime.UtcNow.AddSeconds(30); !await condition(); await Task.Delay(10))
            Assert.True(DateTime.UtcNow < until, "it did not come to that");
    }

    private static (JobDescription Job, DataParts Data) Job() =>
        (TestJobs.Variants["adam"], TestJobs.Classification(400, 12, 3));
}
