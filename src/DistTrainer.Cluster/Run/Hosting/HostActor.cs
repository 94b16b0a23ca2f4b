using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run.Hosting;

/// <summary>
/// Hosts a run's actors on one node: makes the parameter shards and workers, tells the run who they are, and that one
/// failed. It never restarts one: a restart would lose a slice of the parameters, or answer from an older generation.
/// Supervisor: the node, or the trainer of a single process.
/// </summary>
internal sealed class HostActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_sayEvery = TimeSpan.FromSeconds(2);
    private readonly TrainingSetup _setup;
    private readonly NodeAddress _node;
    private readonly SortedDictionary<int, IActorRef> _parameterShards = [];
    private readonly IActorRef[] _workers;
    private IActorRef _run;

    /// <summary>Says what to host.</summary>
    /// <param name="setup">What the actors share.</param>
    /// <param name="node">This node.</param>
    /// <param name="parameterShards">Numbers of the parameter shards.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="run">Hears of them.</param>
    public HostActor(
        TrainingSetup setup, NodeAddress node, IReadOnlyList<int> parameterShards, int workers, IActorRef run)
    {
        (_setup, _node, _run) = (setup, node, run);
        _workers =
            [.. Enumerable.Range(0, workers)
            .Select(
                index =>
                Host($"worker-{index}", "disttrainer.worker-dispatcher", Props.Create(() => new WorkerActor(_setup))))];
        Add(parameterShards, areLost: false);
        Receive<HostMore>(more =>
        {
            _run = more.Run;
            Add(more.ParameterShards, areLost: true);
            Say();
        });
        Receive<SayHosted>(_ => Say());
        Receive<ActorFailed>(failed =>
        {
            Timers.CancelAll();
            _run.Tell(failed);
        });
    }

    /// <summary>Hosts more parameter shards, and reports to whoever leads the run now.</summary>
    /// <param name="ParameterShards">Their numbers; those that are hosted stay as they are.</param>
    /// <param name="Run">Leads the run.</param>
    internal sealed record HostMore(IReadOnlyList<int> ParameterShards, IActorRef Run);

    private sealed record SayHosted;

    public ITimerScheduler Timers { get; set; } = null!;

    // Said again and again: a run that took this node for lost takes it in again.
    protected override void PreStart() =>
        Timers.StartPeriodicTimer(nameof(SayHosted), new SayHosted(), TimeSpan.Zero, s_sayEvery);

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(0, 0, cause =>
    {
        Self.Tell(
            new ActorFailed(
                _node.Name, Sender.Path.Name, (cause as DistTrainerException)?.Kind
                ?? FailureKind.Internal, cause.Message));
        return Directive.Stop;
    });

    private void Say() => _run.Tell(new ActorsHosted(
        _node, [.. _parameterShards.Select(hosted => new HostedParameterShard(hosted.Key, hosted.Value))], _workers,
        _setup.Common, _setup.Links.Generation));

    // A parameter shard that was lost has no parameters of any step until it is restored.
    private void Add(IReadOnlyList<int> parameterShards, bool areLost)
    {
        foreach (int index in parameterShards)
        {
            if (!_parameterShards.ContainsKey(index))
                _parameterShards[index] = Host($"parameter-shard-{index}", "disttrainer.parameter-shard-dispatcher",
                    Props.Create(() => new ParameterShardActor(_setup, _setup.Ranges[index], areLost)));
        }
    }

    private static IActorRef Host(string name, string dispatcher, Props props) =>
        Context.ActorOf(props.WithDispatcher(dispatcher), name);
}
