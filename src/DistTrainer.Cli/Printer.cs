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

    private readonly CliConsole _console;
    private readonly IAnsiConsole? _terminal;
    private readonly object _gate = new();
    private readonly Queue<(string Text, bool IsError)> _lines = new();
    private readonly HashSet<bool> _isGone = [];
    private readonly Thread _owner;
    private Func<int, IRenderable>? _view;
    private long _leftOut;
    private bool _hasDrawn;
    private bool _ends;
    private DistTrainerException? _failure;

    private Printer(CliConsole console, bool hasView)
    {
        _console = console;
        _terminal = hasView && console.Terminal is { Profile.Capabilities.Ansi: true } ? console.Terminal : null;
        Console = new CliConsole(Lines(isError: false), Lines(isError: true), _terminal, console.ErrorIsTerminal);
        _owner = new Thread(Own) { IsBackground = true, Name = "printer" };
        _owner.Start();
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
        return printer._failure is { } failure ? throw failure : code;
    }

    /// <summary>Writes a line.</summary>
    /// <param name="line">Without its end.</param>
    /// <param name="isError">Whether it belongs to standard error.</param>
    public void Write(string line, bool isError)
    {
        lock (_gate)
        {
            _lines.Enqueue((line, isError));
            if (_lines.Count > MostLines)
            {
                _lines.Dequeue();
                _leftOut++;
            }
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Puts another picture in the place of the last one; without a live view nothing is drawn.</summary>
    /// <param name="picture">Draws it for so many columns; called by the thread that owns the terminal.</param>
    public void Show(Func<int, IRenderable> picture)
    {
        lock (_gate)
        {
            _view = _terminal is null ? null : picture;
            Monitor.Pulse(_gate);
        }
    }

    private TextWriter Lines(bool isError) => TextWriter.Synchronized(new LineWriter(line => Write(line, isError)));

    private void End()
    {
        lock (_gate)
        {
            _ends = true;
            Monitor.Pulse(_gate);
        }
        _owner.Join();
    }

    private void Own()
    {
        if (_terminal is not null)
        {
            try
            {
                _terminal.Live(new Text("")).Overflow(VerticalOverflow.Crop).Start(Draw);
            }
            catch (IOException)
            {
                // The terminal is gone; its user knows.
                _isGone.Add(false);
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
                display.UpdateTarget(picture(_terminal!.Profile.Width));
            else if (next.Line is { IsError: true } error && !_console.ErrorIsTerminal)
                WritePlain(error.Text, isError: true);
            else
                _terminal!.WriteLine(next.Line!.Value.Text);
        }
    }

    /// <summary>
    /// What comes next; null at the end. Lines and pictures take turns, so that neither keeps the other waiting.
    /// </summary>
    private ((string Text, bool IsError)? Line, Func<int, IRenderable>? View)? Next()
    {
        lock (_gate)
        {
            while (_leftOut == 0 && _lines.Count == 0 && _view is null)
            {
                if (_ends)
                    return null;
                Monitor.Wait(_gate);
            }
            if (_view is { } picture && (!_hasDrawn || (_leftOut == 0 && _lines.Count == 0)))
            {
                (_view, _hasDrawn) = (null, true);
                return (null, picture);
            }
            _hasDrawn = false;
            if (_leftOut == 0)
                return (_lines.Dequeue(), null);
            string note = $"({Numbers.Text(_leftOut)} lines are left out here: they were not read in time)";
            _leftOut = 0;
            return ((note, true), null);
        }
    }

    private void WritePlain(string line, bool isError)
    {
        if (_isGone.Contains(isError))
            return;
        try
        {
            (isError ? _console.Error : _console.Output).WriteLine(line);
        }
        catch (IOException cause)
        {
            // The user of a terminal that is gone knows; whoever reads a file does not.
            _isGone.Add(isError);
            if (isError ? !_console.ErrorIsTerminal : _console.Terminal is null)
            {
                string stream = isError ? "standard error" : "standard output";
                _failure ??= new DistTrainerException(
                    FailureKind.Disk,
                        $"{stream} cannot be written ({cause.Message}): what was printed there is not whole; the work "
                        + "went on.", cause);
            }
        }
    }

    /// <summary>Makes lines of what is written.</summary>
    private sealed class LineWriter(Action<string> take) : TextWriter
    {
        private readonly StringBuilder _line = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            if (value == '\n')
                Take();
            else if (value != '\r')
                _line.Append(value);
        }

        public override void WriteLine(string? value)
        {
            _line.Append(value);
            Take();
        }

        private void Take()
        {
            take(_line.ToString());
            _line.Clear();
        }
    }
}
