using DistTrainer.Engine.Metrics;

namespace DistTrainer.Cluster.Protocol;

/// <summary>Where a figure is shown. The lines of <c>metrics.jsonl</c> have every figure.</summary>
[Flags]
internal enum FigurePlaces
{
    /// <summary>Nowhere else.</summary>
    None = 0,

    /// <summary>Lines of progress, the live view of a terminal, the dashboard's last figures.</summary>
    Progress = 1,

    /// <summary>The log's events <c>steps</c> and <c>epoch-ended</c>.</summary>
    Log = 2,

    /// <summary><c>metrics.csv</c>.</summary>
    Table = 4,

    /// <summary>Curves: TensorBoard, the dashboard, <c>plot</c>.</summary>
    Curves = 8,

    /// <summary>The process's meter, see <see cref="Step.TrainingMeter"/>.</summary>
    Meter = 16,

    /// <summary>Everywhere.</summary>
    All = Progress | Log | Table | Curves | Meter,
}

/// <summary>A figure of a report: all that is needed to show it anywhere, and to read it back.</summary>
/// <typeparam name="TReport">The kind of report.</typeparam>
/// <param name="Name">What it is called, in the spelling of options: <c>learning-rate</c>.</param>
/// <param name="Unit">Its unit as in UCUM; null where it has none.</param>
/// <param name="Meaning">What it says, as a sentence.</param>
/// <param name="Of">Takes it from a report; null where the report has none.</param>
/// <param name="With">The same report with another value; null: none, which is NaN where there must be one.</param>
internal sealed record Figure<TReport>(
    string Name, string? Unit, string Meaning, Func<TReport, double?> Of, Func<TReport, double?, TReport> With)
{
    /// <summary>Where it is shown.</summary>
    public FigurePlaces Places { get; init; } = FigurePlaces.All;

    /// <summary>What stands before its name in TensorBoard.</summary>
    public string Group { get; init; } = "train";

    /// <summary>Its name in lines of progress.</summary>
    public string Label { get; init; } = Name;

    /// <summary>Its name in <c>metrics.jsonl</c> and <c>metrics.csv</c>.</summary>
    public string Key { get; init; } = Camel(Name);

    /// <summary>The end of its name in the meter.</summary>
    public string Metric { get; init; } = Name.Replace('-', '_');

    /// <summary>Whether lines of <c>metrics.jsonl</c> leave it out where a report has none.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Whether people are shown whole numbers.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Whether two reports' values may be averaged; else the last one counts.</summary>
    public bool IsMean { get; init; } = true;

    /// <summary>Its field in a template of the log: <c>learningRate={LearningRate:G6}</c>.</summary>
    public string LogField
    {
        get
        {
            string name = Camel(Name);
            return $"{name}={{{char.ToUpperInvariant(name[0])}{name[1..]}:{(IsWhole ? "F0" : "G6")}}}";
        }
    }

    // learning-rate → learningRate
    private static string Camel(string name)
    {
        string[] words = name.Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}

/// <summary>The figures of step and epoch reports, in the order in which they are shown: a new one is a row.</summary>
internal static class ReportFigures
{
    private const FigurePlaces NotMetered = FigurePlaces.All & ~FigurePlaces.Meter;

    /// <summary>Of a step report.</summary>
    public static IReadOnlyList<Figure<StepReport>> OfStep { get; } =
    [
        new("loss", null, "Mean training loss a sample over the last report's steps.",
            r => r.Loss, (r, v) => r with { Loss = v ?? double.NaN }),
        new("accuracy", "1", "Share of correctly classified training samples over the last report's steps.",
            r => r.Accuracy, (r, v) => r with { Accuracy = v }),
        new("learning-rate", null, "Rate of the last step.",
            r => r.LearningRate, (r, v) => r with { LearningRate = v ?? double.NaN }) { IsMean = false },
        new("gradient-norm", null, "Euclidean norm of the last step's averaged gradient.",
            r => r.GradientNorm, (r, v) => r with { GradientNorm = v ?? double.NaN }),
        new("samples-per-second", "{sample}/s", "Training samples a second over the last report's steps.",
            r => r.SamplesPerSecond, (r, v) => r with { SamplesPerSecond = v ?? double.NaN })
        {
            Group = "speed", Label = "samples/s", Metric = "throughput", IsWhole = true,
        },
        Time("compute", "A step's samples, forward, loss and backward; of the slowest worker.",
            t => t.Compute, (t, v) => t with { Compute = v }),
        Time("wait", "From the end of a step's backward pass until parameters are in; of the slowest worker.",
            t => t.Wait, (t, v) => t with { Wait = v }),
        Time("gather", "From a step's first contribution to its last; of the slowest parameter shard.",
            t => t.Gather, (t, v) => t with { Gather = v }),
        Time("apply", "Summing, updating and handing out a step; of the slowest parameter shard.",
            t => t.Apply, (t, v) => t with { Apply = v }),
    ];

    /// <summary>Of an epoch report, but for its parameter hash.</summary>
    public static IReadOnlyList<Figure<EpochReport>> OfEpoch { get; } =
    [
        new("train-loss", null, "Mean training loss a sample over the last epoch, as the parameters changed.",
            r => r.TrainLoss, (r, v) => r with { TrainLoss = v ?? double.NaN })
        {
            Group = "epoch", Key = "loss", Places = NotMetered,
        },
        new("train-accuracy", "1", "Share of correctly classified training samples over the last epoch.",
            r => r.TrainAccuracy, (r, v) => r with { TrainAccuracy = v })
        {
            Group = "epoch", Key = "accuracy", Places = NotMetered,
        },
        new("validation-loss", null, "Mean loss on the validation part after the last epoch.",
            r => r.ValidationLoss, (r, v) => r with { ValidationLoss = v })
        {
            Group = "epoch", Metric = "validation.loss",
        },
        new("validation-accuracy", "1", "Accuracy on the validation part after the last epoch.",
            r => r.ValidationAccuracy, (r, v) => r with { ValidationAccuracy = v })
        {
            Group = "epoch", Metric = "validation.accuracy",
        },
        new("learning-rate", null, "Rate of the epoch's last step.",
            r => r.LearningRate, (r, v) => r with { LearningRate = v ?? double.NaN })
        {
            Group = "epoch", Places = FigurePlaces.Log | FigurePlaces.Table,
        },
        new("samples-per-second", "{sample}/s", "Training samples a second over the epoch, evaluation not counted.",
            r => r.SamplesPerSecond, (r, v) => r with { SamplesPerSecond = v ?? double.NaN })
        {
            Group = "epoch", Label = "samples/s", IsWhole = true,
            Places = FigurePlaces.Progress | FigurePlaces.Log | FigurePlaces.Table,
        },
        new("train-seconds", "s", "Seconds spent training in the epoch, evaluation not counted.",
            r => r.TrainSeconds, (r, v) => r with { TrainSeconds = v ?? double.NaN })
        {
            Group = "epoch", Places = FigurePlaces.None,
        },
        Validation("balanced-accuracy", "1", "Mean of the classes' recalls",
            f => f.BalancedAccuracy, (f, v) => f with { BalancedAccuracy = v }),
        Validation("log-loss", null, "Mean of -ln of the probability of a row's class",
            f => f.LogLoss, (f, v) => f with { LogLoss = v }),
        Validation("auc", "1", "Area under the ROC curve",
            f => f.AreaUnderCurve, (f, v) => f with { AreaUnderCurve = v }),
        Validation("f1-macro", "1", "Mean of the classes' F1", f => f.F1, (f, v) => f with { F1 = v }),
        Validation("mean-absolute-error", null, "Mean absolute error, in the targets' unit",
            f => f.MeanAbsoluteError, (f, v) => f with { MeanAbsoluteError = v }),
        Validation("root-mean-squared-error", null, "Root of the mean squared error, in the targets' unit",
            f => f.RootMeanSquaredError, (f, v) => f with { RootMeanSquaredError = v }),
        Validation("r2", "1", "Share of the targets' variance that is explained",
            f => f.R2, (f, v) => f with { R2 = v }),
        Validation("median-absolute-error", null, "Median absolute error, in the targets' unit",
            f => f.MedianAbsoluteError, (f, v) => f with { MedianAbsoluteError = v }),
    ];

    /// <summary>Those that are shown in a place.</summary>
    public static IEnumerable<Figure<TReport>> In<TReport>(
        this IEnumerable<Figure<TReport>> figures, FigurePlaces place) =>
        figures.Where(figure => figure.Places.HasFlag(place));

    private static Figure<EpochReport> Validation(
        string name, string? unit, string meaning, Func<PartFigures, double?> of,
        Func<PartFigures, double?, PartFigures> with) =>
        new($"validation-{name}", unit, $"{meaning}, on the validation part after the last epoch; where "
            + "training.figures or early stopping asks for it.",
            r => of(r.Figures), (r, v) => r with { Figures = with(r.Figures, v) })
        {
            Group = "epoch",
            IsOptional = true,
            Places = FigurePlaces.All & ~FigurePlaces.Log,
            Metric = $"validation.{name.Replace('-', '_')}",
        };

    private static Figure<StepReport> Time(
        string name, string meaning, Func<StepTimes, double> of, Func<StepTimes, double, StepTimes> with) =>
        new($"{name}-milliseconds", "ms", meaning,
            r => of(r.Times), (r, v) => r with { Times = with(r.Times, v ?? double.NaN) })
        {
            Group = "speed",
            Places = FigurePlaces.Curves,
        };
}
