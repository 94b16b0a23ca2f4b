using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Nodes;

/// <summary>What people ask of a cluster, and what they are answered.</summary>
/// <param name="cluster">The cluster.</param>
internal sealed class ClusterRequests(LedCluster cluster)
{
    private static readonly TimeSpan s_runPatience = TimeSpan.FromSeconds(3);

    private RunQueue Queue => cluster.Queue;

    private string? WaitsFor => Queue.WaitsFor(cluster.Nodes.Missing());

    /// <summary>A run is handed in.</summary>
    public void Submit(SubmitRun submit, IActorRef asker)
    {
        CommandAnswer answer = Queue.Submit(submit);
        Answer(asker, answer);
        if (answer.Failure is null)
            cluster.OnAccepted();
    }

    /// <summary>A run that has not begun is stopped.</summary>
    public void Withdraw(IActorRef asker)
    {
        RunDescription run = Queue.Withdraw();
        cluster.Log.RunWithdrawn(run);
        cluster.TellEnded();
        cluster.TellRegistered();
        Answer(asker, new CommandAnswer(null, $"run {run.Id} ({run.Name}) had not begun and is withdrawn"));
    }

    /// <summary>Something is asked of the run, which answers itself where its actor is there.</summary>
    public void Ask(IRunCommand command, IActorRef asker)
    {
        if (Queue.Going is not { } run)
        {
            Answer(asker, new CommandAnswer(FailureKind.Configuration, WaitsFor is { } waiting
                ? $"the run waits to begin ({waiting}); until then it can only be stopped" : "there is no run"));
        }
        else if (!run.Ask(command, asker))
        {
            cluster.TellRegistered(); // and what it is asked for
            Answer(asker, new CommandAnswer(null, command.Answer));
        }
    }

    /// <summary>A node is to end.</summary>
    public void Drain(string node, IActorRef asker)
    {
        (IReadOnlyList<Letter> letters, CommandAnswer answer) = cluster.Departures.Drain(node);
        LedCluster.Tell(letters);
        Answer(asker, answer);
    }

    /// <summary>How is it going?</summary>
    public void Status(IActorRef asker)
    {
        (NodeStatus[] nodes, string leader) = (cluster.Nodes.Status(), cluster.Name);
        if (Queue.Going is not { Opened: not null } going)
        {
            asker.Tell(new ClusterStatus(null, nodes, leader, WaitsFor, Queue.Ended));
            return;
        }
        RunDescription run = going.Run;
        going.Actor.Ask<RunStatus>(new StatusCommand(), s_runPatience)
            .PipeTo(asker, success: status => new ClusterStatus(status with { Name = run.Name }, nodes, leader),
                failure: _ => new ClusterStatus(null, nodes, leader, $"{run.Name}, which does not answer"));
    }

    /// <summary>
    /// Whoever started this process with a run is not there to be answered: a failure ends the process.
    /// </summary>
    private void Answer(IActorRef asker, CommandAnswer answer)
    {
        if (!asker.Equals(cluster.Shell.Self))
            asker.Tell(answer);
        else if (answer.Failure is { } failure)
            cluster.Shell.End((int)failure, answer.Text);
    }
}
