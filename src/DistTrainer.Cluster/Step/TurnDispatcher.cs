using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// Gives each actor a dispatcher on one of the system's <see cref="TurnThread"/>s; named in the settings of the actor
/// system (<see cref="ComputeDispatchers.Settings"/>).
/// </summary>
/// <param name="config">Of one kind of actors.</param>
/// <param name="prerequisites">Of the actor system.</param>
internal sealed class TurnDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    : MessageDispatcherConfigurator(config, prerequisites)
{
    private readonly TurnThreads _threads = TurnThreads.Of(prerequisites.Settings);
    private int _made;

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher()
    {
        int number = Interlocked.Increment(ref _made) - 1;
        TurnThread thread = Config.GetBoolean("own-thread") ? _threads.Take() : _threads.Share(number);
        return new TurnDispatcher(this, _threads, thread, Config.GetInt("throughput"));
    }

    /// <summary>Runs one actor on a thread that others use too.</summary>
    private sealed class TurnDispatcher : MessageDispatcher
    {
        private readonly TurnThreads _threads;
        private readonly TurnThread _thread;

        public TurnDispatcher(
            MessageDispatcherConfigurator configurator, TurnThreads threads, TurnThread thread, int throughput)
            : base(configurator) => (_threads, _thread, Throughput) = (threads, thread, throughput);

        protected override void ExecuteTask(IRunnable run) => _thread.Post(run);

        protected override void Shutdown() => _threads.GiveBack(_thread);
    }
}

/// <summary>
/// The threads of an actor system's workers and parameter shards: one for each worker, and as many as there are cores
/// for parameter shards, which take turns with the workers.
/// </summary>
internal sealed class TurnThreads
{
    private static readonly ConditionalWeakTable<Settings, TurnThreads> s_systems = [];

    private readonly List<(TurnThread Thread, int Users)> _threads = [];
    private readonly TimeSpan _spin;
    private readonly bool _givesWay;
    private int _started;

    private TurnThreads(Settings settings)
    {
        Config config = settings.Config.GetConfig("disttrainer.turns");
        (_spin, _givesWay) = (
            TimeSpan.FromMicroseconds(config.GetInt("spin-microseconds")), config.GetBoolean("gives-way"));
    }

    /// <summary>Those of an actor system.</summary>
    public static TurnThreads Of(Settings settings) => s_systems.GetValue(settings, own => new TurnThreads(own));

    /// <summary>A thread that nobody has taken.</summary>
    public TurnThread Take()
    {
        lock (_threads)
            return Use(_threads.Count);
    }

    /// <summary>One of all threads in turn; there are as many as cores before one is given out twice.</summary>
    /// <param name="number">Which, from 0.</param>
    public TurnThread Share(int number)
    {
        lock (_threads)
            return Use(number < Math.Max(_threads.Count, Environment.ProcessorCount)
                ? Math.Min(number, _threads.Count) : number % _threads.Count);
    }

    /// <summary>Ends a thread with its last actor.</summary>
    public void GiveBack(TurnThread thread)
    {
        lock (_threads)
        {
            int place = _threads.FindIndex(one => one.Thread == thread);
            _threads[place] = (thread, _threads[place].Users - 1);
            if (_threads[place].Users > 0)
                return;
            _threads.RemoveAt(place);
            thread.End();
        }
    }

    private TurnThread Use(int place)
    {
        if (place == _threads.Count)
            _threads.Add((new TurnThread($"compute {++_started}", _spin, _givesWay), 0));
        _threads[place] = (_threads[place].Thread, _threads[place].Users + 1);
        return _threads[place].Thread;
    }
}
