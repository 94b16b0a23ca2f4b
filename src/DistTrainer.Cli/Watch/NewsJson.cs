using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli;

/// <summary>What the dashboard's page gets, as JSON with the names in lower case. Numbers that are not finite are null.</summary>
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
            ? new { watched.Name, watched.Folder, watched.TotalSteps, watched.StepsPerEpoch, last = LastOf(watched.Last), watched.Checkpoint, watched.End }
            : null,
        nodes = status?.Nodes,
        points = news.Points.Select(point => Columns(point.Report)),
        epochs = news.Epochs.Select(epoch => new double?[] { epoch.Step, epoch.Epoch, Finite(epoch.TrainLoss), Finite(epoch.TrainAccuracy), Finite(epoch.ValidationLoss), Finite(epoch.ValidationAccuracy) }),
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
        workers = run.Workers.Select(worker => new { worker.Worker, worker.Node, worker.DataShards.First, worker.DataShards.Count, worker.Times.Compute, worker.Times.Wait }),
        run.ParameterShards,
    };

    private static object? LastOf(StepReport? last) => last is null ? null : new
    {
        last.Step,
        last.Epoch,
        last.StepsPerEpoch,
        loss = Finite(last.Loss),
        accuracy = Finite(last.Accuracy),
        learningRate = Finite(last.LearningRate),
        gradientNorm = Finite(last.GradientNorm),
        samplesPerSecond = Finite(last.SamplesPerSecond),
    };

    private static double?[] Columns(StepReport report) =>
    [
        report.Step, Finite(report.Loss), Finite(report.Accuracy), Finite(report.LearningRate), Finite(report.GradientNorm), Finite(report.SamplesPerSecond),
        Finite(report.Times.Compute), Finite(report.Times.Wait), Finite(report.Times.Gather), Finite(report.Times.Apply),
    ];

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
