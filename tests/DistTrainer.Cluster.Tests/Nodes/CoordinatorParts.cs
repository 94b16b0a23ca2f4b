using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>What a coordinator knows, made up for tests of its plain classes: no actor system is there.</summary>
internal static class CoordinatorParts
{
    public static CoordinatorLog Log { get; } = new(NoLogger.Instance);

    public static string Job { get; } = new JobFile(TestJobs.Variants["sgd"], new RunSettings()).Write();

    public static RunDescription Described(string id = "r") => new(id, $"name-{id}", Job, null);

    public static HostedRun Hosted(string id = "r", int shards = 4) => new(Described(id), shards, null, 1);

    /// <summary>How a node makes itself known.</summary>
    public static RegisterNode Registration(
        string name, bool server = false, int workers = 1, HostedRun? run = null, SubmitRun? waiting = null,
        KeepRequests? kept = null, LastRun? ended = null) => new(
            ProtocolVersion.Current, "none", new NodeAddress(name, null, []), $"akka.tcp://c@{name}:1", server, workers,
            run, waiting, kept, ended);

    /// <summary>Nodes that are known; a run needs a server and some workers.</summary>
    public static KnownNodes Known(int minWorkers, params RegisterNode[] nodes)
    {
        var known = new KnownNodes(new NodeSettings { MinServers = 1, MinWorkers = minWorkers });
        Assert.All(nodes, node => Assert.True(known.TryAdd(new KnownNode(node, new Ear(node.Node.Name)))));
        return known;
    }

    /// <summary>A run that an actor leads, with parameter shards on no node yet.</summary>
    public static CurrentRun Led(this CurrentRun run, int shards = 4)
    {
        run.Hosted = run.TakenOver ?? new HostedRun(run.Run, shards, null, 1);
        run.LedBy(new Ear("run"));
        return run;
    }

    /// <summary>A queue whose run an actor leads.</summary>
    public static RunQueue Running()
    {
        var queue = new RunQueue();
        Assert.Null(queue.Submit(new SubmitRun(Described())).Failure);
        queue.BeginNext(null)!.Led();
        return queue;
    }

    /// <summary>Who is told what: the messages themselves, and the names of those who get them.</summary>
    public static (string To, object Message)[] Read(this IEnumerable<Letter> letters) =>
        [.. letters.Select(letter => (letter.To.Path.Name, letter.Message))];

    /// <summary>Remembers what it is told.</summary>
    internal sealed class Ear(string name) : MinimalActorRef
    {
        public List<object> Heard { get; } = [];

        public override ActorPath Path { get; } = new RootActorPath(Address.AllSystems) / name;

        public override IActorRefProvider Provider => throw new NotSupportedException();

        protected override void TellInternal(object message, IActorRef sender) => Heard.Add(message);
    }
}
