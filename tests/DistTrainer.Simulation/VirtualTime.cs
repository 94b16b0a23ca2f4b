using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace DistTrainer.Simulation;

/// <summary>
/// The only source of order: a queue of everything that is to happen, by virtual time, ties broken by the seed. Actors'
/// mailboxes, timers and the network's deliveries all wait in it, and one thread takes them out. It is the actor
/// system's scheduler, so that all that asks the system for the time gets the virtual one.
/// </summary>
internal sealed class VirtualTime : SchedulerBase
{
    private static readonly DateTimeOffset s_start = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly PriorityQueue<Action, (long Ticks, int Tie, long Number)> _queue = new();
    private readonly Dictionary<string, Random> _actors = [];
    private Random _random = new(0);
    private int _seed;
    private long _number;
    private int _thread;
    private volatile InvalidOperationException? _foreign;

    /// <summary>Called by the actor system, which makes its scheduler by the name of its type.</summary>
    public VirtualTime(Config scheduler, ILoggingAdapter log)
        : base(scheduler, log) => _thread = Environment.CurrentManagedThreadId;

    /// <summary>Time since the seed began.</summary>
    public TimeSpan Elapsed { get; private set; }

    public override TimeSpan MonotonicClock => Elapsed;

    public override TimeSpan HighResMonotonicClock => Elapsed;

    /// <summary>The clock on the wall goes backwards: whoever measures an interval with it does not get on.</summary>
    protected override DateTimeOffset TimeNow => s_start - Elapsed;

    /// <summary>Begins a seed: nothing is left of the one before.</summary>
    public void Begin(int seed)
    {
        _queue.Clear();
        _actors.Clear();
        (_seed, _random, _number, Elapsed) = (seed, new Random(seed), 0, TimeSpan.Zero);
        _thread = Environment.CurrentManagedThreadId;
    }

    /// <summary>Something is to happen after a while.</summary>
    /// <exception cref="InvalidOperationException">Another thread asks for it: the order would not be the seed's. The
    /// next <see cref="Step"/> fails too.</exception>
    public void After(TimeSpan delay, Action what) => After(delay, what, _random);

    private void After(TimeSpan delay, Action what, Random random)
    {
        if (Environment.CurrentManagedThreadId != _thread)
            throw _foreign = new InvalidOperationException(
                "Something runs on another thread than the simulation's, so its order is not the "
                + $"seed's:{Environment.NewLine}{Environment.StackTrace}");
        _queue.Enqueue(what, ((Elapsed + delay).Ticks, random.Next(), _number++));
    }

    /// <summary>
    /// An actor has something to do: soon, mostly; its thread may be held up. Each actor has a random sequence of its
    /// own: in which order Akka tells an actor's children to stop follows from hash codes, which no two processes
    /// share.
    /// </summary>
    /// <param name="actor">Its name within the run, the same each time the seed runs.</param>
    /// <param name="what">What it has to do.</param>
    public void Soon(string actor, Action what)
    {
        if (!_actors.TryGetValue(actor, out Random? random))
            _actors[actor] = random = new Random(actor.Aggregate(_seed, (hash, letter) => (hash * 31) + letter));
        int kind = random.Next(1000);
        After(TimeSpan.FromMicroseconds(random.Next(kind < 900 ? 50 : kind < 995 ? 1000 : 30_000)), what, random);
    }

    /// <summary>Lets the next thing happen.</summary>
    /// <returns>False where nothing is left.</returns>
    public bool Step()
    {
        if (_foreign is not null)
            throw _foreign;
        if (!_queue.TryDequeue(out Action? what, out var when))
            return false;
        Elapsed = new TimeSpan(Math.Max(Elapsed.Ticks, when.Ticks));
        what();
        return true;
    }

    protected override void InternalScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        InternalScheduleOnce(delay, () => receiver.Tell(message, sender), cancelable);

    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender,
        ICancelable cancelable) =>
        InternalScheduleRepeatedly(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) =>
        After(delay, () =>
    {
        if (cancelable is not { IsCancellationRequested: true })
            action();
    });

    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) =>
        InternalScheduleOnce(delay, action.Run, cancelable);

    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        InternalScheduleOnce(initialDelay, () =>
        {
            action();
            InternalScheduleRepeatedly(interval, interval, action, cancelable);
        }, cancelable);

    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        InternalScheduleRepeatedly(initialDelay, interval, action.Run, cancelable);
}

/// <summary>The virtual time for what measures: how long a real machine takes must not decide anything.</summary>
/// <param name="time">The time.</param>
internal sealed class VirtualClock(VirtualTime time) : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => time.Elapsed.Ticks;
}
