using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cli.Tests.Watch;

/// <summary>A cluster that says what a test has put there, and remembers what it was told.</summary>
internal sealed class FakeControl : IRunControl
{
    public List<IClusterCommand> Told { get; } = [];

    public int Asked { get; private set; }

    public string State { get; set; } = "running";

    public bool Answers { get; set; } = true;

    public int Workers { get; init; } = 3;

    public StepReport Last { get; set; } = Reports.Step(30, 0.75);

    public Task<ClusterStatus> StatusAsync()
    {
        Asked++;
        if (!Answers)
            throw new DistTrainerException(FailureKind.Quorum, "the coordinator does not answer");
        WorkerStatus[] workers =
            [.. Enumerable.Range(0, Workers)
            .Select(
                worker =>
                new WorkerStatus(
                    worker, $"worker-{worker}/abc", new DataShardRange(2 * worker, 2),
                    new WorkerTimes(worker == 1 ? 9 : 1.5, 2.5)))];
        ParameterShardStatus[] shards =
            [new(0, "server-1/abc", false), new(1, "server-2/abc", false), new(0, "server-2/abc", true),
            new(1, "server-1/abc", true)];
        var run = new RunStatus("id", "made-up", State, 4, 3, Last.Step, 1000, Last, workers, shards);
        NodeStatus[] nodes =
        [
            new("server-1/abc", "akka.tcp://disttrainer@a:1", true, 0, true),
                new("server-2/abc", "akka.tcp://disttrainer@b:1", true, 0, false),
            .. workers.Select(worker => new NodeStatus(worker.Node, "akka.tcp://disttrainer@c:1", false, 1, true)),
        ];
        return Task.FromResult(new ClusterStatus(run, nodes, "server-1/abc"));
    }

    public Task<CommandAnswer> TellAsync(IClusterCommand command)
    {
        Told.Add(command);
        State = command is PauseCommand pause ? pause.Pause ? "paused" : "running" : State;
        return Task.FromResult(
            command is DrainCommand { Node: "nobody" }
            ? new CommandAnswer(FailureKind.Configuration, "there is no node nobody")
            : new CommandAnswer(null, $"done: {command.GetType().Name}"));
    }
}
