using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Schedules;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>
/// Workers evaluate parts of the data, while the parameters are collected: at the end of an epoch, and of the run.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="aim">Validating or finishing.</param>
/// <param name="parts">Which parts.</param>
internal sealed class EvaluatingPhase(LedRun run, RunAim aim, params DataPart[] parts) : RunPhase(run, aim)
{
    private readonly EvaluationRound _round = new(
        run.Setup, run.Generation.Number, run.Step, parts, run.Backups.Evaluators(run.Generation));

    private bool _isComparing;

    public override void Begin()
    {
        Run.Await("evaluation", () =>
        [
            .. Generation.WorkersBut(_round.HasAll),
            .. Generation.ShardsBut(shard => Generation.IsReplica(shard) || _round.HasCollected(shard)),
        ]);
        Generation.TellOwners(
            new CollectParameters(Generation.Number, Run.Step, new ActorPlace(Run.Shell.Self, Run.Node)));
        foreach ((int worker, EvaluateChunks chunks) in _round.Requests())
            Generation.Workers[worker].Actor.Tell(chunks);
    }

    public override void On(Evaluated[] evaluated)
    {
        Array.ForEach(evaluated, _round.Take);
        OnEvaluated();
    }

    public override void On(ParametersBroadcast broadcast)
    {
        _round.Take(broadcast);
        OnEvaluated();
    }

    public override void On(PartCompared compared) => EndEpoch(_round.Total(DataPart.Validation), compared.Figures);

    private void OnEvaluated()
    {
        Run.Waits.Heard(Run.Shell.Now);
        if (Generation.Workers.Length == 0 && _round is { IsCollected: true, IsDone: false })
            _round.EvaluateAllAsync().PipeTo(Run.Shell.Self); // everybody else has left while the run was being stopped
        else if (_round.IsDone && Aim == RunAim.Finish)
            Complete();
        else if (_round.IsDone)
            Compare(_round.Total(DataPart.Validation));
    }

    private void Compare(LossSums validation)
    {
        if (!Run.Setup.Job.Training.WantsFigures || validation.Count == 0)
        {
            EndEpoch(validation, new PartFigures { Accuracy = (double)validation.Correct / validation.Count });
            return;
        }
        if (!_isComparing)
            _round.CompareAsync().PipeTo(Run.Shell.Self);
        _isComparing = true;
    }

    private void EndEpoch(LossSums validation, PartFigures figures)
    {
        int epoch = Run.Setup.EpochOf(Run.Step);
        EpochReport report = Run.Figures.EndEpoch(
            epoch, Run.Step, LastRate(), validation.Count > 0 ? validation : null, figures);
        Run.Validation = (Run.Step, report.ValidationLoss);
        Run.Log.EpochEnded(report);
        bool isBest = validation.Count > 0 && Run.Plan.OnEpoch(epoch, validation.MeanLoss, figures);
        Run.Enter(isBest && Run.Plan.KeepsBest ? RunAim.KeepBest : RunAim.Decide);
    }

    // As its parameter shards had it; the plateau's factor is of the last decision.
    private double LastRate() =>
        new LearningRateSchedule(
            (float)(Run.Rates.At(Run.Step) ?? Run.Setup.Job.Optimizer.LearningRate), Run.Setup.Job.Schedule)
            .Rate(Run.Step, Run.Setup.StepsPerEpoch, Run.Setup.TotalSteps, Run.Plan.PlateauFactor);

    // Nothing half-written stays behind.
    private void Complete()
    {
        bool isWriting = Run.Checkpoints.IsWriting;
        Run.Become(new AwaitingDiskPhase(Run, RunAim.Finish, isWriting ? Complete : () => { }));
        if (isWriting)
            return;
        float[] parameters = Run.Setup.Parameters.Of(Run.Step).ToArray();
        Run.Succeed(new TrainingResult
        {
            Reason = Run.Asked.Open.Stops && !Run.Plan.IsFinished(Run.Step) ? EndReason.Stopped
                : Run.Plan.IsStoppedEarly ? EndReason.EarlyStopping : EndReason.Completed,
            Parameters = parameters,
            ParameterHash = ParameterHash.Compute(parameters),
            Epochs = (int)(Run.Step / Run.Setup.StepsPerEpoch),
            Steps = Run.Step,
            TrainLoss = Run.Figures.TrainLoss,
            Validation = _round.Total(DataPart.Validation),
            Test = _round.Total(DataPart.Test),
            SamplesPerSecond = Run.Figures.SamplesPerSecond,
        });
    }
}
