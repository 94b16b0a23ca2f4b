using DistTrainer.Cluster;
using DistTrainer.Engine;
using Spectre.Console;

namespace DistTrainer.Cli;

/// <summary>Draws <see cref="LiveView"/> again and again while something runs.</summary>
/// <param name="terminal">Where.</param>
/// <param name="name">The run's name.</param>
/// <param name="watch">The run's course and the log; with none of its own run it takes the course from the statuses.</param>
/// <param name="control">Who is asked; null while nobody can be.</param>
internal sealed class LiveLoop(IAnsiConsole terminal, string name, RunWatch watch, Func<IRunControl?> control)
{
    private const int LinesShown = 6;
    private const string InFigures = "] steps epoch="; // the event that the figures show anyway
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan RateOver = TimeSpan.FromSeconds(20);
    private readonly Queue<(long Time, long Step)> steps = new();

    /// <summary>Draws until the work is done, and then once more.</summary>
    /// <param name="work">Begins the work; it must fail for itself.</param>
    public Task RunAsync(Func<Task> work) => terminal.Live(new Text("")).Overflow(VerticalOverflow.Crop).StartAsync(async display =>
    {
        Task running = work();
        while (!running.IsCompleted)
        {
            await DrawAsync(display);
            await Task.WhenAny(running, Task.Delay(Every));
        }
        await running;
    });

    private async Task DrawAsync(LiveDisplayContext display)
    {
        ClusterStatus? status = null;
        try
        {
            if (control() is { } run)
                status = await run.StatusAsync();
        }
        catch (DistTrainerException)
        {
            // Nobody answers at the moment, and that is shown.
        }
        watch.Follow(status);
        WatchNews news = watch.Since(default);
        display.UpdateTarget(LiveView.Draw(name, status, news.Points, StepsPerSecond(status?.Run?.Step), [.. news.Lines.Where(line => !line.Contains(InFigures, StringComparison.Ordinal)).TakeLast(LinesShown)], terminal.Profile.Width));
    }

    private double StepsPerSecond(long? step)
    {
        long now = Environment.TickCount64;
        if (step is { } at)
            steps.Enqueue((now, at));
        while (steps.Count > 2 && now - steps.Peek().Time > RateOver.TotalMilliseconds)
            steps.Dequeue();
        return steps.Count < 2 || now == steps.Peek().Time ? 0 : Math.Max(0, (step ?? 0) - steps.Peek().Step) * 1000.0 / (now - steps.Peek().Time);
    }
}
