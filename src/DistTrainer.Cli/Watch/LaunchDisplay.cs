using DistTrainer.Cluster;
using Spectre.Console;

namespace DistTrainer.Cli;

/// <summary>The lines of a cluster's processes: all of them with the process's name before them, or, on a terminal, a live view with what matters above it.</summary>
/// <param name="console">Where they go.</param>
/// <param name="name">The run's name.</param>
internal sealed class LaunchDisplay(CliConsole console, string name)
{
    // What the first process says of steps, the live view shows.
    private static readonly string[] InView = ["step=", "checkpoint step=", NodeCommand.Listening];
    private readonly RunWatch watch = new();

    /// <summary>Takes a line.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="line">The line.</param>
    /// <param name="isError">Whether it came from standard error.</param>
    public void Print(string node, string line, bool isError)
    {
        string text = $"{node} | {line}";
        if (console.Terminal is not { } terminal)
        {
            (isError ? console.Error : console.Output).WriteLine(text);
            return;
        }
        if (isError)
            watch.Log(text);
        bool isInView = isError ? line.Contains(" INF ", StringComparison.Ordinal) || line.Contains(" DBG ", StringComparison.Ordinal) : InView.Any(start => line.StartsWith(start, StringComparison.Ordinal));
        if (isError && !console.ErrorIsTerminal)
            console.Error.WriteLine(text);
        else if (!isInView)
            terminal.WriteLine(text);
    }

    /// <summary>Waits for the end of the processes, with the view up where there is a terminal.</summary>
    /// <param name="address">The cluster address of the first one.</param>
    /// <param name="work">Waits.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string address, Func<Task<int>> work)
    {
        if (console.Terminal is not { } terminal)
            return await work();
        int code = 0;
        await using var client = new ClusterClient(address, TimeSpan.FromSeconds(3));
        await new LiveLoop(terminal, name, watch, () => client).RunAsync(async () => code = await work());
        return code;
    }
}
