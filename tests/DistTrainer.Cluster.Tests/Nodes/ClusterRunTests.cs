using Akka.Actor;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>Runs on clusters of nodes with their own actor systems and data connections, in this process.</summary>
public sealed class ClusterRunTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);

    [Theory]
    [InlineData("sgd", 1, 1, false, true)]
    [InlineData("adamw-clip-both-max-norm", 2, 2, false, true)]
    [InlineData("adamw-clip-both-max-norm", 2, 2, false, false)]
    [InlineData("rmsprop-elastic-net", 1, 3, false, true)]
    [InlineData("sgd-nesterov-clip-norm", 3, 1, false, true)]
    [InlineData("adam", 2, 2, true, true)]
    [InlineData("adam", 2, 2, true, false)]
    public async Task A_cluster_gives_the_same_bits_as_one_process_with_and_without_shared_memory(
        string variant, int servers, int workers, bool combined, bool sharedMemory)
    {
        JobDescription job = TestJobs.Variants[variant];
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, job, servers, workers, combined, sharedMemory: sharedMemory);
        TrainingResult result = await cluster.ResultAsync();
        TrainingResult single = await TestJobs.Run(job, s_data, new RunOptions { Workers = 2, ParameterShards = 2 });
        Assert.Equal(single.ParameterHash, result.ParameterHash);
        Assert.Equal(single.Test, result.Test);
        Assert.Equal(EndReason.Completed, result.Reason);
    }

    [Fact]
    public async Task Workers_that_join_are_drained_or_leave_do_not_change_a_bit()
    {
        JobDescription job = Long("adamw-clip-both-max-norm", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, job, servers: 2, workers: 2, minWorkers: 1);
        await cluster.LineAsync("steps epoch=");
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker], Workers = 2, ReportEvery = 5 });
        await cluster.LineAsync("workers=4 parameterShards=2");
        await cluster.CommandAsync(new DrainCommand(await cluster.Nodes[2].Address));
        Assert.Equal(0, (await cluster.Nodes[2].End.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
        cluster.Nodes[3].Leave();
        Assert.Equal(0, (await cluster.Nodes[3].End.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
        await StopAndCompare(cluster, job);
        Assert.Contains(cluster.Log, line => line.Contains("node-gone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pausing_and_resuming_does_not_change_a_bit_and_status_tells_of_it()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 2);
        await cluster.LineAsync("epoch-ended");
        await cluster.CommandAsync(new PauseCommand(true));
        await cluster.LineAsync("run-paused");
        ClusterStatus status = await TestCluster.StatusAsync(cluster.Address, TimeSpan.FromSeconds(10));
        Assert.Equal("paused", status.Run!.State);
        Assert.Equal(2, status.Run.Workers.Length);
        Assert.Equal(3, status.Nodes.Length);

        // Longer than the first look at who has not answered: nobody is asked anything in a pause.
        await Task.Delay(2500);
        await cluster.CommandAsync(new PauseCommand(false));
        await StopAndCompare(cluster, job);
    }

    [Fact]
    public async Task A_learning_rate_that_was_set_is_used_from_the_next_step_on()
    {
        JobDescription job = Long("sgd", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 2, workers: 1);
        await cluster.LineAsync("steps epoch=");
        await cluster.CommandAsync(new LearningRateCommand(0.001));
        await cluster.LineAsync("learning-rate-set");
        await cluster.LineAsync("learningRate=0.001 ");
        await cluster.CommandAsync(new StopCommand());
        await cluster.ResultAsync();
        Assert.Equal(0.05f, (float)cluster.Steps[0].LearningRate);
        Assert.Equal(0.001f, (float)cluster.Steps[^1].LearningRate);
    }

    [Fact]
    public async Task A_run_that_is_stopped_ends_after_its_open_step()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 2);
        await cluster.LineAsync("steps epoch=");
        await StopAndCompare(cluster, job);
    }

    [Fact]
    public async Task A_run_that_waits_for_nodes_goes_over_to_the_next_coordinator_and_is_shown_by_status()
    {
        JobDescription job = TestJobs.Variants["sgd"];
        await using var cluster = new TestCluster(s_data);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server], MinWorkers = 2 });
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server], MinWorkers = 1 });
        await cluster.LineAsync("nodes=2");
        await cluster.CommandAsync(
            new SubmitRun(new RunDescription("waits", "patient", new JobFile(job, new RunSettings()).Write(), null)));
        ClusterStatus status = await TestCluster.StatusAsync(cluster.Address, TimeSpan.FromSeconds(10));
        Assert.Equal((null, "patient, for 2 of at least 2 workers"), (status.Run, status.Waiting));
        await cluster.LeaveFirstAsync();
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] });
        TrainingResult result = await cluster.ResultAsync();
        Assert.Equal((await TestJobs.Run(job, s_data, new RunOptions())).ParameterHash, result.ParameterHash);
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("stop")]
    [InlineData("leave")]
    public async Task What_is_asked_of_a_run_while_its_coordinator_reads_the_data_is_done_when_they_are_read(
        string what)
    {
        var read = new TaskCompletionSource();
        await using var cluster = new TestCluster(s_data);
        await cluster.AddAsync(
            new NodeSettings { Roles = [NodeRole.Server] }, Long("sgd", epochs: 100_000), reading: read.Task);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] });
        while ((await TestCluster.StatusAsync(cluster.Address, TimeSpan.FromSeconds(10)))
            .Waiting != "test, for its data")
            await Task.Delay(20);
        if (what == "leave")
        {
            cluster.Nodes[0].Leave();
            await cluster.LineAsync("node-leaves");
        }
        else
        {
            await cluster.CommandAsync(what == "pause" ? new PauseCommand(true) : new StopCommand());
        }
        read.SetResult();
        if (what == "pause")
        {
            await cluster.LineAsync("run-paused epoch=1 step=0");
            await cluster.CommandAsync(new StopCommand());
        }
        TrainingResult result = await cluster.ResultAsync();
        Assert.Equal((EndReason.Stopped, 0), (result.Reason, result.Steps));
        if (what == "leave")
            Assert.Equal(0, (await cluster.Nodes[0].End.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
    }

    [Fact]
    public async Task Status_tells_how_the_last_run_ended_and_the_next_coordinator_knows_it_too()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            s_data, TestJobs.Variants["sgd"], servers: 2, workers: 1);
        TrainingResult result = await cluster.ResultAsync();
        LastRun ended = await cluster.EndedAsync("test");
        Assert.Equal(
            ("test", "completed", result.Steps, result.ParameterHash, null),
            (ended.Name, ended.How, ended.Steps, ended.ParameterHash, ended.Failure));
        await cluster.LeaveFirstAsync();
        Assert.Equal(ended, await cluster.EndedAsync("test"));
    }

    [Fact]
    public async Task Status_tells_why_the_last_run_failed_and_after_which_step()
    {
        JobDescription job = Long("sgd", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        cluster.AfterStep = _ => throw new DistTrainerException(FailureKind.Disk, "made-up: the disk is full");
        LastRun ended = await cluster.EndedAsync("test");
        Assert.Equal(("failed", cluster.Steps[^1].Step, null), (ended.How, ended.Steps, ended.ParameterHash));
        Assert.Equal("made-up: the disk is full", ended.Failure);
    }

    [Fact]
    public async Task A_run_that_waits_for_nodes_is_withdrawn_by_stop_and_another_may_be_submitted()
    {
        var submit = new SubmitRun(
            new RunDescription(
                "waits", "patient", new JobFile(TestJobs.Variants["sgd"], new RunSettings()).Write(), null));
        await using var cluster = new TestCluster(s_data);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server] });
        await cluster.LineAsync("node-registered");
        await cluster.CommandAsync(submit);
        await cluster.CommandAsync(new StopCommand());
        await cluster.LineAsync("run-withdrawn run=waits");
        ClusterStatus status = await TestCluster.StatusAsync(cluster.Address, TimeSpan.FromSeconds(10));
        Assert.Equal((null, "waits", "withdrawn"), (status.Waiting, status.Ended!.Id, status.Ended.How));
        await cluster.CommandAsync(submit);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] });
        Assert.Equal(EndReason.Completed, (await cluster.ResultAsync()).Reason);
    }

    [Fact]
    public async Task A_server_that_is_told_to_leave_ends_its_run_first_even_when_the_workers_have_left()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        cluster.Nodes[1].Leave();
        cluster.Nodes[0].Leave();
        TrainingResult result = await cluster.ResultAsync();
        Assert.Equal(EndReason.Stopped, result.Reason);
        Assert.Equal(
            (await TestJobs.Run(job with { Training = job.Training with { MaxSteps = (int)result.Steps } }, s_data,
            new RunOptions())).ParameterHash, result.ParameterHash);
        Assert.Equal(61, result.Test.Count);
    }

    [Fact]
    public async Task A_node_with_other_data_is_refused_and_training_goes_on()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        TestNode other = await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] }, other: s_data with
        {
            Hash = "other",
        });
        await AssertRefused(
            cluster, other, FailureKind.Data,
            "its data differ: hash other, the run's test; give every node the same files");
        await StopAndCompare(cluster, job);
    }

    [Fact]
    public async Task A_node_with_another_engine_is_refused_and_training_goes_on()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        var settings = new NodeSettings { Roles = [NodeRole.Worker] };
        TestNode other = await cluster.AddAsync(settings, model: new DoubleModel(11, 5, 4));
        await AssertRefused(
            cluster, other, FailureKind.Configuration,
            "its model is computed by double 1, the run's by the built-in network; give every node the same engine");
        await StopAndCompare(cluster, job);
    }

    [Theory]
    [InlineData(NodeRole.Worker)]
    [InlineData(NodeRole.Server)]
    public async Task A_node_that_joins_and_cannot_read_the_data_is_refused_and_training_goes_on(NodeRole role)
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        var missing = new DistTrainerException(FailureKind.Data, "data.source = 'x.csv': there is no such file.");
        TestNode other = await cluster.AddAsync(new NodeSettings { Roles = [role] }, unreadable: missing);
        await AssertRefused(cluster, other, FailureKind.Data, missing.Message);
        await StopAndCompare(cluster, job);
        Assert.DoesNotContain(cluster.Log, line => line.Contains("run-failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_that_joins_and_has_too_little_memory_is_refused_and_training_goes_on()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        TestNode other = await cluster.AddAsync(
            new NodeSettings { Roles = [NodeRole.Worker] }, unreadable: new InsufficientMemoryException());
        await AssertRefused(
            cluster, other, FailureKind.Internal, "the memory does not suffice for this run's data and parameters");
        await StopAndCompare(cluster, job);
    }

    [Fact]
    public async Task A_run_whose_first_workers_all_cannot_read_the_data_ends_with_that_error_and_the_cluster_stays()
    {
        var missing = new DistTrainerException(FailureKind.Data, "data.source = 'x.csv': there is no such file.");
        await using var cluster = new TestCluster(s_data);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server], MinWorkers = 2 }, Long("adam", epochs: 3));
        TestNode first = await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] }, unreadable: missing);
        TestNode second = await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] }, unreadable: missing);
        Assert.Contains(
            missing.Message, await cluster.LineAsync("run-failed epoch=1 step=0 kind=Data"), StringComparison.Ordinal);
        await cluster.LineAsync("run-failed run=test");
        ClusterStatus status = await TestCluster.StatusAsync(cluster.Address, TimeSpan.FromSeconds(10));
        Assert.Null(status.Run);
        Assert.Equal(3, status.Nodes.Length);
        Assert.False(first.End.IsCompleted || second.End.IsCompleted);

        // The run is over for the coordinator too: it lets everybody go, itself last.
        foreach (TestNode node in cluster.Nodes.Reverse())
        {
            node.Leave();
            Assert.Equal(
                "it was released by the coordinator", (await node.End.WaitAsync(TimeSpan.FromSeconds(45))).Reason);
        }
    }

    [Fact]
    public async Task A_run_begins_without_the_first_worker_that_cannot_read_the_data_where_others_are_enough()
    {
        JobDescription job = Long("adam", epochs: 3);
        await using var cluster = new TestCluster(s_data);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server], MinServers = 2, MinWorkers = 1 }, job);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker] });
        TestNode other = await cluster.AddAsync(
            new NodeSettings { Roles = [NodeRole.Worker] }, unreadable: new DistTrainerException(
                FailureKind.Data, "no file"));
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server] });
        TrainingResult result = await cluster.ResultAsync();
        Assert.Equal((await TestJobs.Run(job, s_data, new RunOptions())).ParameterHash, result.ParameterHash);
        await AssertRefused(cluster, other, FailureKind.Data, "no file");
    }

    [Fact]
    public async Task A_node_whose_name_the_data_plane_would_refuse_is_refused_by_the_coordinator()
    {
        await using var cluster = new TestCluster(s_data);
        await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Server] });
        await cluster.LineAsync("node-known");
        using LiveNode other =
            LiveNode.Start(LiveNode.Settings(NodeRole.Worker, NodeValues.ParseSeedNode(cluster.Address)));
        await other.UntilUp(2);
        EndNode end =
            await other.System.ActorSelection($"akka.tcp://disttrainer@{cluster.Address}/user/coordinator/singleton")
            .Ask<EndNode>(
            new RegisterNode(ProtocolVersion.Current, "none", new NodeAddress("w\u001b[31mred", null, []), "", false, 1,
                null, null, null, null), TimeSpan.FromSeconds(20));
        Assert.Equal(
            ((int)FailureKind.Configuration,
            "its name has U+001B as its character 2; allowed: 1 to 200 characters that can be seen, and blanks"),
            (end.ExitCode, end.Reason));
        string line = await cluster.LineAsync("node-refused");
        Assert.Contains(
            $"node=akka.tcp://disttrainer@{other.Seed} reason=\"its name has U+001B", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_of_another_protocol_version_ends_itself_and_names_both()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        TestNode other = await cluster.AddAsync(
            new NodeSettings { Roles = [NodeRole.Worker] }, actorConfiguration: "akka.cluster.app-version = \"77\"\n");
        NodeEnd end = await other.End.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((int)FailureKind.Configuration, end.ExitCode);
        Assert.Contains("protocol version 77", end.Reason, StringComparison.Ordinal);
        Assert.Contains($"speaks {ProtocolVersion.Current}", end.Reason, StringComparison.Ordinal);
        await StopAndCompare(cluster, job);
    }

    [Fact]
    public async Task A_node_with_other_plug_ins_ends_itself_and_names_both()
    {
        JobDescription job = Long("adam", epochs: 100_000);
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 1, workers: 1);
        await cluster.LineAsync("steps epoch=");
        TestNode other = await cluster.AddAsync(
            new NodeSettings { Roles = [NodeRole.Worker] }, plugins: "Mine 1.0.0.0 sha256=0123456789ab");
        NodeEnd end = await other.End.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((int)FailureKind.Configuration, end.ExitCode);
        Assert.Contains("this cluster has the plug-ins: none; ", end.Reason, StringComparison.Ordinal);
        Assert.Contains(
            "has: Mine 1.0.0.0 sha256=0123456789ab; list the same files", end.Reason, StringComparison.Ordinal);
        await StopAndCompare(cluster, job);
    }

    [Fact]
    public async Task The_best_parameters_are_restored_on_all_nodes()
    {
        JobDescription job = Long("adam", epochs: 40);
        job = job with
        {
            Training = job.Training with
            {
                EarlyStopping = new EarlyStoppingDescription { Patience = 2, RestoreBest = true },
            },
        };
        await using TestCluster cluster = await TestCluster.StartAsync(s_data, job, servers: 2, workers: 2);
        TrainingResult result = await cluster.ResultAsync();
        TrainingResult single = await TestJobs.Run(job, s_data, new RunOptions());
        Assert.Equal(single.ParameterHash, result.ParameterHash);
        Assert.Equal(single.Validation, result.Validation);
        await cluster.LineAsync("best-restored");
    }

    private static async Task AssertRefused(TestCluster cluster, TestNode node, FailureKind kind, string reason)
    {
        NodeEnd end = await node.End.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((int)kind, end.ExitCode);
        Assert.Contains(reason, end.Reason, StringComparison.Ordinal);
        Assert.Contains(reason, await cluster.LineAsync("node-refused node="), StringComparison.Ordinal);
    }

    private static async Task StopAndCompare(TestCluster cluster, JobDescription job)
    {
        await cluster.CommandAsync(new StopCommand());
        TrainingResult result = await cluster.ResultAsync();
        Assert.Equal(EndReason.Stopped, result.Reason);
        TrainingResult single = await TestJobs.Run(
            job with { Training = job.Training with { MaxSteps = (int)result.Steps } }, s_data, new RunOptions());
        Assert.Equal(single.ParameterHash, result.ParameterHash);
    }

    private static JobDescription Long(string variant, int epochs)
    {
        JobDescription job = TestJobs.Variants[variant];
        return job with { Training = job.Training with { Epochs = epochs } };
    }
}
