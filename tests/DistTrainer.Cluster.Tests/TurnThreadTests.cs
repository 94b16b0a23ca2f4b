using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using DistTrainer.Cluster.Step;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Workers and parameter shards take turns on threads of their own.</summary>
public sealed class TurnThreadTests
{
    private const string Worker = "disttrainer.worker-dispatcher";
    private const string Shard = "disttrainer.parameter-shard-dispatcher";

    [Theory]
    [InlineData("")]
    [InlineData(ComputeDispatchers.Alone)]
    public async Task Workers_have_a_thread_each_and_parameter_shards_take_turns_with_them(string settings)
    {
        using ActorSystem system = Start(settings);
        int[] workers = [await ThreadOf(system, Worker), await ThreadOf(system, Worker)];
        int[] shards = [await ThreadOf(system, Shard), await ThreadOf(system, Shard)];
        Assert.NotEqual(workers[0], workers[1]);
        Assert.Equal(workers, shards);
        await system.Terminate();
    }

    [Fact]
    public async Task Parameter_shards_without_workers_have_as_many_threads_as_cores_in_a_second_run_too()
    {
        using ActorSystem system = Start("");
        for (int run = 0; run < 2; run++)
        {
            IActorRef[] shards = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => system.ActorOf(
                Props.Create(() => new Where(new ConcurrentBag<Thread>())).WithDispatcher(Shard)))];
            int[] threads = await Task.WhenAll(shards.Select(shard => shard.Ask<int>("")));
            Assert.All(threads.CountBy(thread => thread), same => Assert.Equal(2, same.Value));
            Assert.Equal(Environment.ProcessorCount, threads.Distinct().Count());
            await Task.WhenAll(shards.Select(shard => shard.GracefulStop(TimeSpan.FromSeconds(10))));
            await Task.Delay(TimeSpan.FromSeconds(2)); // dispatchers are shut down a second after their last actor
        }
        await system.Terminate();
    }

    [Theory]
    [InlineData("")]
    [InlineData(ComputeDispatchers.Alone)]
    public async Task No_message_between_threads_is_lost_however_often_they_park(string settings)
    {
        const int Rounds = 20_000;
        using ActorSystem system = Start(settings);
        var done = new TaskCompletionSource();
        IActorRef one = system.ActorOf(Props.Create(() => new Echo(Rounds, done)).WithDispatcher(Worker));
        IActorRef other = system.ActorOf(Props.Create(() => new Echo(Rounds, done)).WithDispatcher(Worker));
        one.Tell(0, other);
        await done.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await system.Terminate();
    }

    [Fact]
    public async Task Threads_end_with_the_actor_system()
    {
        var threads = new ConcurrentBag<Thread>();
        using (ActorSystem system = Start(ComputeDispatchers.Alone))
        {
            foreach (string dispatcher in (string[])[Worker, Shard])
                await system.ActorOf(Props.Create(() => new Where(threads)).WithDispatcher(dispatcher)).Ask<int>("");
            await system.Terminate();
        }
        long start = Stopwatch.GetTimestamp();
        while (threads.Any(thread => thread.IsAlive) && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
            await Task.Delay(10);
        Assert.NotEmpty(threads);
        Assert.DoesNotContain(threads, thread => thread.IsAlive);
    }

    private static ActorSystem Start(string settings) =>
        ActorSystem.Create("turns", ConfigurationFactory.ParseString(ComputeDispatchers.Settings + settings));

    private static Task<int> ThreadOf(ActorSystem system, string dispatcher) =>
        system.ActorOf(Props.Create(() => new Where(new ConcurrentBag<Thread>())).WithDispatcher(dispatcher))
            .Ask<int>("");

    private sealed class Where : ReceiveActor
    {
        public Where(ConcurrentBag<Thread> threads) => ReceiveAny(_ =>
        {
            threads.Add(Thread.CurrentThread);
            Sender.Tell(Environment.CurrentManagedThreadId);
        });
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo(int rounds, TaskCompletionSource done) => Receive<int>(round =>
        {
            if (round == rounds)
                done.SetResult();
            else
                Sender.Tell(round + 1, Self);
        });
    }
}
