using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Watch;

/// <summary>
/// What the dashboard's page gets, as JSON with the names in lower case. Numbers that are not finite are null.
/// </summary>
internal static class NewsJson
{
    /// <summary>One piece of news.</summary>
    /// <param name="news">What its process knows.</param>
    /// <param name="status">What the cluster says; null where it does not answer.</param>
    public static object Of(WatchNews news, ClusterStatus? status) => new
    {
        coordinator = status?.Coordinator,
        leads = news.Run is not null || status?.Run is null,
        isAnew = news.IsAnew,
        run = status?.Run is { } run ? RunOf(run) : null,
        watched = news.Run is { } watched
            ? new
            {
                watched.Name,
                watched.Folder,
                watched.TotalSteps,
                watched.StepsPerEpoch,
                last = LastOf(watched.Last),
                watched.Checkpoint,
                watched.End
            }
            : null,
        nodes = status?.Nodes,
        curves = ReportFigures.OfStep.In(FigurePlaces.Curves).Select(figure => figure.Name.Replace('-', ' ')),
        epochCurves = ReportFigures.OfEpoch.In(FigurePlaces.Curves).Select(figure => figure.Name.Replace('-', ' ')),
        points = news.Points.Select(point => PointOf(point.Report)),
        epochs = news.Epochs.Select(PointOf),
        lines = news.Lines,
    };

    private static object RunOf(RunStatus run) => new
    {
        run.Id,
        run.Name,
        run.State,
        run.Generation,
        run.Epoch,
        run.Step,
        run.TotalSteps,
        last = LastOf(run.Last),
        workers = run.Workers.Select(
            worker =>
            new
            {
                worker.Worker,
                worker.Node,
                worker.DataShards.First,
                worker.DataShards.Count,
                worker.Times.Compute,
                worker.Times.Wait
            }),
        run.ParameterShards,
    };

    private static OrderedDictionary<string, object?>? LastOf(StepReport? last)
    {
        if (last is null)
            return null;
        var json = new OrderedDictionary<string, object?>
        {
            ["step"] = last.Step,
            ["epoch"] = last.Epoch,
            ["stepsPerEpoch"] = last.StepsPerEpoch,
        };
        foreach (Figure<StepReport> figure in ReportFigures.OfStep.In(FigurePlaces.Progress))
            json.Add(figure.Key, Finite(figure.Of(last)));
        return json;
    }

    private static double?[] PointOf(StepReport report) => [report.Step, .. Curves(ReportFigures.OfStep, report)];

    private static double?[] PointOf(EpochReport report) =>
        [report.Step, report.Epoch, .. Curves(ReportFigures.OfEpoch, report)];

    private static IEnumerable<double?> Curves<TReport>(IEnumerable<Figure<TReport>> figures, TReport report) =>
        figures.In(FigurePlaces.Curves).Select(figure => Finite(figure.Of(report)));

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
