using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// Workers evaluate parts of the data, while the parameters are collected: at the end of an epoch, and of the run.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="aim">Validating or finishing.</param>
/// <param name="parts">Which parts.</param>
internal sealed class EvaluatingPhase(LedRun run, RunAim aim, params DataPart[] parts) : RunPhase(run, aim)
{
    private EvaluationRound? _open;

    private EvaluationRound Round => _open!;

    public override void Begin()
    {
        EvaluationRound round = _open = new EvaluationRound(
            Run.Setup, Generation.Number, Run.Step, parts, Run.Backups.Evaluators(Generation));
        Run.Await("evaluation", () =>
        [
            .. Generation.WorkersBut(round.HasAll),
            .. Generation.ShardsBut(shard => Generation.IsReplica(shard) || round.HasCollected(shard)),
        ]);
        Generation.TellOwners(
            new CollectParameters(Generation.Number, Run.Step, new ActorPlace(Run.Shell.Self, Run.Node)));
        foreach ((int worker, EvaluateChunks chunks) in round.Requests())
            Generation.Workers[worker].Actor.Tell(chunks);
    }

    public override void On(Evaluated[] evaluated)
    {
        Array.ForEach(evaluated, Round.Take);
        OnEvaluated();
    }

    public override void On(ParametersBroadcast broadcast)
    {
        Round.Take(broadcast);
        OnEvaluated();
    }

    private void OnEvaluated()
    {
        Run.Waits.Heard(Run.Shell.Now);
        if (Generation.Workers.Length == 0 && Round is { IsCollected: true, IsDone: false })
            Round.EvaluateAllAsync().PipeTo(Run.Shell.Self); // everybody else has left while the run was being stopped
        else if (Round.IsDone && Aim == RunAim.Finish)
            Complete(Round);
        else if (Round.IsDone)
            EndEpoch(Round.Total(DataPart.Validation));
    }

    private void EndEpoch(LossSums validation)
    {
        int epoch = Run.Setup.EpochOf(Run.Step);
        EpochReport report = Run.Figures.EndEpoch(
            epoch, Run.Step, LastRate(), validation.Count > 0 ? validation : null);
        Run.Validation = (Run.Step, report.ValidationLoss);
        Run.Log.EpochEnded(report);
        bool isBest = validation.Count > 0 && Run.Plan.OnEpoch(epoch, validation.LossSum / validation.Count);
        Run.Enter(isBest && Run.Plan.KeepsBest ? RunAim.KeepBest : RunAim.Decide);
    }

    // As its parameter shards had it; the plateau's factor is of the last decision.
    private double LastRate() =>
        new LearningRateSchedule(
            (float)(Run.Rates.At(Run.Step) ?? Run.Setup.Job.Optimizer.LearningRate), Run.Setup.Job.Schedule)
            .Rate(Run.Step, Run.Setup.StepsPerEpoch, Run.Setup.TotalSteps, Run.Plan.PlateauFactor);

    // Nothing half-written stays behind.
    private void Complete(EvaluationRound round)
    {
        bool isWriting = Run.Checkpoints.IsWriting;
        Run.Become(new AwaitingDiskPhase(Run, RunAim.Finish, isWriting ? () => Complete(round) : () => { }));
        if (isWriting)
            return;
        float[] parameters = Run.Setup.Parameters[Run.Step].Span.ToArray();
        Run.Succeed(new TrainingResult
        {
            Reason = Run.Asked.Open.Stops && !Run.Plan.IsFinished(Run.Step) ? EndReason.Stopped
                : Run.Plan.IsStoppedEarly ? EndReason.EarlyStopping : EndReason.Completed,
            Parameters = parameters,
            ParameterHash = ParameterHash.Compute(parameters),
            Epochs = (int)(Run.Step / Run.Setup.StepsPerEpoch),
            Steps = Run.Step,
            TrainLoss = Run.Figures.TrainLoss,
            Validation = round.Total(DataPart.Validation),
            Test = round.Total(DataPart.Test),
            SamplesPerSecond = Run.Figures.SamplesPerSecond,
        });
    }
}
