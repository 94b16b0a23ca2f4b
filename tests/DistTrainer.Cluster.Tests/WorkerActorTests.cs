using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>The worker's side of the protocol, with probes in the places of two runs' actors.</summary>
public sealed class WorkerActorTests : TestKit
{
    private readonly TestProbe _run;
    private readonly TestProbe _other;
    private readonly IActorRef _worker;

    public WorkerActorTests()
        : base(ComputeDispatchers.Settings)
    {
        var setup = new TrainingSetup(TestJobs.Job(new OptimizerDescription()), TestJobs.Classification(40, 3, 2), new RunOptions(), null);
        (_run, _other) = (CreateTestProbe(), CreateTestProbe());
        _worker = Sys.ActorOf(Props.Create(() => new WorkerActor(setup)));
    }

    [Fact]
    public void An_assignment_of_an_older_generation_is_refused_with_the_newest()
    {
        Assign(_run, 3);
        Assert.Equal(3, _run.ExpectMsg<DataShardsAssigned>().Generation);
        Assign(_other, 2);
        Assert.Equal(new GenerationRefused(2, 3), _other.ExpectMsg<GenerationRefused>());
    }

    [Fact]
    public void A_generation_belongs_to_the_run_actor_that_began_it_and_its_own_second_copy_is_answered_again()
    {
        Assign(_run, 3);
        _run.ExpectMsg<DataShardsAssigned>();
        Assign(_other, 3);
        Assert.Equal(new GenerationRefused(3, 3), _other.ExpectMsg<GenerationRefused>());
        Assign(_run, 3);
        _run.ExpectMsg<DataShardsAssigned>();
        Assign(_other, 4);
        Assert.Equal(4, _other.ExpectMsg<DataShardsAssigned>().Generation);
    }

    private void Assign(TestProbe run, int generation) => _worker.Tell(new AssignDataShards(generation, 0, [], [], 0, 2, 0), run.Ref);
}
