using Akka.Actor;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

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
    private readonly IReadOnlyList<int> _parameterShards;
    private readonly int _workers;
    private readonly IActorRef _run;

    /// <summary>Says what to host.</summary>
    /// <param name="setup">What the actors share.</param>
    /// <param name="node">This node.</param>
    /// <param name="parameterShards">Numbers of the parameter shards.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="run">Hears of them.</param>
    public HostActor(TrainingSetup setup, NodeAddress node, IReadOnlyList<int> parameterShards, int workers, IActorRef run)
    {
        (_setup, _node, _parameterShards, _workers, _run) = (setup, node, parameterShards, workers, run);
        Receive<ActorFailed>(failed =>
        {
            Timers.CancelAll();
            _run.Tell(failed);
        });
        Receive<ActorsHosted>(_run.Tell);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    // Said again and again: a run that took this node for lost takes it in again.
    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(ActorsHosted), new ActorsHosted(
        _node,
        [.. _parameterShards.Select(index => new HostedParameterShard(index, Host($"parameter-shard-{index}", "disttrainer.parameter-shard-dispatcher", Props.Create(() => new ParameterShardActor(_setup, _setup.Ranges[index])))))],
        [.. Enumerable.Range(0, _workers).Select(index => Host($"worker-{index}", "disttrainer.worker-dispatcher", Props.Create(() => new WorkerActor(_setup))))],
        _setup.Data.Hash), TimeSpan.Zero, s_sayEvery);

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(0, 0, cause =>
    {
        Self.Tell(new ActorFailed(_node.Name, Sender.Path.Name, (cause as DistTrainerException)?.Kind ?? FailureKind.Internal, cause.Message));
        return Directive.Stop;
    });

    private static IActorRef Host(string name, string dispatcher, Props props) => Context.ActorOf(props.WithDispatcher(dispatcher), name);
}
