using System.Diagnostics;
using DistTrainer.Cli.Tests.Cluster;
using Xunit;

namespace DistTrainer.Cli.Tests.Watch;

/// <summary>
/// Commands on a real pseudo-terminal, which util-linux's <c>script</c> makes; `tests/cluster/terminal.py` does more.
/// </summary>
public sealed class TerminalTests : IDisposable
{
    private const string Script = "/usr/bin/script";
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-terminal-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("train --epochs 3", 40, 120)]
    [InlineData("train --epochs 3", 10, 20)]
    [InlineData("launch --nodes 3 --epochs 5 --set run.report-every=1", 40, 120)]
    public async Task A_live_view_on_a_terminal_is_there_to_the_end_of_the_run(string command, int rows, int columns)
    {
        if (!File.Exists(Script))
            return;
        string program = $"dotnet {Path.Combine(AppContext.BaseDirectory, "disttrainer.dll")}";
        var start = new ProcessStartInfo(
            Script,
            ["-qec", $"stty rows {rows} cols {columns}; {program} {command} --output {Path.Combine(_folder, "run")}",
            "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["DISTTRAINER_HTTP_PORT"] = "off";
        foreach (string variable in (string[])["CI", "GITHUB_ACTIONS", "NO_COLOR"])
            start.Environment.Remove(variable);
        using Process process = Process.Start(start)!;
        try
        {
            string text = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(90));
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, text);
            Assert.Contains("\e[?25l", text, StringComparison.Ordinal);
            Assert.Contains("━", text, StringComparison.Ordinal);
            Assert.Contains("sha256=", text, StringComparison.Ordinal);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task A_terminal_that_is_closed_stops_the_run_with_its_model_written()
    {
        string run = Path.Combine(_folder, "run");
        using NodeProcess train =
            await NodeProcess.StartCommandAsync(
                "^epoch=(?<address>1) done", "train", "--epochs", "1000000", "--output", run);
        train.Signal("HUP");
        train.Signal("HUP");
        Assert.Equal(129, await train.ExitCodeAsync());
        Assert.True(File.Exists(Path.Combine(run, "model.safetensors")));
    }
}
