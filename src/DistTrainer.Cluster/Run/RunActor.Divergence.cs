using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run;

// A contribution that is not finite: by whose fault, and what follows.
internal sealed partial class RunActor
{
    private readonly RefusedGradients _refusals;

    private void OnRefused(RefuseContribution refused)
    {
        int epoch = _setup.EpochOf(refused.Step);
        _log.Event(LogLevel.WarningLevel, "contribution-refused epoch={Epoch} step={Step} worker={Worker} node={Node} parameterShard={ParameterShard} firstDataShard={First} dataShards={Count} reason=\"not finite\"",
            epoch, refused.Step, refused.Worker, _workers[refused.Worker].Node.Name, refused.ParameterShard, refused.Node.Start, refused.Node.Count);
        switch (_refusals.OnRefused(refused.Step, mayRecompute: _setup.Parameters.AreTwo))
        {
            case RefusalAnswer.ComputeElsewhere:
                _members.Rotate();
                OnMembers();
                break;
            case RefusalAnswer.GoBack:
            case RefusalAnswer.LeaveOut: // all parameter shards wait for each other's part of the norm, so none has applied the step
                OnMembers();
                break;
            default:
                Fail(new DistTrainerException(
                    FailureKind.Diverged,
                    $"step {refused.Step} (epoch {epoch}): the gradient of worker {refused.Worker}, data shards {refused.Node.Start} to {refused.Node.End - 1}, is not finite; it was refused before the sum{_refusals.Tried}. Lower optimizer.learning-rate, clip the gradient (clipping.norm), or normalize the data."));
                break;
        }
    }

    /// <summary>The run went back; if it diverged, it goes on with a lower rate.</summary>
    private void LowerRate()
    {
        if (_refusals.WentBack(_rates.At(_step + 1) ?? _setup.Job.Optimizer.LearningRate) is not { } rate)
            return;
        _rates.Set(_step + 1, rate);
        _log.Event(LogLevel.WarningLevel, "learning-rate-lowered epoch={Epoch} step={Step} learningRate={LearningRate:G6} attempt={Attempt} of={Of}",
            _setup.EpochOf(_step + 1), _step, rate, _refusals.State.Lowered, _setup.Job.Training.Divergence.Attempts);
    }
}
