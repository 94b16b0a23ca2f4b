using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Schedules;

namespace DistTrainer.Engine.Training;

/// <summary>
/// A whole job: with the same data it gives the same parameters, bit for bit, on any number of workers.
/// </summary>
public sealed record JobDescription
{
    /// <summary>Where the samples come from.</summary>
    public DataDescription Data { get; init; } = new();

    /// <summary>The network and its loss.</summary>
    public required ModelDescription Model { get; init; }

    /// <summary>The update rule.</summary>
    public OptimizerDescription Optimizer { get; init; } = new();

    /// <summary>How the learning rate changes.</summary>
    public ScheduleDescription Schedule { get; init; } = new();

    /// <summary>What is added to the plain gradient update; with the update rule's decay where none is set.</summary>
    public RegularizationDescription Regularization
    {
        get => field.For(Optimizer);
        init;
    } = new();

    /// <summary>Limits on the gradient.</summary>
    public ClippingDescription Clipping { get; init; } = new();

    /// <summary>Length, order and cut of the training.</summary>
    public TrainingDescription Training { get; init; } = new();
}
