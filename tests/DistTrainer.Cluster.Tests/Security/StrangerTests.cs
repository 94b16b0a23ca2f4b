using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Tests.Nodes;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.Transport.Security;
using Xunit;

namespace DistTrainer.Cluster.Tests.Security;

public sealed class StrangerTests(TestCertificates certificates) : IClassFixture<TestCertificates>
{
    private const int Times = 10;

    // One of each kind of refusal and source of Akka, after more than a thousand attempts.
    private const int MostWarnings = 16;
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private static readonly string[] s_paths = ["/user/node", "/user/node/$a", "/user/node/$a/parameter-shard-0",
        "/user/coordinator", "/user/coordinator/singleton", "/user/coordinator/singleton/run-test"];

    [Fact]
    public async Task Strangers_without_TLS_do_not_disturb_training_and_make_nothing_in_the_process()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, Job(), servers: 1, workers: 1);
        await using var strangers = new Strangers();
        await cluster.LineAsync("steps epoch=");
        strangers.Knock(cluster.Address, Times);
        strangers.Knock(cluster.Nodes[0].DataAddress, Times);
        ExtendedActorSystem system = strangers.System();
        string node = $"akka.tcp://disttrainer@{cluster.Address}";
        int before = Gadgets.Made;
        for (int i = 0; i < Times; i++)
        {
            foreach (string path in s_paths)
                Strangers.Attack(system, node, path);
        }
        Strangers.Deploy(system, node);
        await cluster.LineAsync("JSON is not read");
        await Undisturbed(cluster);
        Assert.Equal(before, Gadgets.Made);
    }

    [Fact]
    public async Task Strangers_under_TLS_do_not_disturb_training()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, Job(), servers: 1, workers: 1, sharedMemory: false, securityFolder: certificates.Server);
        await using var strangers = new Strangers();
        await cluster.LineAsync("steps epoch=");
        strangers.Knock(cluster.Address, Times);
        strangers.Knock(cluster.Nodes[0].DataAddress, Times);
        Strangers.Attack(strangers.System(), $"akka.tcp://disttrainer@{cluster.Address}", "/user/node");
        Strangers.Attack(
            strangers.System(NodeCertificate.Load(certificates.Stranger)),
            $"akka.ssl.tcp://disttrainer@{cluster.Address}", "/user/node");
        await cluster.LineAsync("data-plane-refused");
        await cluster.LineAsync("[TcpServerHandler]");
        await Undisturbed(cluster);
    }

    [Fact]
    public async Task A_node_that_dials_somebody_who_fails_at_TLS_lives_on_and_leaves_in_good_order()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, Job(), servers: 1, workers: 1, securityFolder: certificates.Server);
        await using var strangers = new Strangers();
        await cluster.LineAsync("steps epoch=");
        using var broken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        broken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        broken.Listen();
        // An answer that is to go there makes the node dial.
        ExtendedActorSystem system = strangers.System(NodeCertificate.Load(certificates.Worker));
        IActorRef asker = system.Provider.ResolveActorRef(
            $"akka.ssl.tcp://gone@127.0.0.1:{((IPEndPoint)broken.LocalEndPoint!).Port}/user/asker");
        system.ActorSelection($"akka.ssl.tcp://disttrainer@{cluster.Address}/user/node")
            .Tell(new StatusCommand(), asker);
        using (Socket dialed = await broken.AcceptAsync().WaitAsync(TimeSpan.FromSeconds(20)))
            dialed.Send("HTTP/1.1 400 Bad Request\r\n\r\n"u8);
        await Undisturbed(cluster);
        Assert.False(cluster.Nodes[0].End.IsCompleted);
        cluster.Nodes[0].Leave();
        Assert.Equal(0, (await cluster.Nodes[0].End.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
    }

    private static JobDescription Job()
    {
        JobDescription job = TestJobs.Variants["adam"];
        return job with { Training = job.Training with { Epochs = 1_000_000 } };
    }

    private static async Task Undisturbed(TestCluster cluster)
    {
        await Task.Delay(500); // whatever the strangers have set off comes to its end
        int steps = cluster.Steps.Count;
        await LiveNode.Until(() => cluster.Steps.Count > steps + 5, "further steps");
        await cluster.CommandAsync(new StopCommand());
        TrainingResult result = await cluster.ResultAsync();
        JobDescription job = Job();
        TrainingResult single = await TestJobs.Run(
            job with { Training = job.Training with { MaxSteps = (int)result.Steps } }, s_data, new RunOptions());
        Assert.Equal(single.ParameterHash, result.ParameterHash);
        string[] warnings;
        lock (cluster.Log)
            warnings = [.. cluster.Log.Where(line => !line.Contains("heartbeat was delayed", StringComparison.Ordinal))
                .Where(
                    line => line.Contains(" WRN ", StringComparison.Ordinal)
                    || line.Contains(" ERR ", StringComparison.Ordinal))];
        Assert.True(warnings.Length <= MostWarnings, string.Join('\n', warnings));
        Assert.DoesNotContain(cluster.Log, line => line.Contains("generation=2", StringComparison.Ordinal));
    }
}
