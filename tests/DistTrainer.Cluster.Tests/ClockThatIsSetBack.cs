using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace DistTrainer.Cluster.Tests;

/// <summary>
/// A scheduler that keeps real time, but each look at the clock on the wall finds it an hour earlier.
/// </summary>
internal sealed class ClockThatIsSetBack(Config settings, ILoggingAdapter log)
    : SchedulerBase(settings, log), IDisposable
{
    private readonly IScheduler _real = new HashedWheelTimerScheduler(settings, log);
    private int _looks;

    /// <summary>How an actor system is told to take it.</summary>
    public static string Settings { get; } =
        $"akka.scheduler.implementation = \"{typeof(ClockThatIsSetBack).AssemblyQualifiedName}\"\n";

    public override TimeSpan MonotonicClock => _real.MonotonicClock;

    public override TimeSpan HighResMonotonicClock => _real.HighResMonotonicClock;

    protected override DateTimeOffset TimeNow =>
        new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero).AddHours(-Interlocked.Increment(ref _looks));

    public void Dispose() => ((IDisposable)_real).Dispose();

    protected override void InternalScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        _real.ScheduleTellOnce(delay, receiver, message, sender, cancelable);

    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender,
        ICancelable cancelable) =>
        _real.ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        _real.Advanced.ScheduleOnce(delay, action, cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        _real.Advanced.ScheduleOnce(delay, action.Run, cancelable);

    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        _real.Advanced.ScheduleRepeatedly(initialDelay, interval, action, cancelable);

    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        _real.Advanced.ScheduleRepeatedly(initialDelay, interval, action.Run, cancelable);
}
