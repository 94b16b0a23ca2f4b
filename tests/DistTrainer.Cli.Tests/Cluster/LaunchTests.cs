using System.Diagnostics;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cli.Tests.Cluster;

/// <summary><c>launch</c>, whose nodes are started all at once, and what they do without it.</summary>
public sealed class LaunchTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-launch-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Servers_and_a_worker_that_start_at_once_give_the_same_bits_as_one_process()
    {
        using var launch = NodeProcess.Start(
            "launch", "--nodes", "3", "--servers", "2", "--epochs", "1", "--output", Path.Combine(_folder, "run"));
        Assert.Equal(0, await launch.ExitCodeAsync());
        CliRun single = await CliRun.Of(
            new CliServices(), ["train", "--epochs", "1", "--quiet", "--output", Path.Combine(_folder, "single")]);
        Assert.Equal(0, single.Code);
        Assert.Contains(
            Regex.Match(single.Output, "sha256=[0-9a-f]{64}").Value, launch.Text, StringComparison.Ordinal);
        foreach (string node in (string[])["node-2", "node-3"])
            Assert.Matches($@"{node} \| .* node-registered", launch.Text);
        Assert.DoesNotContain("were killed", launch.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_nodes_end_when_it_is_killed()
    {
        using var launch = NodeProcess.Start(
            "launch", "--nodes", "2", "--epochs", "1000000", "--output", Path.Combine(_folder, "run"));
        await launch.LineAsync("generation-begun");
        launch.Kill();
        foreach (Match address in Regex.Matches(launch.Text, "cluster=[0-9.]+:(?<port>[0-9]+) data="))
            await UntilNobodyListensAsync(int.Parse(address.Groups["port"].Value, provider: null));
    }

    [Theory]
    [InlineData("", "standard input ended before it named the node to join: launch has ended; start it again.")]
    [InlineData("x\n",
        "standard input: \"x\" is no address of a node to join; only launch may give --joins.")]
    public async Task A_node_that_is_never_told_which_one_to_join_ends_in_one_line(string input, string reason)
    {
        var start = new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "disttrainer.dll"), "node", "--launched", "--joins",
            "--role", "worker"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process node = Process.Start(start)!;
        await node.StandardInput.WriteAsync(input);
        node.StandardInput.Close();
        Assert.Equal($"error: {reason}\n", await node.StandardError.ReadToEndAsync().WaitAsync(s_patience));
        await node.WaitForExitAsync().WaitAsync(s_patience);
        Assert.Equal((int)FailureKind.Internal, node.ExitCode);
    }

    [Fact]
    public void The_line_that_names_the_node_to_join_is_its_address() =>
        Assert.Equal(new SeedNode("127.0.0.1", 4053), LaunchedNode.SeedOf("127.0.0.1:4053"));

    private static async Task UntilNobodyListensAsync(int port)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_patience; await Task.Delay(50))
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync("127.0.0.1", port);
            }
            catch (SocketException)
            {
                return;
            }
        }
        throw new TimeoutException($"Somebody still listens on port {port}.");
    }
}
