using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Runs;

/// <summary>A figure of a run that can be drawn.</summary>
/// <param name="Name">Its name, in the spelling of options.</param>
/// <param name="OfStep">Takes it from a step report; null where only epochs have it.</param>
/// <param name="OfEpoch">Takes it from an epoch, for each part of the data that is drawn; none where only steps have
/// it.</param>
internal sealed record PlottedMetric(
    string Name, Func<StepReport, double?>? OfStep,
    IReadOnlyList<(string Part, Func<EpochReport, double?> Value)> OfEpoch)
{
    /// <summary>The part of the data whose lines are dashed.</summary>
    public const string Validation = "validation";

    private const string Training = "training";

    private static readonly PlottedMetric[] s_all = All();

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_all.Select(metric => metric.Name)];

    /// <summary>
    /// Finds one by its name as a person has met it: in progress lines, metrics.jsonl, metrics.csv, pictures or
    /// TensorBoard.
    /// </summary>
    /// <exception cref="DistTrainerException">There is none (<see cref="FailureKind.Configuration"/>); those that there
    /// are are named.</exception>
    public static PlottedMetric Find(string name) =>
        Array.Find(s_all, metric => Plain(metric.Name) == Plain(name)) ?? throw new DistTrainerException(
        FailureKind.Configuration, $"--metric: \"{name}\" is not known{NearestName.Hint(name, Names)}; "
            + $"allowed: {string.Join(", ", Names)}, also in the spelling of metrics.jsonl (validationLoss).");

    // First those that steps and epochs have, of which epochs have two.
    private static PlottedMetric[] All()
    {
        Figure<EpochReport>[] epochs = [.. ReportFigures.OfEpoch.In(FigurePlaces.Curves)];
        PlottedMetric[] steps = [.. ReportFigures.OfStep.In(FigurePlaces.Curves).Select(step => new PlottedMetric(
            step.Name, step.Of, [.. epochs.Where(epoch => IsOf(step.Name, epoch.Name)).Select(Part)]))];
        return
        [
            .. steps.Where(step => step.OfEpoch.Count > 0),
            .. epochs.Select(epoch => new PlottedMetric(epoch.Name, null, [Part(epoch)])),
            .. steps.Where(step => step.OfEpoch.Count == 0),
        ];
    }

    private static bool IsOf(string step, string epoch) => epoch == $"train-{step}" || epoch == $"{Validation}-{step}";

    private static (string Part, Func<EpochReport, double?> Value) Part(Figure<EpochReport> figure) =>
        (figure.Name.StartsWith(Validation, StringComparison.Ordinal) ? Validation : Training, figure.Of);

    // validation-loss, validationLoss, "validation loss" and epoch/validation-loss are one, as are samples/s and
    // samples-per-second.
    private static string Plain(string name)
    {
        string whole = name.Replace("samples/s", "samples-per-second", StringComparison.OrdinalIgnoreCase);
        string last = whole[(whole.LastIndexOf('/') + 1)..];
        string letters = string.Concat(last.Where(char.IsAsciiLetter)).ToLowerInvariant();
        return letters.StartsWith(Training, StringComparison.Ordinal) ? "train" + letters[Training.Length..] : letters;
    }
}
