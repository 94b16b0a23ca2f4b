using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cli.Watch;

/// <summary>Draws <see cref="LiveView"/> again and again while something runs.</summary>
/// <param name="printer">Shows it.</param>
/// <param name="name">The run's name.</param>
/// <param name="watch">The run's course and the log; with none of its own run it takes the course from the
/// statuses.</param>
/// <param name="control">Who is asked; null while nobody can be.</param>
internal sealed class LiveLoop(Printer printer, string name, RunWatch watch, Func<IRunControl?> control)
{
    private const int LinesShown = 6;

    // Events that the figures show anyway, or that stay above.
    private static readonly string[] s_elsewhere = ["] steps epoch=", "] epoch-ended "];
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_rateOver = TimeSpan.FromSeconds(20);
    private readonly Queue<(long Time, long Step)> _steps = new();

    /// <summary>Draws until the work is done.</summary>
    /// <param name="work">Begins the work; it must fail for itself.</param>
    public async Task RunAsync(Func<Task> work)
    {
        Task running = work();
        while (!running.IsCompleted)
        {
            // Whoever does not answer at once keeps nobody from ending.
            Task<ClusterStatus?> asking = AskAsync();
            if (await Task.WhenAny(running, asking) == asking)
                Draw(await asking);
            await Task.WhenAny(running, Task.Delay(s_every));
        }
        await running;
    }

    private async Task<ClusterStatus?> AskAsync()
    {
        try
        {
            return control() is { } run ? await run.StatusAsync() : null;
        }
        catch (DistTrainerException)
        {
            // Nobody answers at the moment, and that is shown.
            return null;
        }
    }

    private void Draw(ClusterStatus? status)
    {
        watch.Follow(status);
        WatchNews news = watch.Since(default);
        double rate = StepsPerSecond(status?.Run?.Step);
        string[] lines =
            [.. news.Lines.Where(line => !s_elsewhere.Any(part => line.Contains(part, StringComparison.Ordinal)))
            .TakeLast(LinesShown)];
        printer.Show(width => LiveView.Draw(name, status, news.Points, rate, lines, width));
    }

    private double StepsPerSecond(long? step)
    {
        long now = Environment.TickCount64;
        if (step is { } at)
            _steps.Enqueue((now, at));
        while (_steps.Count > 2 && now - _steps.Peek().Time > s_rateOver.TotalMilliseconds)
            _steps.Dequeue();
        return _steps.Count < 2 || now == _steps.Peek()
            .Time ? 0 : Math.Max(0, (step ?? 0) - _steps.Peek().Step) * 1000.0 / (now - _steps.Peek().Time);
    }
}
