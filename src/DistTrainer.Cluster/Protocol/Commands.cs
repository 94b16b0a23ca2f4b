using DistTrainer.Engine;

namespace DistTrainer.Cluster.Protocol;

/// <summary>
/// A person's request to the cluster; any node takes it and hands it to the coordinator. Reply:
/// <see cref="CommandAnswer"/> unless said otherwise.
/// </summary>
public interface IClusterCommand : IControlMessage;

/// <summary>
/// A person's request to a run: the coordinator hands it on, and the run answers, on a cluster as in one process. Where
/// the run's data are still being read the coordinator answers, and the run hears of it then.
/// </summary>
internal interface IRunCommand : IClusterCommand
{
    /// <summary>How the run's log calls it.</summary>
    internal string Event { get; }

    /// <summary>What people are told.</summary>
    internal string Answer { get; }

    /// <summary>What is asked of the run, with this beside what was asked before.</summary>
    internal RunRequests With(RunRequests before);
}

/// <summary>Train this.</summary>
/// <param name="Run">What.</param>
public sealed record SubmitRun(RunDescription Run) : IClusterCommand;

/// <summary>Take the work from a worker node and let it end.</summary>
/// <param name="Node">Its name, or its cluster address as host:port.</param>
public sealed record DrainCommand(string Node) : IClusterCommand;

/// <summary>
/// How is it going? Reply: <see cref="ClusterStatus"/>; from the run itself: <see cref="RunStatus"/>.
/// </summary>
internal sealed record StatusCommand : IClusterCommand;

/// <summary>Finish the open step, write the model and end the run. One that has not begun is withdrawn.</summary>
public sealed record StopCommand : IRunCommand
{
    string IRunCommand.Event => "stop-requested";

    string IRunCommand.Answer => "the run ends after its open step";

    RunRequests IRunCommand.With(RunRequests before) => before with { Stops = true };
}

/// <summary>Begin no further step, or go on.</summary>
/// <param name="Pause">Whether to pause.</param>
public sealed record PauseCommand(bool Pause) : IRunCommand
{
    string IRunCommand.Event => Pause ? "pause-requested" : "resume-requested";

    string IRunCommand.Answer => Pause ? "the run pauses after its open step" : "the run goes on";

    RunRequests IRunCommand.With(RunRequests before) => before with { Pauses = Pause };
}

/// <summary>Change the base learning rate after the open step.</summary>
/// <param name="Rate">The rate, &gt; 0.</param>
public sealed record LearningRateCommand(double Rate) : IRunCommand
{
    string IRunCommand.Event => "learning-rate-requested";

    string IRunCommand.Answer => FormattableString.Invariant($"the learning rate is {Rate:R} after the open step");

    RunRequests IRunCommand.With(RunRequests before) => before with { AskedRate = Rate };
}

/// <summary>Coordinator or run → person: what came of a request.</summary>
/// <param name="Failure">The kind of failure; null where it was done.</param>
/// <param name="Text">One line.</param>
public sealed record CommandAnswer(FailureKind? Failure, string Text) : IControlMessage;
