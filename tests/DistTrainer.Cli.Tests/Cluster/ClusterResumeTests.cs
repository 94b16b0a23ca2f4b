using System.Text.RegularExpressions;
using DistTrainer.Cli.Tests.Resume;
using Xunit;

namespace DistTrainer.Cli.Tests.Cluster;

/// <summary>A run goes on elsewhere: begun in one process, ended on a cluster.</summary>
public sealed class ClusterResumeTests : IDisposable
{
    private readonly ResumeRig _rig = new();
    private readonly List<NodeProcess> _nodes = [];

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());
        _rig.Dispose();
    }

    [Fact]
    public async Task A_run_of_one_process_goes_on_on_a_cluster_in_its_own_folder_to_the_same_bits()
    {
        await _rig.Train("--max-steps", "23");
        _nodes.Add(
            await NodeProcess.StartAsync(
                "--role", "server", "--exit-when-done", "--min-servers", "1", "--min-workers", "2"));
        _nodes.Add(await NodeProcess.StartAsync("--role", "worker", "--seed-node", _nodes[0].Address));
        _nodes.Add(await NodeProcess.StartAsync("--role", "worker", "--seed-node", _nodes[0].Address));
        CliRun asked = await CliRun.Of(
            new CliServices(), ["resume", _rig.Run, "--max-steps", "0", "--cluster", _nodes[0].Address]);
        Assert.Equal((0, ""), (asked.Code, asked.Error));
        Assert.Matches("^run [0-9a-f]{8} \\(run\\) is accepted\n$", asked.Output);
        Assert.Equal(0, await _nodes[0].ExitCodeAsync());
        Assert.Equal(
            await _rig.WholeHash(), Regex.Match(_nodes[0].Text, "parameters sha256=(?<hash>[0-9a-f]{64})")
            .Groups["hash"].Value);
        CliRun ledger = await CliRun.Of("inspect", _rig.Run, "--ledger", "--verify");
        Assert.Equal((0, ""), (ledger.Code, ledger.Error));
        Assert.Contains("ledger fine: steps=56 whole-epochs=8", ledger.Output, StringComparison.Ordinal);
    }
}
