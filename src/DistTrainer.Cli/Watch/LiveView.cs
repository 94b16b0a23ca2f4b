using System.Globalization;
using DistTrainer.Cluster.Protocol;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DistTrainer.Cli.Watch;

/// <summary>
/// How a run is going, as one picture for a terminal: progress, curves, a row a worker, the servers, the last events.
/// </summary>
internal static class LiveView
{
    private const string Bars = "▁▂▃▄▅▆▇█";
    private const int SparkWidth = 40;
    private const int BarWidth = 40;
    private const int WorkersShown = 16;

    /// <summary>Figures that have a curve, and its colour; others are named below.</summary>
    private static readonly Dictionary<string, Color> s_curves = new()
    {
        ["loss"] = Color.Blue,
        ["accuracy"] = Color.Green,
        ["samples-per-second"] = Color.Yellow,
    };

    /// <summary>The picture.</summary>
    /// <param name="name">The run's name where the status has none.</param>
    /// <param name="status">What the cluster says; null where it does not answer.</param>
    /// <param name="points">The run's course.</param>
    /// <param name="stepsPerSecond">For the time left; 0: not known.</param>
    /// <param name="lines">The last events.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IRenderable Draw(
        string name, ClusterStatus? status, IReadOnlyList<RunPoint> points, double stepsPerSecond,
        IReadOnlyList<string> lines, int width)
    {
        var rows = new List<IRenderable>();
        if (status?.Run is { } run)
            rows.AddRange(Run(name, run, points, stepsPerSecond));
        else
            rows.Add(new Markup($"[bold]{Markup.Escape(name)}[/]  [yellow]{Markup.Escape(Without(status))}[/]"));
        if (status is { Run: null, Ended: { } ended })
            rows.Add(Last(ended));
        if (status is not null)
            rows.Add(Servers(status));
        rows.AddRange(
            lines.Select(
                line =>
                new Text(
                    line.Length < width ? line : string.Concat(line.AsSpan(0, Math.Max(0, width - 2)), "…"),
                    new Style(ColorOf(line)))));
        return new Rows(rows);
    }

    /// <summary>Values as a line of bars, the last <see cref="SparkWidth"/> of them.</summary>
    public static string Spark(IEnumerable<double> values)
    {
        double[] last = [.. values.TakeLast(SparkWidth).Where(double.IsFinite)];
        if (last.Length == 0)
            return "";
        double least = last.Min(), span = last.Max() - least;
        return string.Concat(
            last.Select(value => Bars[span > 0 ? (int)Math.Round((value - least) / span * (Bars.Length - 1)) : 0]));
    }

    private static string Without(ClusterStatus? status) =>
        status is null ? "nobody answers" : status.Waiting is { } waiting ? $"waiting: {waiting}" : "no run";

    private static Text Last(LastRun ended)
    {
        string more = ended.ParameterHash is { } hash ? $", parameters {hash}" : ended.Failure is { } failure
            ? $": {failure}" : "";
        return new Text($"last run {ended.Name} ({ended.Id}): {ended.How} after {Number(ended.Steps)} steps{more}");
    }

    private static IEnumerable<IRenderable> Run(
        string name, RunStatus run, IReadOnlyList<RunPoint> points, double stepsPerSecond)
    {
        StepReport? last = run.Last;
        string epochs = last is null ? ""
            : $"  epoch {run.Epoch}/{(run.TotalSteps + last.StepsPerEpoch - 1) / last.StepsPerEpoch}";
        yield return new Markup(
            $"[bold]{Markup.Escape(run.Name.Length > 0 ? run.Name : name)}[/]  {State(run.State)}{epochs}  step "
            + $"{Number(run.Step)}/{Number(run.TotalSteps)}  generation {run.Generation}");
        double share = run.TotalSteps > 0 ? (double)run.Step / run.TotalSteps : 0;
        int full = (int)(share * BarWidth);
        yield return new Markup(
            string.Create(CultureInfo.InvariantCulture, $"[green]{new string('━', full)}[/][grey]{new string(
                '━', BarWidth - full)}[/] {100 * share:F1} %  {Left(run, stepsPerSecond)}"));
        if (last is not null)
        {
            yield return Drawn(last, points);
            yield return new Text($"{Others(last)}  {Times(last.Times)}");
        }
        yield return Workers(run);
    }

    private static Grid Drawn(StepReport last, IReadOnlyList<RunPoint> points)
    {
        Grid rows = new Grid().AddColumns(3);
        foreach (Figure<StepReport> figure in ReportFigures.OfStep.In(FigurePlaces.Progress))
        {
            if (figure.Of(last) is { } value && s_curves.TryGetValue(figure.Name, out Color color))
            {
                string curve = Spark(points.Select(point => figure.Of(point.Report) ?? double.NaN));
                rows.AddRow(new Text(figure.Label), new Text(Shown(figure, value)), new Text(curve, new Style(color)));
            }
        }
        return rows;
    }

    private static string Others(StepReport last) => string.Join("  ", ReportFigures.OfStep.In(FigurePlaces.Progress)
        .Where(figure => !s_curves.ContainsKey(figure.Name) && figure.Of(last) is not null)
        .Select(figure => $"{figure.Name.Replace('-', ' ')} {Shown(figure, figure.Of(last)!.Value)}"));

    private static string Times(StepTimes times) =>
        $"a step in ms: compute {Milliseconds(times.Compute)}, wait {Milliseconds(times.Wait)}, "
            + $"of it gather {Milliseconds(times.Gather)}, apply {Milliseconds(times.Apply)}";

    private static string Shown(Figure<StepReport> figure, double value) =>
        figure.Unit == "1" ? string.Create(CultureInfo.InvariantCulture, $"{100 * value:F2} %")
        : figure.IsWhole ? Number(value) : Numbers.Text(value);

    private static Table Workers(RunStatus run)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string head in (string[])["worker", "node", "state", "data shards", "samples/s", "compute ms",
            "wait ms", "lag ms"])
            table.AddColumn(new TableColumn(head) { NoWrap = true });
        int all = Math.Max(1, run.Workers.Sum(worker => worker.DataShards.Count));
        double[] computes =
            [.. run.Workers.Where(worker => worker.DataShards.Count > 0)
            .Select(worker => worker.Times.Compute).Order()];
        double median = computes.Length > 0 ? computes[computes.Length / 2] : 0;
        foreach (WorkerStatus worker in run.Workers.Take(WorkersShown))
        {
            bool isIdle = worker.DataShards.Count == 0;
            double lag = Math.Max(0, worker.Times.Compute - median);
            string state = isIdle ? "[grey]idle[/]" : run.State != "running"
                ? $"[yellow]{Markup.Escape(run.State.Split(' ')[0])}[/]" : lag > median ? "[red]slow[/]"
                : "[green]running[/]";
            table.AddRow(
                new Text(Number(worker.Worker)), new Text(worker.Node), new Markup(state),
                new Text(
                    isIdle ? "" : $"{worker.DataShards.First}–{worker.DataShards.First + worker.DataShards.Count - 1}"),
                new Text(
                    run.Last is { } last && !isIdle
                    ? Number(last.SamplesPerSecond * worker.DataShards.Count / all) : ""),
                new Text(Milliseconds(worker.Times.Compute)), new Text(Milliseconds(worker.Times.Wait)),
                    new Text(Milliseconds(lag)));
        }
        if (run.Workers.Length > WorkersShown)
            table.Caption(new TableTitle($"and {run.Workers.Length - WorkersShown} workers more"));
        return table;
    }

    private static Rows Servers(ClusterStatus status) =>
        new(status.Nodes.Where(node => node.IsServer || !node.IsReachable).Select(node =>
    {
        ParameterShardStatus[] shards = [.. status.Run?.ParameterShards.Where(shard => shard.Node == node.Name) ?? []];
        string role = node.Name == status.Coordinator ? " (leads)" : "";
        return new Markup(
            $"{(node.IsServer ? "server" : "node")} "
            + $"{Markup.Escape(node.Name)}{role}{Numbered("  parameter shards", shards, isReplica: false)}"
            + Numbered("  replicas of", shards, isReplica: true)
            + (node.IsReachable ? "" : "  [red]cannot be reached[/]"));
    }));

    // With the sign of a number, so that none of them is read as a count.
    private static string Numbered(string what, IEnumerable<ParameterShardStatus> shards, bool isReplica)
    {
        string numbers = string.Join(
            ' ', shards.Where(shard => shard.IsReplica == isReplica).Select(shard => $"#{shard.ParameterShard}"));
        return numbers.Length > 0 ? $"{what} {numbers}" : "";
    }

    private static string State(string state) =>
        $"[{(state == "running" ? "green" : "yellow")}]{Markup.Escape(state)}[/]";

    private static Color ColorOf(string line) => line.Contains(" ERR ", StringComparison.Ordinal) ? Color.Red
        : line.Contains(" WRN ", StringComparison.Ordinal) ? Color.Yellow : Color.Grey;

    private static string Left(RunStatus run, double stepsPerSecond) => stepsPerSecond > 0 && run.State == "running"
        ? $"{Duration((run.TotalSteps - run.Step) / stepsPerSecond)} left"
        : "";

    private static string Duration(double seconds) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(long)(seconds / 3600)}:{(long)(seconds / 60) % 60:00}:{(long)seconds % 60:00}");

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Milliseconds(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
