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

    /// <summary>Shows the cursor again, which a live view that ends at once leaves hidden.</summary>
    internal void ShowCursor()
    {
        try
        {
            if (Terminal is { Profile.Capabilities.Ansi: true })
                Output.Write("\e[?25h");
        }
        catch (IOException)
        {
            // The terminal is gone.
        }
    }
}
