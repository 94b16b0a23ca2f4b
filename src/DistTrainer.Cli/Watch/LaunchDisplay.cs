using DistTrainer.Cli.Commands;
using DistTrainer.Cluster.Nodes;

namespace DistTrainer.Cli.Watch;

/// <summary>
/// The lines of a cluster's processes: all of them with the process's name before them, or, on a terminal, a live view
/// with what matters above it.
/// </summary>
/// <param name="printer">Writes them.</param>
/// <param name="name">The run's name.</param>
internal sealed class LaunchDisplay(Printer printer, string name)
{
    // the event that stays above the live view, beside warnings and errors
    private const string Epoch = "] epoch-ended ";
    private readonly RunWatch _watch = new();
    private readonly bool _hasView = printer.Console.Terminal is not null;

    /// <summary>Takes a line.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="line">The line.</param>
    /// <param name="isError">Whether it came from standard error.</param>
    public void Print(string node, string line, bool isError)
    {
        string text = $"{node} | {line}";
        if (_hasView && isError)
            _watch.Log(text);
        bool isInView = _hasView && (isError
            ? printer.Console.ErrorIsTerminal && IsOrdinary(line)
            : line.StartsWith(NodeCommand.Listening, StringComparison.Ordinal));
        if (!isInView)
            printer.Write(_hasView && printer.Console.ErrorIsTerminal ? Short(node, text) : text, isError);
    }

    /// <summary>Waits for the end of the processes, with the view up where there is a terminal.</summary>
    /// <param name="address">The cluster address of the first one.</param>
    /// <param name="work">Waits.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string address, Func<Task<int>> work)
    {
        if (!_hasView)
            return await work();
        int code = 0;
        await using var client = new ClusterClient(address, TimeSpan.FromSeconds(3));
        await new LiveLoop(printer, name, _watch, () => client).RunAsync(async () => code = await work());
        return code;
    }

    private static bool IsOrdinary(string line) =>
        (line.Contains(" INF ", StringComparison.Ordinal) || line.Contains(" DBG ", StringComparison.Ordinal))
            && !line.Contains(Epoch, StringComparison.Ordinal);

    // An epoch takes one row: its figures, without the actor and the hash.
    private static string Short(string node, string text)
    {
        int epoch = text.IndexOf(Epoch, StringComparison.Ordinal),
            hash = text.LastIndexOf(" parameterHash=", StringComparison.Ordinal);
        return epoch < 0 || hash < epoch ? text : $"{node} | {text[(epoch + Epoch.Length)..hash]}";
    }
}
