using Akka.Event;
using DistTrainer.Engine;

namespace DistTrainer.Cluster;

// A contribution that is not finite: by whose fault, and what follows.
internal sealed partial class RunActor
{
    private long _refusedStep;
    private long _admittedStep;
    private int _skipped;
    private bool _diverged;
    private int _lowered;
    private double? _rateAtDivergence;

    /// <summary>
    /// The first time at a step somebody else computes the data shards again: memory or a network may have damaged the
    /// contribution. If it is refused again, the gradient itself is not finite, and the job says what to do.
    /// </summary>
    private void OnRefused(RefuseContribution refused)
    {
        int epoch = _setup.EpochOf(refused.Step);
        DivergenceDescription divergence = _setup.Job.Training.Divergence;
        _log.Event(LogLevel.WarningLevel, "contribution-refused epoch={Epoch} step={Step} worker={Worker} node={Node} parameterShard={ParameterShard} firstDataShard={First} dataShards={Count} reason=\"not finite\"",
            epoch, refused.Step, refused.Worker, _workers[refused.Worker].Node.Name, refused.ParameterShard, refused.Node.Start, refused.Node.Count);
        if (_refusedStep != refused.Step && _setup.Parameters.AreTwo)
        {
            _refusedStep = refused.Step;
            _members.Rotate();
            OnMembers();
        }
        else if (divergence.Policy == DivergencePolicy.GoBack && _lowered < divergence.Attempts)
        {
            (_diverged, _refusedStep) = (true, 0);
            OnMembers();
        }
        else if (divergence.Policy == DivergencePolicy.SkipStep && Skips(refused.Step) <= divergence.Attempts)
        {
            // All parameter shards wait for each other's part of the norm, so none has applied the step.
            OnMembers();
        }
        else
        {
            Fail(new DistTrainerException(
                FailureKind.Diverged,
                $"step {refused.Step} (epoch {epoch}): the gradient of worker {refused.Worker}, data shards {refused.Node.Start} to {refused.Node.End - 1}, is not finite; it was refused before the sum{(_lowered > 0 ? $", also after the learning rate was lowered {_lowered} times" : "")}{(_skipped > 1 ? $", as those of the {_skipped - 1} steps before it" : "")}. Lower optimizer.learning-rate, clip the gradient (clipping.norm), or normalize the data."));
        }
    }

    /// <summary>The step will be taken as it is, and left out.</summary>
    /// <returns>How many in a row that makes.</returns>
    private int Skips(long step)
    {
        _skipped = step == _admittedStep + 1 ? _skipped + 1 : 1;
        _admittedStep = step;
        return _skipped;
    }

    /// <summary>The run went back because it diverged: it goes on with a lower rate.</summary>
    private void LowerRate()
    {
        if (!_diverged)
            return;
        _diverged = false;
        _lowered++;
        _rateAtDivergence ??= _rates.At(_step + 1) ?? _setup.Job.Optimizer.LearningRate;
        double rate = _rateAtDivergence.Value * Math.Pow(_setup.Job.Training.Divergence.RateFactor, _lowered);
        _rates.Set(_step + 1, rate);
        _log.Event(LogLevel.WarningLevel, "learning-rate-lowered epoch={Epoch} step={Step} learningRate={LearningRate:G6} attempt={Attempt} of={Of}",
            _setup.EpochOf(_step + 1), _step, rate, _lowered, _setup.Job.Training.Divergence.Attempts);
    }
}
