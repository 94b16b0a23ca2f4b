using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// A step's way through a parameter shard, without the actor: contributions until all data shards are in, where the job
/// needs it the other parameter shards' parts of the gradient's norm, the update, and what is said of it.
/// </summary>
internal sealed class ParameterShardSteps(
    TrainingSetup setup, ParameterShard shard, ParameterShardMail mail, ParameterShardClock clock,
    ParameterShardLog log)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private readonly StepOrders _orders = new(setup);
    private readonly StepTally _tally = new(setup.Job.Training.DataShards);
    private readonly NormExchange _norms = new(setup.Ranges.Count, setup.Exchange.Ends);
    private bool _refused;

    private int Index => shard.Range.Index;

    /// <summary>A generation begins: the open step is computed anew.</summary>
    public void BeginGeneration()
    {
        shard.BeginGeneration(mail.Generation);
        _tally.Open();
        _norms.BeginGeneration();
        clock.Pause();
        _refused = false;
    }

    /// <summary>The run goes back: nothing of the steps so far counts.</summary>
    public void Clear()
    {
        _orders.Clear();
        _tally.Clear();
        _norms.ForgetOwn();
    }

    /// <summary>
    /// Hands out the steps that are applied from one on, and the last one's part of the norm to those that are behind.
    /// </summary>
    public void Repeat(long from)
    {
        for (long step = from; step < shard.OpenStep; step = setup.Exchange.Ends.Next(step))
            mail.Broadcast(step);
        if (shard.Applied > from && _norms.Own(shard.Applied) is { } share)
            mail.Share(share);
    }

    /// <summary>The run says how to go on; the sums that it does not know are told again.</summary>
    public void Prepare(PrepareRun run)
    {
        _orders.Take(run);
        _tally.Forget(run.State.Step);
        mail.GoOn();
        clock.Open();
        mail.Tell(new RunPrepared(mail.Generation, mail.Number, run.Step));
        foreach (ReportSteps report in _tally.ReportsAfter(run.KnownStep))
            mail.Report(report);
        if (shard.OpenStep > run.Step)
            Reach(run.Step, []);
    }

    /// <summary>A contribution has come.</summary>
    public void Take(PushGradient push)
    {
        int start = shard.Range.Start - push.Offset;
        PushOutcome outcome = shard.Accept(new GradientPush(push.Generation, push.Step, push.Node, push.Gradient, start)
        {
            IsKnownFinite = push.IsKnownFinite || push.Step == _orders.AdmittedStep,
            SlotsOffset = push.Gradient.Length == setup.Exchange.Length
                ? setup.Exchange.SlotsOf(shard.Range).Start : shard.Range.Length,
        });
        if (outcome is PushOutcome.Accepted or PushOutcome.Completed)
        {
            clock.Arrived();
            _tally.Add(push);
            if (outcome == PushOutcome.Completed)
                Complete();
        }
        else if (outcome == PushOutcome.Poisoned)
        {
            if (!_refused)
                mail.Tell(new RefuseContribution(mail.Generation, Index, push.Step, push.Worker, push.Node));
            _refused = true;
        }
        else
        {
            log.PushDropped(push, outcome);
        }
    }

    /// <summary>Another parameter shard's part of the norm has come, or the own one.</summary>
    public void Take(ShareNorm share)
    {
        if (share.Step < shard.OpenStep)
            return;
        _norms.Take(share);
        ApplyIfNormIsKnown();
    }

    /// <summary>Some time has passed: says what is missing where a step stands still.</summary>
    public void Check()
    {
        mail.Check();
        IReadOnlyList<(int Start, int Count)> missing = shard.Missing();
        if (clock.OpenFor is not { } open || open <= s_patience || (missing.Count == 0 && !shard.IsComplete))
            return;
        DataShardRange[] ranges = [.. missing.Select(range => new DataShardRange(range.Start, range.Count))];
        mail.Tell(new WaitingFor(mail.Generation, mail.Number, shard.OpenStep, ranges, open.TotalSeconds));
    }

    private void Complete()
    {
        clock.Complete();
        if (!shard.NeedsNorm)
        {
            Apply(null);
            return;
        }
        double[] sums = shard.PartialNorms(_tally.Losses().Weight, setup.WantsHistograms(shard.OpenStep)).ToArray();
        var share = new ShareNorm(mail.Generation, Index, shard.OpenStep, sums);
        _norms.Keep(share);
        mail.Share(share);
        ApplyIfNormIsKnown();
    }

    private void ApplyIfNormIsKnown()
    {
        if (shard.IsComplete && _norms.TakeNorm(shard.OpenStep) is { } norm)
            Apply(norm);
    }

    private void Apply(double? norm)
    {
        long step = shard.OpenStep;
        LossSums losses = _tally.Losses();
        StepContext context = _orders.Of(step, losses.Weight, norm);
        bool counts = shard.Apply(context);
        mail.Broadcast(step);
        clock.Applied();
        if (StepTrace.Wants(setup, step))
            Trace(step);
        Count(step, losses, counts);
        if (context.WantNorm)
            Report(step, context.Rate);
        if (context.WantHistograms)
        {
            foreach (TensorHistogram histogram in shard.Histograms)
                mail.Report(new ReportHistogram(mail.Generation, Index, step, histogram));
        }
        if (_orders.IsLast(step))
        {
            clock.Pause();
            Reach(step, context.WantStatistics && !mail.IsReplica ? shard.Statistics.ToArray() : []);
        }
    }

    /// <summary>The first parameter shard alone keeps the sums: they are the same for all.</summary>
    private void Count(long step, LossSums losses, bool counts)
    {
        if (Index == 0)
        {
            if (!counts && !mail.IsReplica)
                log.StepSkipped(step, losses);
            _tally.Close(setup.Exchange.Ends.Before(step), step, losses, counts);
        }
        _tally.Open();
    }

    private void Report(long step, double rate)
    {
        ParameterShardTimes times = clock.TakeTimes();
        TrainingMeter.ParameterShard(Index, times);
        var report = new ReportSteps(
            mail.Generation, Index, step, rate, _tally.Sums, shard.GradientSquares.ToArray(), times);
        _tally.Remember(report);
        mail.Report(report);
    }

    private void Reach(long step, TensorStatistics[] statistics)
    {
        StepSums[] sums = _tally.Between(_orders.KnownStep, step);
        mail.Reach(new RunReached(mail.Generation, mail.Number, step, sums, statistics));
    }

    private void Trace(long step)
    {
        (TimeSpan gather, TimeSpan apply) = clock.LastTimes;
        StepTrace.Span(setup, step, "gather", ("parameter_shard", Index), gather, ago: apply);
        StepTrace.Span(setup, step, "apply", ("parameter_shard", Index), apply);
    }
}
