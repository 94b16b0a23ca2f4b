using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Tests.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Security;

public sealed class SecureClusterTests(TestCertificates certificates) : IClassFixture<TestCertificates>
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cluster_under_TLS_gives_the_same_bits_as_one_process(bool sharedMemory)
    {
        JobDescription job = TestJobs.Variants["adam"];
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, job, servers: 1, workers: 1, sharedMemory: sharedMemory, securityFolder: certificates.Server);
        TrainingResult result = await cluster.ResultAsync();
        Assert.Equal((await TestJobs.Run(job, s_data, new RunOptions())).ParameterHash, result.ParameterHash);
        await cluster.LineAsync("coordinator=akka.ssl.tcp://");
    }

    [Fact]
    public async Task A_node_of_another_authority_or_without_a_certificate_never_joins_and_gets_no_answer()
    {
        JobDescription job = TestJobs.Variants["adam"];
        job = job with { Training = job.Training with { Epochs = 100_000 } };
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, job, servers: 1, workers: 1, securityFolder: certificates.Server);
        await cluster.LineAsync("steps epoch=");
        var lost = new NodeSettings { Roles = [NodeRole.Worker], JoinTimeout = TimeSpan.FromSeconds(1) };
        foreach (string folder in new[] { certificates.Stranger, "" })
            Assert.Equal((int)FailureKind.Quorum, await ExitCode(cluster, lost with { SecurityFolder = folder }));
        foreach (string? folder in new[] { certificates.Stranger, null })
        {
            DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
                () => TestCluster.StatusAsync(cluster.Address, TimeSpan.FromSeconds(1), folder));
            Assert.Equal(FailureKind.Quorum, failure.Kind);
        }
        ClusterStatus status = await TestCluster.StatusAsync(
            cluster.Address, TimeSpan.FromSeconds(10), certificates.Worker);
        Assert.Equal(2, status.Nodes.Length);
        await cluster.CommandAsync(new StopCommand());
        TrainingResult result = await cluster.ResultAsync();
        TrainingResult single = await TestJobs.Run(
            job with { Training = job.Training with { MaxSteps = (int)result.Steps } }, s_data, new RunOptions());
        Assert.Equal(single.ParameterHash, result.ParameterHash);
    }

    // Akka may end the stranger's actor system so soon that its node has not even begun to listen.
    private static async Task<int> ExitCode(TestCluster cluster, NodeSettings settings)
    {
        try
        {
            TestNode node = await cluster.AddAsync(settings);
            return (await node.End.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode;
        }
        catch (DistTrainerException failure)
        {
            return (int)failure.Kind;
        }
    }
}
