namespace DistTrainer.Cluster;

/// <summary>What people have asked of a run.</summary>
/// <param name="Stops">End after the open step.</param>
/// <param name="Pauses">Begin no further step until resumed.</param>
/// <param name="Rate">The base learning rate in force, if it was set; null: the job's.</param>
/// <param name="AskedRate">A base learning rate that comes into force after the open step.</param>
internal sealed record RunRequests(bool Stops, bool Pauses, double? Rate, double? AskedRate)
{
    /// <summary>Whether steps must stop flowing for it.</summary>
    public bool WantsHold => Stops || Pauses || AskedRate is not null;
}

/// <summary>Asks for the end after the open step.</summary>
public sealed record StopRun : IControlMessage;

/// <summary>Asks to begin no further step, or to go on.</summary>
/// <param name="Pause">Whether to pause.</param>
public sealed record PauseRun(bool Pause) : IControlMessage;

/// <summary>Asks for another base learning rate after the open step.</summary>
/// <param name="Rate">The rate, &gt; 0.</param>
public sealed record SetLearningRate(double Rate) : IControlMessage;

/// <summary>A node takes no part in the run from now on.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record NodeGone(string Node, string Reason);
