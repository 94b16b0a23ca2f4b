using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Run.Reports;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>Workers get their data shards and connect to the parameter shards' nodes; this node connects too.</summary>
internal sealed class AssigningPhase(LedRun run, RunAim aim) : RunPhase(run, aim)
{
    private bool _isLinked;

    public override void Begin()
    {
        Generation generation = Generation;
        Run.Await("links", () => generation.WorkersBut(generation.Assigned.Has));
        generation.TakePart();
        for (int worker = 0; worker < generation.Workers.Length; worker++)
        {
            DataShardRange own = generation.DataShardsOf(worker);
            generation.Workers[worker].Actor.Tell(new AssignDataShards(
                generation.Number, worker, generation.ParameterShards, generation.Roles.Replicas, own.First, own.Count,
                Run.Backups.AreIn(generation) ? [] : generation.NeighboursOf(worker),
                Run.Backups.Of(worker, generation), generation.Roles.FirstApplied));
        }

        // Connecting may take its time, and the actor must hear of who is lost meanwhile.
        ParameterShardCopyPlace[] shards =
            [.. generation.Owners.Select((place, index) => new ParameterShardCopyPlace(index, place))];
        Run.Setup.Links.JoinAsync(generation.Number, shards, Run.Shell.Self).PipeTo(
            Run.Shell.Self,
            success: () => new Linked(generation.Number, null), failure: cause => new Linked(generation.Number, cause));
    }

    public override void On(DataShardsAssigned assigned)
    {
        Generation.Assigned.Add(assigned.Worker);
        OnAssigned();
    }

    public override void On(GenerationRefused refused) => Run.BeginGeneration(Aim, refused.Newest);

    public override void On(Linked linked)
    {
        if (linked.Failure is not null)
            Run.Log.LinkFailed(Generation.Number, linked.Failure.Message);
        _isLinked = linked.Failure is null;
        if (Run.Nodes.IsRefused(linked))
            return;
        if (!_isLinked)
            Run.Nodes.SettleLater(Membership.Quarantine);
        OnAssigned();
    }

    private void OnAssigned()
    {
        if (!_isLinked || !Generation.Assigned.IsComplete)
            return;
        Run.Nodes.TakePart();
        IActorRef[] all = [.. Generation.ParameterShards.Select(place => place.Actor)];
        for (int shard = 0; shard < all.Length; shard++)
            all[shard].Tell(
                new BroadcastParameters(
                    Generation.Number, Generation.Roles.FirstApplied, Generation.Workers, all, shard));
        Run.Log.GenerationBegun(Generation);

        // A server that gets a replica may die before it has it, or come later.
        if (Run.Options.Replicas > 0)
            Run.Shell.AtOnceAndEvery(WaitWatch.First, new LedRun.ShardsOverdue());
        Run.Shell.After(DataShardDeal.Settled, new RunReports.CheckSpeeds());
        bool areEnough = Run.Members.AreEnough;
        if (!areEnough)
            Generation.LeaveWorkers();
        else if (Run.Replicas.MaySync)
            Run.Asked.Set(Run.Asked.Open with { Checkpoints = true });
        Run.Enter(RunCourse.AfterAssigned(Aim, areEnough));
    }
}
