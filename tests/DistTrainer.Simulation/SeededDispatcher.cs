using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace DistTrainer.Simulation;

/// <summary>Makes the <see cref="SeededDispatcher"/>; named in the actor system's settings.</summary>
internal sealed class SeededDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly SeededDispatcher _dispatcher;

    /// <summary>Called by the actor system.</summary>
    public SeededDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
        : base(config, prerequisites) => _dispatcher = new SeededDispatcher(this);

    public override MessageDispatcher Dispatcher() => _dispatcher;
}

/// <summary>Runs one message of one actor at a time, in the order of <see cref="VirtualTime"/>.</summary>
internal sealed class SeededDispatcher : MessageDispatcher
{
    private readonly ConditionalWeakTable<IRunnable, string> _names = [];
    private readonly VirtualTime _time;

    /// <summary>Takes the time from the actor system's scheduler.</summary>
    public SeededDispatcher(MessageDispatcherConfigurator configurator)
        : base(configurator)
    {
        _time = (VirtualTime)configurator.Prerequisites.Scheduler;
        Throughput = 1;
        ThroughputDeadlineTime = 0; // without a deadline, which has always passed, a throughput of 1 is two messages
    }

    public override void Attach(ActorCell cell)
    {
        string path = cell.Self.Path.ToStringWithoutAddress();
        _names.AddOrUpdate(cell.Mailbox!, path[(path.IndexOf('.', StringComparison.Ordinal) + 1)..]);
        base.Attach(cell);
    }

    protected override void ExecuteTask(IRunnable run) => _time.Soon(Name(run), run.Run);

    private string Name(IRunnable run) => _names.TryGetValue(run, out string? name) ? name : "";

    protected override void Shutdown()
    {
        // It has no threads.
    }
}
