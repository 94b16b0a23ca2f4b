using System.Text.RegularExpressions;
using Xunit;

namespace DistTrainer.Cli.Tests.Cluster;

/// <summary>Clusters of real processes on loopback.</summary>
public sealed class ClusterProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-cluster-").FullName;
    private readonly List<NodeProcess> _nodes = [];

    public void Dispose()
    {
        foreach (NodeProcess node in _nodes)
            node.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    public async Task Processes_give_the_same_bits_as_one_process(int servers, int workers)
    {
        string job = Job(epochs: 2);
        NodeProcess first = await StartAsync(job, servers, workers);
        Assert.Equal(0, await first.ExitCodeAsync());
        Assert.Equal(await SingleHash(job), Hash(first));
        Assert.True(File.Exists(Path.Combine(_folder, "runs", "run", "model.safetensors")));
        foreach (NodeProcess node in _nodes)
            Assert.Equal(0, await node.ExitCodeAsync());
    }

    [Fact]
    public async Task A_worker_killed_in_mid_step_changes_nothing_and_the_others_go_on_within_a_second()
    {
        string job = Job(epochs: 100_000);
        NodeProcess first = await StartAsync(job, servers: 1, workers: 3, minWorkers: 1);
        (DateTime all, _) = await first.LineAsync("generation-begun .* workers=3 ");
        await first.LineAsync(" steps epoch=", all);
        DateTime killed = DateTime.UtcNow;
        _nodes[2].Kill();
        (DateTime begun, _) = await first.LineAsync("generation-begun", killed);
        (DateTime goesOn, _) = await first.LineAsync(" steps epoch=", begun);
        Assert.True(goesOn - killed < TimeSpan.FromSeconds(5), $"It took {goesOn - killed}.\n{first.Text}");
        await AssertStoppedRunIsRight(first, job);
    }

    [Fact]
    public async Task Without_any_worker_the_run_waits_and_goes_on_when_one_comes()
    {
        string job = Job(epochs: 100_000);
        NodeProcess first = await StartAsync(job, servers: 1, workers: 1);
        await first.LineAsync(" steps epoch=");
        DateTime killed = DateTime.UtcNow;
        _nodes[1].Kill();
        await first.LineAsync("waiting-for who=\"1 of at least 1 workers\"", killed);
        _nodes.Add(await NodeProcess.StartAsync("--role", "worker", "--seed-node", first.Address));
        (DateTime back, _) = await first.LineAsync("generation-begun .* workers=1 ", killed);
        await first.LineAsync(" steps epoch=", back);
        await AssertStoppedRunIsRight(first, job);
    }

    [Fact]
    public async Task Twice_as_many_compute_threads_as_cores_make_nobody_unreachable()
    {
        string job = Job(epochs: 100_000, units: 1024);
        string threads = $"{Environment.ProcessorCount}";
        NodeProcess first = await StartAsync(job, servers: 1, workers: 2, more: ["--compute-threads", threads]);
        (DateTime begun, _) = await first.LineAsync(" steps epoch=");
        await Task.Delay(TimeSpan.FromSeconds(6));
        await first.LineAsync(" steps epoch=", begun + TimeSpan.FromSeconds(5));
        first.Signal("TERM");
        Assert.Equal(143, await first.ExitCodeAsync());
        Assert.DoesNotContain("node-unreachable", first.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("node-gone", first.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_was_stopped_for_long_comes_back_and_changes_nothing()
    {
        string job = Job(epochs: 100_000);
        NodeProcess first = await StartAsync(job, servers: 1, workers: 2, minWorkers: 1, acceptablePause: "6s");
        (DateTime all, _) = await first.LineAsync("generation-begun .* workers=2 ");
        await first.LineAsync(" steps epoch=", all);
        DateTime stopped = DateTime.UtcNow;
        _nodes[1].Signal("STOP");
        await first.LineAsync("waiting-for who=\"worker", stopped);
        await first.LineAsync("node-gone", stopped);
        (DateTime begun, _) = await first.LineAsync("generation-begun .* workers=1 ", stopped);
        _nodes[1].Signal("CONT");
        (DateTime back, _) = await first.LineAsync("generation-begun .* workers=2 ", begun);
        await first.LineAsync(" steps epoch=", back);
        await AssertStoppedRunIsRight(first, job);
    }

    [Fact]
    public async Task Everything_that_is_told_to_end_ends_in_good_order_with_the_model_written()
    {
        NodeProcess first = await StartAsync(Job(epochs: 10_000), servers: 1, workers: 1);
        await first.LineAsync(" steps epoch=");
        _nodes[1].Signal("TERM");
        first.Signal("TERM");
        Assert.Equal(143, await first.ExitCodeAsync());
        Assert.Equal(143, await _nodes[1].ExitCodeAsync());
        Assert.Contains("stopped epochs=", first.Text, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, "runs", "run", "run.json")));
    }

    [Fact]
    public async Task A_server_killed_in_mid_step_is_replaced_by_replicas_with_no_step_made_again()
    {
        string job = Job(epochs: 100_000, units: 512);
        NodeProcess first = await StartAsync(job, servers: 3, workers: 2);
        (DateTime begun, _) = await first.LineAsync("generation-begun .* replicas=[1-9]");
        await first.LineAsync(" steps epoch=", begun);
        DateTime killed = DateTime.UtcNow;
        _nodes[^1].Kill();
        (DateTime without, _) = await first.LineAsync("generation-begun .* replicas=", killed);
        await first.LineAsync(" steps epoch=", without);
        await AssertStoppedRunIsRight(first, job);
        Assert.DoesNotContain("run-went-back", first.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_replicas_a_server_killed_in_mid_step_sends_the_run_back_to_the_last_checkpoint_and_changes_nothing()
    {
        string job = Job(epochs: 100_000, units: 512);
        File.AppendAllText(job, "\ncheckpoint.every-steps = 50\n");
        NodeProcess first = await StartAsync(job, servers: 3, workers: 2, replicas: 0);
        (DateTime written, _) = await first.LineAsync("checkpoint-written");
        await first.LineAsync(" steps epoch=", written);
        DateTime killed = DateTime.UtcNow;
        _nodes[^1].Kill();
        (DateTime back, _) = await first.LineAsync("run-went-back .* checkpoint=\"/", killed);
        await first.LineAsync(" steps epoch=", back);
        await AssertStoppedRunIsRight(first, job);
    }

    [Fact]
    public async Task The_node_of_the_coordinator_killed_in_mid_step_changes_nothing()
    {
        string job = Job(epochs: 100_000, units: 512);
        File.AppendAllText(job, "\ncheckpoint.every-steps = 50\n");
        NodeProcess first = await StartAsync(job, servers: 3, workers: 2);
        (DateTime written, _) = await first.LineAsync("checkpoint-written");
        await first.LineAsync(" steps epoch=", written);
        first.Kill();
        NodeProcess next = await Task.WhenAny(Leads(_nodes[^1]), Leads(_nodes[^2])).Unwrap();
        (DateTime taken, _) = await next.LineAsync("run-taken-over");
        await next.LineAsync(" steps epoch=", taken);
        await AssertStoppedRunIsRight(next, job);

        static async Task<NodeProcess> Leads(NodeProcess node)
        {
            await node.LineAsync("run-found");
            return node;
        }
    }

    [Fact]
    public async Task A_server_that_has_no_part_in_the_run_is_killed_and_proven_dead_by_its_port()
    {
        NodeProcess first = await StartAsync(Job(epochs: 100_000), servers: 1, workers: 1, replicas: 0);
        await first.LineAsync(" steps epoch=");
        _nodes.Add(await NodeProcess.StartAsync("--role", "server", "--seed-node", first.Address));
        await first.LineAsync("node-known .*nodes=3");
        _nodes[^1].Kill();
        (DateTime dead, _) = await first.LineAsync($"member-dead address=akka.tcp://disttrainer@{_nodes[^1].Address} ");
        (DateTime forgotten, _) = await first.LineAsync("node-forgotten", dead);
        Assert.True(forgotten - dead < TimeSpan.FromSeconds(4), $"It took {forgotten - dead}.\n{first.Text}");
        await first.LineAsync(" steps epoch=", forgotten);
    }

    [Fact]
    public async Task A_second_server_on_the_same_cluster_port_ends_in_one_line_and_one_that_is_started_anew_after_a_kill_gets_it()
    {
        NodeProcess first = await NodeProcess.StartAsync("--role", "server");
        _nodes.Add(first);
        string port = first.Address.Split(':')[1];
        NodeProcess second = NodeProcess.Start("node", "--cluster-port", port, "--role", "server");
        _nodes.Add(second);
        Assert.Equal(2, await second.ExitCodeAsync());
        Assert.StartsWith($"error: cluster-port 127.0.0.1:{port} is taken: ", second.Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', second.Text);
        _nodes.Add(await NodeProcess.StartAsync("--role", "worker", "--seed-node", first.Address));
        await _nodes[^1].LineAsync("node-registered");
        first.Kill();
        _nodes.Add(await NodeProcess.StartAsync("--role", "server", "--cluster-port", port));
        Assert.Equal(first.Address, _nodes[^1].Address);
    }

    private static string Hash(NodeProcess node) =>
        Regex.Match(node.Text, "parameters sha256=(?<hash>[0-9a-f]{64})").Groups["hash"].Value;

    private string Job(int epochs, int units = 96)
    {
        string path = Path.Combine(_folder, "job.conf");
        File.WriteAllText(path, $$"""
            data.source = digits
            model.layers = [{ units = {{units}}, activation = relu, dropout = 0.2 }, {}]
            optimizer.kind = adam
            training.epochs = {{epochs}}
            training.batch-size = 64
            run.output = "{{Path.Combine(_folder, "runs", "run")}}"
            run.report-every = 10
            """);
        return path;
    }

    private async Task<NodeProcess> StartAsync(
        string job, int servers, int workers, int? minWorkers = null, string acceptablePause = "2s", int replicas = 1,
        params string[] more)
    {
        _nodes.Add(
            await NodeProcess.StartAsync(
                "--role", "server", "--job", job, "--exit-when-done", "--min-servers", $"{servers}", "--min-workers",
                $"{minWorkers ?? workers}", "--acceptable-pause", acceptablePause, "--replicas", $"{replicas}"));
        for (int worker = 0; worker < workers; worker++)
            _nodes.Add(await NodeProcess.StartAsync(["--role", "worker", "--seed-node", _nodes[0].Address, .. more]));
        for (int server = 1; server < servers; server++)
            _nodes.Add(await NodeProcess.StartAsync("--role", "server", "--seed-node", _nodes[0].Address));
        return _nodes[0];
    }

    private async Task AssertStoppedRunIsRight(NodeProcess first, string job)
    {
        first.Signal("TERM");
        Assert.Equal(143, await first.ExitCodeAsync());
        string steps = Regex.Match(first.Text, "stopped after step (?<steps>[0-9]+)").Groups["steps"].Value;
        Assert.Equal(await SingleHash(job, "--max-steps", steps), Hash(first));
    }

    private async Task<string> SingleHash(string job, params string[] more)
    {
        CliRun run = await CliRun.Of(
            new CliServices(),
            ["train", "--config", job, "--quiet", "--output", Path.Combine(_folder, "single"), .. more]);
        Assert.Equal(0, run.Code);
        return Regex.Match(run.Output, "sha256=(?<hash>[0-9a-f]{64})").Groups["hash"].Value;
    }
}
