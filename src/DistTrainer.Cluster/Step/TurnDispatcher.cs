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

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => new TurnDispatcher(
        this, Config.GetBoolean("own-thread") ? _threads.Take() : _threads.Share(), Config.GetInt("throughput"));

    /// <summary>Runs one actor on a thread that others use too.</summary>
    private sealed class TurnDispatcher : MessageDispatcher
    {
        private readonly TurnPlace _place;

        public TurnDispatcher(MessageDispatcherConfigurator configurator, TurnPlace place, int throughput)
            : base(configurator) => (_place, Throughput) = (place, throughput);

        protected override void ExecuteTask(IRunnable run) => _place.Thread.Post(run);

        protected override void Shutdown() => _place.GiveBack();
    }
}

/// <summary>An actor's place on a thread.</summary>
/// <param name="Thread">The thread.</param>
/// <param name="GiveBack">To be called once, when the actor is gone: the thread ends with its last one.</param>
internal sealed record TurnPlace(TurnThread Thread, Action GiveBack);

/// <summary>
/// The threads of an actor system's workers and parameter shards: one for each worker, and as many as there are cores
/// for parameter shards, which take turns with the workers.
/// </summary>
internal sealed class TurnThreads
{
    private static readonly ConditionalWeakTable<Settings, TurnThreads> s_systems = [];

    private readonly List<Users> _threads = [];
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

    /// <summary>A thread of its own, which others may share.</summary>
    public TurnPlace Take()
    {
        lock (_threads)
            return Use(Start(), shares: false);
    }

    /// <summary>
    /// The thread that the fewest share; there are as many as cores before one is shared by two that have none of their
    /// own.
    /// </summary>
    public TurnPlace Share()
    {
        lock (_threads)
        {
            Users? least = _threads.MinBy(one => one.Sharing);
            return Use(
                least is null || (least.Sharing > 0 && _threads.Count < Environment.ProcessorCount) ? Start() : least,
                shares: true);
        }
    }

    private Users Start()
    {
        _threads.Add(new Users(new TurnThread($"compute {++_started}", _spin, _givesWay)));
        return _threads[^1];
    }

    private TurnPlace Use(Users users, bool shares)
    {
        users.Count++;
        users.Sharing += shares ? 1 : 0;
        return new(users.Thread, () => GiveBack(users, shares));
    }

    private void GiveBack(Users users, bool shares)
    {
        lock (_threads)
        {
            users.Sharing -= shares ? 1 : 0;
            if (--users.Count > 0)
                return;
            _threads.Remove(users);
            users.Thread.End();
        }
    }

    /// <summary>How many actors a thread has.</summary>
    private sealed class Users(TurnThread thread)
    {
        public TurnThread Thread => thread;

        public int Count { get; set; }

        public int Sharing { get; set; }
    }
}
