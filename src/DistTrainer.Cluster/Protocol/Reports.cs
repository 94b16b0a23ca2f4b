using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Metrics;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Protocol;

/// <summary>Figures of the steps since the report before.</summary>
/// <param name="Step">The last step of the report, counted from 1.</param>
/// <param name="Epoch">Its epoch, counted from 1.</param>
/// <param name="StepsPerEpoch">Steps of one epoch.</param>
/// <param name="TotalSteps">Steps of the whole run, if it is not stopped early.</param>
/// <param name="Loss">Mean training loss a sample over the report's steps (without regularization).</param>
/// <param name="Accuracy">Share of correctly classified training samples; null for regression.</param>
/// <param name="LearningRate">Rate of the last step.</param>
/// <param name="GradientNorm">Euclidean norm of the last step's averaged gradient, before clipping and
/// regularization.</param>
/// <param name="SamplesPerSecond">Training samples a second over the report's steps.</param>
/// <param name="Times">Where the time went.</param>
public sealed record StepReport(
    long Step, int Epoch, int StepsPerEpoch, long TotalSteps, double Loss, double? Accuracy, double LearningRate,
    double GradientNorm, double SamplesPerSecond, StepTimes Times);

/// <summary>
/// Where the time of a step went, in milliseconds, means over the report's steps: of the workers the slowest, of the
/// parameter shards the slowest. Compute + Wait is the whole step of a worker; Gather and Apply lie within its wait,
/// and what is left of it went into sending gradients and parameters.
/// </summary>
/// <param name="Compute">Samples, forward, loss, backward.</param>
/// <param name="Wait">From the end of the backward pass until parameters are in.</param>
/// <param name="Gather">From the first contribution of a step to the last.</param>
/// <param name="Apply">Summing, updating, handing out.</param>
public readonly record struct StepTimes(double Compute, double Wait, double Gather, double Apply);

/// <summary>Figures of one epoch.</summary>
/// <param name="Epoch">Counted from 1.</param>
/// <param name="Step">The epoch's last step.</param>
/// <param name="TrainLoss">Mean training loss a sample over the epoch, as the parameters changed.</param>
/// <param name="TrainAccuracy">Share of correctly classified training samples; null for regression.</param>
/// <param name="ValidationLoss">Mean loss on the validation part; null where there is none.</param>
/// <param name="ValidationAccuracy">Accuracy on the validation part; null for regression or where there is
/// none.</param>
/// <param name="LearningRate">Rate of the last step.</param>
/// <param name="SamplesPerSecond">Training samples a second, evaluation not counted.</param>
/// <param name="TrainSeconds">Seconds spent training in this epoch, evaluation not counted.</param>
/// <param name="ParameterHash">SHA-256, in hex, of the flat parameters after the epoch.</param>
public sealed record EpochReport(
    int Epoch, long Step, double TrainLoss, double? TrainAccuracy, double? ValidationLoss, double? ValidationAccuracy,
    double LearningRate, double SamplesPerSecond, double TrainSeconds, string ParameterHash)
{
    /// <summary>The validation part's figures beyond the loss, where they are asked for
    /// (<see cref="Engine.Training.TrainingDescription.Figures"/>).</summary>
    public PartFigures Figures { get; init; } = new();
}

/// <summary>Why a run ended.</summary>
public enum EndReason
{
    /// <summary>All epochs or the largest number of steps are done.</summary>
    Completed,

    /// <summary>The validation loss no longer improved.</summary>
    EarlyStopping,

    /// <summary>Somebody asked for it (Ctrl+C); the open step was finished.</summary>
    Stopped,
}

/// <summary>How a reason is called in texts.</summary>
internal static class EndReasons
{
    /// <summary>completed, early-stopping or stopped.</summary>
    public static string Text(this EndReason reason) => reason switch
    {
        EndReason.Completed => "completed",
        EndReason.EarlyStopping => "early-stopping",
        _ => "stopped",
    };
}

/// <summary>What a run leaves behind.</summary>
public sealed record TrainingResult
{
    /// <summary>Why it ended.</summary>
    public required EndReason Reason { get; init; }

    /// <summary>The flat parameters, in layout order.</summary>
    public required float[] Parameters { get; init; }

    /// <summary>SHA-256, in hex, of the parameters as little-endian floats in layout order.</summary>
    public required string ParameterHash { get; init; }

    /// <summary>Whole epochs trained.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps trained.</summary>
    public required long Steps { get; init; }

    /// <summary>Mean training loss of the last (perhaps partial) epoch.</summary>
    public required double TrainLoss { get; init; }

    /// <summary>Sums over the validation part with the final parameters.</summary>
    public required LossSums Validation { get; init; }

    /// <summary>Sums over the test part with the final parameters.</summary>
    public required LossSums Test { get; init; }

    /// <summary>Training samples a second over the whole run, evaluation not counted.</summary>
    public required double SamplesPerSecond { get; init; }
}

/// <summary>How the values of a tensor spread.</summary>
/// <param name="Step">The step that was applied, counted from 1.</param>
/// <param name="Tensor">The tensor's name, e.g. <c>0.weight</c>.</param>
/// <param name="Parameters">Its values after the step.</param>
/// <param name="Gradients">Its part of the step's averaged gradient, before clipping and regularization.</param>
public sealed record HistogramReport(long Step, string Tensor, ValueHistogram Parameters, ValueHistogram Gradients);

/// <summary>A checkpoint was written.</summary>
/// <param name="Step">The last step that is in.</param>
/// <param name="Folder">Where it is.</param>
/// <param name="Bytes">Length of its files.</param>
/// <param name="Pause">How long the parameter shards stood still for it.</param>
/// <param name="Seconds">From the request until it was whole on the disk.</param>
public sealed record CheckpointReport(long Step, string Folder, long Bytes, TimeSpan Pause, double Seconds);
