using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>
/// Steps flow between workers and parameter shards, up to the end of a stretch; the run is not on their path. Where
/// somebody asks for something, workers are held, and the stretch ends with the last step that one of them has begun.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="stretch">The steps.</param>
internal sealed class FlowingPhase(LedRun run, Stretch stretch) : RunPhase(run, RunAim.Steps)
{
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(3);
    private Round _holding = new(0);
    private long _held;

    public override string Status => "running";

    public override void Begin()
    {
        Run.Figures.Resume();
        TellTarget();
        if (Run.Asked.Open.WantsHold)
            Hold();
        if (stretch.IsReached)
            End();
    }

    public override void OnRequest(bool held)
    {
        if (Run.Asked.Open.WantsHold && !held)
            Hold();
        else
            base.OnRequest(held);
    }

    public override void On(Holding holding)
    {
        if (holding.Number != Generation.Holds)
            return;
        _held = Math.Max(_held, holding.Step);
        if (!_holding.Add(holding.Worker))
            return;
        _holding = new Round(Generation.Workers.Length);
        stretch.EndAt(Math.Max(_held, Generation.LastWhole)); // what some have applied is finished by all
        TellPrepare(stretch.Target, withStatistics: false);
        TellTarget();
    }

    public override void On(RunReached reached)
    {
        if (stretch.Add(reached) && stretch.IsReached)
            End();
    }

    public override void On(WaitingFor waiting)
    {
        if (Run.Ends.IsLocal(waiting.Step))
        {
            // A round takes its time; whoever is at it reports every second.
            double silence = Enumerable.Range(0, Generation.Workers.Length)
                .Where(worker => Lacks(waiting, Generation.DataShardsOf(worker)))
                .Select(worker => (Run.Shell.Now - Generation.Heard.GetValueOrDefault(worker)).TotalSeconds)
                .DefaultIfEmpty(0).Max();
            waiting = waiting with { Seconds = Math.Min(waiting.Seconds, silence) };
            if (waiting.Missing.Length > 0 && silence < s_longestSilence.TotalSeconds)
                return;
        }
        if (Run.Waits.SaysStep(Generation.Number, waiting.Step, waiting.Seconds))
        {
            if (Run.Asked.Open.WantsHold)
                Hold();
            else
                TellTarget();
            string[] who = [.. Generation.WorkersBut(worker => !Lacks(waiting, Generation.DataShardsOf(worker)))];
            Run.Log.WaitingForStep(WaitWatch.Some(who), waiting);
        }
        if (waiting.Seconds > 2 * Run.Waits.AsksAgain.TotalSeconds)
            Run.Nodes.AskAgain();

        static bool Lacks(WaitingFor waiting, DataShardRange own) =>
            waiting.Missing.Any(range => own.First < range.First + range.Count && range.First < own.First + own.Count);
    }

    private void TellTarget() => Generation.TellWorkers(new RunUntil(Generation.Number, stretch.Target, Rate));

    private void Hold()
    {
        (_held, _holding) = (0, new Round(Generation.Workers.Length));
        Generation.TellWorkers(new Hold(Generation.Number, ++Generation.Holds));
    }

    private void End()
    {
        Run.Figures.Pause();
        foreach (StepSums sums in stretch.Sums)
        {
            if (Run.Figures.Add(sums) is { } entry)
                Run.Log.Counted(entry);
        }
        if (Run.Figures.LastStep < stretch.Target)
        {
            // Sums were lost with a connection; in a new generation all since the last decision are sent again.
            Run.Log.SumsMissing(stretch.Target, Run.Figures.LastStep, Run.Step);
            Run.Figures.Restore(Run.State);
            Run.Renew();
            return;
        }
        Run.Figures.Decide();
        Run.Step = stretch.Target;
        Run.Waits.Reset();
        Run.Log.Norms(stretch.Statistics, Run.Step);
        Run.Enter(RunCourse.AfterSteps(Run.Step, Run.Setup.StepsPerEpoch, Run.Figures.HasSamples));
    }
}
