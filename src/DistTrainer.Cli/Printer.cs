using System.Text;
using DistTrainer.Engine;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DistTrainer.Cli;

/// <summary>
/// The only one that writes to standard output, standard error and the terminal while a command is at work: lines, and
/// on a terminal a live view below them, from a thread of its own. Whoever has something to say never waits for a
/// terminal or a pipe that takes nothing, and the memory for what waits is bounded. May be called from any thread.
/// </summary>
internal sealed class Printer
{
    /// <summary>
    /// Lines that wait at most; of more the oldest are left out, and their number is said in their place.
    /// </summary>
    public const int MostLines = 10_000;

    private readonly CliConsole console;
    private readonly IAnsiConsole? terminal;
    private readonly object gate = new();
    private readonly Queue<(string Text, bool IsError)> lines = new();
    private readonly HashSet<bool> isGone = [];
    private readonly Thread owner;
    private Func<int, IRenderable>? view;
    private long leftOut;
    private bool hasDrawn;
    private bool ends;
    private DistTrainerException? failure;

    private Printer(CliConsole console, bool hasView)
    {
        this.console = console;
        terminal = hasView && console.Terminal is { Profile.Capabilities.Ansi: true } ? console.Terminal : null;
        Console = new CliConsole(Lines(isError: false), Lines(isError: true), terminal, console.ErrorIsTerminal);
        owner = new Thread(Own) { IsBackground = true, Name = "printer" };
        owner.Start();
    }

    /// <summary>Takes lines that are to be written. It has a terminal where there is a live view.</summary>
    public CliConsole Console { get; }

    /// <summary>Runs a command's work, and then waits until all that it has said is written.</summary>
    /// <param name="console">Where to write.</param>
    /// <param name="hasView">Whether a terminal gets a live view.</param>
    /// <param name="work">Does the work.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="DistTrainerException">What was said could not be written
    /// (<see cref="FailureKind.Disk"/>).</exception>
    public static async Task<int> RunAsync(CliConsole console, bool hasView, Func<Printer, Task<int>> work)
    {
        var printer = new Printer(console, hasView);
        int code;
        try
        {
            code = await work(printer);
        }
        finally
        {
            printer.End();
        }
        return printer.failure is { } failure ? throw failure : code;
    }

    /// <summary>Writes a line.</summary>
    /// <param name="line">Without its end.</param>
    /// <param name="isError">Whether it belongs to standard error.</param>
    public void Write(string line, bool isError)
    {
        lock (gate)
        {
            lines.Enqueue((line, isError));
            if (lines.Count > MostLines)
            {
                lines.Dequeue();
                leftOut++;
            }
            Monitor.Pulse(gate);
        }
    }

    /// <summary>Puts another picture in the place of the last one; without a live view nothing is drawn.</summary>
    /// <param name="picture">Draws it for so many columns; called by the thread that owns the terminal.</param>
    public void Show(Func<int, IRenderable> picture)
    {
        lock (gate)
        {
            view = terminal is null ? null : picture;
            Monitor.Pulse(gate);
        }
    }

    private TextWriter Lines(bool isError) => TextWriter.Synchronized(new LineWriter(line => Write(line, isError)));

    private void End()
    {
        lock (gate)
        {
            ends = true;
            Monitor.Pulse(gate);
        }
        owner.Join();
    }

    private void Own()
    {
        if (terminal is not null)
        {
            try
            {
                terminal.Live(new Text("")).Overflow(VerticalOverflow.Crop).Start(Draw);
            }
            catch (IOException)
            {
                // The terminal is gone; its user knows.
                isGone.Add(false);
            }
            catch (Exception fault)
            {
                // The work goes on without the view.
                Write($"the live view has ended, because it cannot be drawn: {fault.GetType().Name}: {fault.Message}",
                    isError: true);
            }
        }

        // Without a live view, or after it.
        while (Next() is { } next)
        {
            if (next.Line is { } line)
                WritePlain(line.Text, line.IsError);
        }
    }

    private void Draw(LiveDisplayContext display)
    {
        while (Next() is { } next)
        {
            if (next.View is { } picture)
                display.UpdateTarget(picture(terminal!.Profile.Width));
            else if (next.Line is { IsError: true } error && !console.ErrorIsTerminal)
                WritePlain(error.Text, isError: true);
            else
                terminal!.WriteLine(next.Line!.Value.Text);
        }
    }

    /// <summary>
    /// What comes next; null at the end. Lines and pictures take turns, so that neither keeps the other waiting.
    /// </summary>
    private ((string Text, bool IsError)? Line, Func<int, IRenderable>? View)? Next()
    {
        lock (gate)
        {
            while (leftOut == 0 && lines.Count == 0 && view is null)
            {
                if (ends)
                    return null;
                Monitor.Wait(gate);
            }
            if (view is { } picture && (!hasDrawn || (leftOut == 0 && lines.Count == 0)))
            {
                (view, hasDrawn) = (null, true);
                return (null, picture);
            }
            hasDrawn = false;
            if (leftOut == 0)
                return (lines.Dequeue(), null);
            string note = $"({Numbers.Text(leftOut)} lines are left out here: they were not read in time)";
            leftOut = 0;
            return ((note, true), null);
        }
    }

    private void WritePlain(string line, bool isError)
    {
        if (isGone.Contains(isError))
            return;
        try
        {
            (isError ? console.Error : console.Output).WriteLine(line);
        }
        catch (IOException cause)
        {
            // The user of a terminal that is gone knows; whoever reads a file does not.
            isGone.Add(isError);
            if (isError ? !console.ErrorIsTerminal : console.Terminal is null)
            {
                string stream = isError ? "standard error" : "standard output";
                failure ??= new DistTrainerException(
                    FailureKind.Disk,
                        $"{stream} cannot be written ({cause.Message}): what was printed there is not whole; the work "
                        + "went on.", cause);
            }
        }
    }

    /// <summary>Makes lines of what is written.</summary>
    private sealed class LineWriter(Action<string> take) : TextWriter
    {
        private readonly StringBuilder line = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            if (value == '\n')
                Take();
            else if (value != '\r')
                line.Append(value);
        }

        public override void WriteLine(string? value)
        {
            line.Append(value);
            Take();
        }

        private void Take()
        {
            take(line.ToString());
            line.Clear();
        }
    }
}
