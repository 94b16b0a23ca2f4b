using Akka.Actor;

namespace DistTrainer.Cluster.Run;

/// <summary>What the plain classes of a run need of the actor that they are in.</summary>
/// <param name="Self">The run's actor.</param>
/// <param name="Coordinator">Its supervisor.</param>
/// <param name="Timers">Its timers.</param>
/// <param name="Time">The scheduler's clock, which a test may drive.</param>
/// <param name="Stop">Stops it.</param>
internal sealed record RunShell(
    IActorRef Self, IActorRef Coordinator, ITimerScheduler Timers, ITimeProvider Time, Action Stop)
{
    /// <summary>The time of a clock that only goes on, also where somebody sets the machine's.</summary>
    public TimeSpan Now => Time.HighResMonotonicClock;

    /// <summary>The actor gets a message again and again, the first one after <paramref name="every"/>.</summary>
    public void Every(TimeSpan every, object message) =>
        Timers.StartPeriodicTimer(message.GetType().Name, message, every);

    /// <summary>The same, and the first one at once.</summary>
    public void AtOnceAndEvery(TimeSpan every, object message) =>
        Timers.StartPeriodicTimer(message.GetType().Name, message, TimeSpan.Zero, every);

    /// <summary>The actor gets a message after a while.</summary>
    public void After(TimeSpan delay, object message) =>
        Timers.StartSingleTimer(message.GetType().Name, message, delay);
}
