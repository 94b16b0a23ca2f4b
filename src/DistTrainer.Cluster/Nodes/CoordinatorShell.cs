using Akka.Actor;

namespace DistTrainer.Cluster.Nodes;

/// <summary>What the plain classes of a coordinator need of the actor that they are in.</summary>
/// <param name="Self">The coordinator's actor.</param>
/// <param name="Timers">Its timers.</param>
/// <param name="Start">Starts an actor under it by a name, and watches it.</param>
/// <param name="Stop">Stops such an actor.</param>
/// <param name="End">Ends this process with an exit code, and says why.</param>
internal sealed record CoordinatorShell(
    IActorRef Self, ITimerScheduler Timers, Func<Props, string, IActorRef> Start, Action<IActorRef> Stop,
    Action<int, string> End);
