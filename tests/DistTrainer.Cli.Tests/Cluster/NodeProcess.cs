using System.Diagnostics;
using System.Text.RegularExpressions;

namespace DistTrainer.Cli.Tests.Cluster;

/// <summary>A node of a cluster, or another command, as a process of its own.</summary>
internal sealed class NodeProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly List<(DateTime At, string Text)> _lines = [];

    private NodeProcess(Process process) => _process = process;

    /// <summary>Its cluster address, or that of the command.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Everything that it has printed.</summary>
    public string Text
    {
        get
        {
            lock (_lines)
                return string.Join('\n', _lines.Select(line => line.Text));
        }
    }

    /// <summary>Starts a node and waits until it listens.</summary>
    public static Task<NodeProcess> StartAsync(params string[] arguments) =>
        StartCommandAsync("node listening cluster=(?<address>\\S+)",
            ["node", .. arguments.Contains("--cluster-port") ? (string[])[] : ["--cluster-port", "0"], .. arguments]);

    /// <summary>Starts a command and waits until it listens.</summary>
    /// <param name="listening">Matches the line that says so, with the group <c>address</c>.</param>
    /// <param name="arguments">The command line.</param>
    public static async Task<NodeProcess> StartCommandAsync(string listening, params string[] arguments)
    {
        NodeProcess node = Start(arguments);
        node.Address = (await node.LineAsync(listening)).Match.Groups["address"].Value;
        return node;
    }

    /// <summary>Starts a command.</summary>
    public static NodeProcess Start(params string[] arguments)
    {
        // Whoever runs the tests under nohup, or in the background of a shell, has them ignore signals, and their
        // children too.
        var start = new ProcessStartInfo(
            "env", ["--default-signal=HUP,INT,QUIT", "dotnet",
            Path.Combine(AppContext.BaseDirectory, "disttrainer.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DISTTRAINER_HTTP_PORT"] = "off"; // a dashboard costs a node a second to start
        var node = new NodeProcess(Process.Start(start)!);
        node._process.OutputDataReceived += (_, line) => node.Keep(line.Data);
        node._process.ErrorDataReceived += (_, line) => node.Keep(line.Data);
        node._process.BeginOutputReadLine();
        node._process.BeginErrorReadLine();
        return node;
    }

    /// <summary>Waits for a line.</summary>
    /// <param name="pattern">A regular expression.</param>
    /// <param name="after">Only lines that came after this time count.</param>
    /// <returns>When it came, and the match.</returns>
    public async Task<(DateTime At, Match Match)> LineAsync(string pattern, DateTime after = default)
    {
        for (DateTime until = DateTime.UtcNow + s_patience; DateTime.UtcNow < until; await Task.Delay(5))
        {
            lock (_lines)
            {
                foreach ((DateTime at, string text) in _lines)
                {
                    if (at > after && Regex.Match(text, pattern) is { Success: true } match)
                        return (at, match);
                }
            }
        }
        throw new TimeoutException($"No line matches \"{pattern}\":\n{Text}");
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Sends a signal by its name, e.g. TERM or STOP.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits until it has ended.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_patience);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_lines)
            _lines.Add((DateTime.UtcNow, line));
    }
}
