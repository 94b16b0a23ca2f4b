using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using Spectre.Console;
using Xunit;

namespace DistTrainer.Cli.Tests.Watch;

public sealed class PrinterTests
{
    [Fact]
    public async Task Nobody_waits_for_output_that_is_not_taken_and_what_is_left_out_is_counted()
    {
        using var output = new SlowWriter();
        int code = await Printer.RunAsync(new CliConsole(output, output), hasView: false, async printer =>
        {
            printer.Console.Output.WriteLine("first");
            await output.Begun;
            for (int line = 1; line <= Printer.MostLines + 123; line++)
                printer.Console.Output.WriteLine($"line {line}");
            output.Open();
            return 3;
        });
        Assert.Equal(3, code);
        string[] lines = output.Lines();
        Assert.Equal(["first", "(123 lines are left out here: they were not read in time)", "line 124"], lines.Take(3));
        Assert.Equal(Printer.MostLines + 2, lines.Length);
        Assert.Equal($"line {Printer.MostLines + 123}", lines[^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_thread_alone_writes_whoever_prints_and_draws(bool hasView)
    {
        using var output = new SlowWriter();
        output.Open();
        await Printer.RunAsync(
            new CliConsole(output, output, Ansi(output), errorIsTerminal: true), hasView, async printer =>
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(source => Task.Run(() =>
            {
                for (int line = 0; line < 200; line++)
                {
                    printer.Show(_ => new Text("the picture"));
                    printer.Write($"line {source}-{line}.", isError: line % 2 == 0);
                }
            })));
            return 0;
        });
        Assert.Single(output.Writers);
        string text = output.ToString();
        Assert.All(
            Enumerable.Range(0, 800), line =>
            Assert.Contains($"line {line % 4}-{line / 4}.", text, StringComparison.Ordinal));
        Assert.Equal(hasView, text.Contains("the picture", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(20, 10)]
    [InlineData(300, 2)]
    public async Task A_live_view_is_drawn_at_any_size(int columns, int rows)
    {
        using var output = new SlowWriter();
        output.Open();
        IAnsiConsole terminal = Ansi(output);
        (terminal.Profile.Width, terminal.Profile.Height) = (columns, rows);
        ClusterStatus status = await new FakeControl().StatusAsync();
        await Printer.RunAsync(
            new CliConsole(output, output, terminal, errorIsTerminal: true), hasView: true, printer =>
        {
            printer.Show(width => LiveView.Draw("name", status, [], 2.5, [new string('x', 500)], width));
            printer.Write("a line above", isError: false);
            printer.Show(width => LiveView.Draw("name", null, [], 0, [], width));
            return Task.FromResult(0);
        });
        Assert.DoesNotContain("cannot be drawn", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_that_cannot_be_drawn_ends_the_view_and_is_said_and_lines_go_on()
    {
        using var output = new SlowWriter();
        output.Open();
        await Printer.RunAsync(
            new CliConsole(output, output, Ansi(output), errorIsTerminal: true), hasView: true, printer =>
        {
            printer.Show(_ => throw new InvalidOperationException("no such row"));
            printer.Write("the last line", isError: false);
            return Task.FromResult(0);
        });
        Assert.Contains(
            "the live view has ended, because it cannot be drawn: InvalidOperationException: no such row",
            output.ToString(), StringComparison.Ordinal);
        Assert.Contains("the last line", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_that_is_gone_ends_nothing_and_a_full_disk_is_said_at_the_end()
    {
        using var gone = new GoneWriter();
        Assert.Equal(
            0, await Printer.RunAsync(
                new CliConsole(gone, gone, Ansi(gone), errorIsTerminal: true), hasView: true, Print));
        Assert.Equal(
            0, await Printer.RunAsync(
                new CliConsole(gone, gone, Ansi(gone), errorIsTerminal: true), hasView: false, Print));
        var failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => Printer.RunAsync(new CliConsole(gone, gone), hasView: false, Print));
        Assert.Equal(FailureKind.Disk, failure.Kind);
        Assert.StartsWith(
            "standard output cannot be written (No space left on device)", failure.Message, StringComparison.Ordinal);

        static Task<int> Print(Printer printer)
        {
            for (int line = 0; line < 10; line++)
            {
                printer.Show(_ => new Text("picture"));
                printer.Console.Output.WriteLine("a line");
            }
            return Task.FromResult(0);
        }
    }

    private static IAnsiConsole Ansi(TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(output),
        });
        (console.Profile.Width, console.Profile.Height) = (100, 30);
        return console;
    }

    /// <summary>Takes nothing until it is opened, and remembers who wrote.</summary>
    private sealed class SlowWriter : TextWriter
    {
        private readonly StringBuilder _text = new();
        private readonly ManualResetEventSlim _gate = new();
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Begun => _begun.Task;

        public ConcurrentDictionary<int, bool> Writers { get; } = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override IFormatProvider FormatProvider => CultureInfo.InvariantCulture;

        public void Open() => _gate.Set();

        public string[] Lines() =>
            ToString().ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);

        public override void Write(char value)
        {
            _begun.TrySetResult();
            _gate.Wait();
            Writers[Environment.CurrentManagedThreadId] = true;
            _text.Append(value);
        }

        public override string ToString() => _text.ToString();

        protected override void Dispose(bool disposing)
        {
            _gate.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Can never be written.</summary>
    private sealed class GoneWriter : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => throw new IOException("No space left on device");
    }
}
