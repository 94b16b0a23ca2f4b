using Spectre.Console;

namespace DistTrainer.Cli;

/// <summary>Where a command writes.</summary>
/// <param name="Output">Results and progress; standard output.</param>
/// <param name="Error">Errors and actor logs; standard error.</param>
/// <param name="Terminal">For a live display; null where standard output is no terminal.</param>
/// <param name="ErrorIsTerminal">Whether actor logs share the terminal with the display.</param>
public sealed record CliConsole(TextWriter Output, TextWriter Error, IAnsiConsole? Terminal = null, bool ErrorIsTerminal = false)
{
    /// <summary>The process's own console.</summary>
    public static CliConsole System() => new(
        Console.Out, Console.Error, Console.IsOutputRedirected ? null : AnsiConsole.Console, !Console.IsErrorRedirected);
}
