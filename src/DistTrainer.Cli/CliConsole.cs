using Spectre.Console;

namespace DistTrainer.Cli;

/// <summary>
/// Where a command writes. All text for people goes through here and is made printable on its way
/// (<see cref="Engine.Printable"/>): names of others cannot command the terminal. The program's own colors are not
/// touched.
/// </summary>
internal sealed class CliConsole
{
    /// <summary>Lays a way over writers.</summary>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="terminal">For a live display; null where standard output is no terminal.</param>
    /// <param name="errorIsTerminal">Whether actor logs share the terminal with the display.</param>
    /// <param name="errorTerminal">For a bar on standard error; null where that is no terminal.</param>
    public CliConsole(
        TextWriter output, TextWriter error, IAnsiConsole? terminal = null, bool errorIsTerminal = false,
        IAnsiConsole? errorTerminal = null)
    {
        ErrorTerminal = errorTerminal;
        (Output, Error, Terminal, ErrorIsTerminal) =
            (new PrintableWriter(output), new PrintableWriter(error), terminal, errorIsTerminal);
        Machine = terminal is null ? output : Output;
        terminal?.Pipeline.Attach(new PrintableTerminal());
    }

    /// <summary>Results and progress for people; standard output.</summary>
    public TextWriter Output { get; }

    /// <summary>
    /// Results that programs read (CSV, JSON, job files); standard output, where it is no terminal with the exact
    /// values as their format has them.
    /// </summary>
    public TextWriter Machine { get; }

    /// <summary>Errors and actor logs; standard error.</summary>
    public TextWriter Error { get; }

    /// <summary>For a live display; null where standard output is no terminal.</summary>
    public IAnsiConsole? Terminal { get; }

    /// <summary>Whether actor logs share the terminal with the display.</summary>
    public bool ErrorIsTerminal { get; }

    /// <summary>For a bar on standard error; null where that is no terminal.</summary>
    public IAnsiConsole? ErrorTerminal { get; }

    /// <summary>The process's own console.</summary>
    public static CliConsole System() => new(
        Console.Out, Console.Error, Console.IsOutputRedirected ? null
            : AnsiConsole.Console, !Console.IsErrorRedirected, Console.IsErrorRedirected ? null
            : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

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
