namespace DistTrainer.Engine;

/// <summary>An optimizer and its settings, with PyTorch's meanings and defaults.</summary>
public sealed record OptimizerDescription
{
    private readonly float? _learningRate;

    /// <summary>The name of the rule; see <see cref="PluginRegistry.Optimizers"/>.</summary>
    public string Kind { get; init; } = AdamOptimizer.Part.Name;

    /// <summary>The rule's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>Learning rate at full height, before the schedule; &gt; 0. Where none is set it is the
    /// rule's.</summary>
    /// <exception cref="DistTrainerException">None is set, and there is no such rule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public float LearningRate
    {
        get => _learningRate ?? Part.LearningRate;
        init => _learningRate = value;
    }

    /// <summary>The rule.</summary>
    /// <exception cref="DistTrainerException">There is no such rule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal OptimizerPart Part => PluginRegistry.Shared.Optimizers[Kind];

    /// <summary>A rule with settings, e.g. <c>Of("sgd", ("momentum", 0.9f))</c>.</summary>
    /// <param name="kind">The rule's name.</param>
    /// <param name="settings">Names and values; see <see cref="PartSettings.Of"/>.</param>
    public static OptimizerDescription Of(string kind, params ReadOnlySpan<(string Name, object Value)> settings) =>
        new() { Kind = kind, Settings = PartSettings.Of(settings) };
}

/// <summary>
/// What is added to, or done beside, the plain gradient update. The order of one step:
/// average (sum / samples) → clip by value → clip by global norm → add L1 and L2 → decoupled decay → optimizer →
/// max-norm. It is what PyTorch does when a user clips <c>.grad</c> before <c>optimizer.step()</c>.
/// </summary>
public sealed record RegularizationDescription
{
    private readonly float? _decay;

    /// <summary>λ₁ of the penalty λ₁ Σ|w|: adds λ₁ · sign(w) to the gradient; ≥ 0.</summary>
    public float L1 { get; init; }

    /// <summary>
    /// λ₂ of the penalty λ₂/2 Σ w²: adds λ₂ · w to the gradient (PyTorch's <c>weight_decay</c>); ≥ 0.
    /// </summary>
    public float L2 { get; init; }

    /// <summary>Decoupled decay: w is scaled by 1 − rate · decay before the update (Loshchilov and Hutter 2019); ≥ 0.
    /// Where none is set it is the optimizer's: 0.01 for AdamW, as in PyTorch, 0 for the others that are built
    /// in.</summary>
    public float DecoupledWeightDecay
    {
        get => _decay ?? 0;
        init => _decay = value;
    }

    /// <summary>
    /// Largest Euclidean norm of one unit's incoming weights after an update (Srebro et al. 2005); 0 is off.
    /// </summary>
    public float MaxNorm { get; init; }

    /// <summary>Whether L1, L2 and decoupled decay act on biases too. Max-norm never does.</summary>
    public bool ApplyToBiases { get; init; }

    /// <summary>The same with the decay that a rule has where none is set.</summary>
    internal RegularizationDescription For(OptimizerDescription optimizer) =>
        _decay is null && optimizer.Part.DecoupledWeightDecay is > 0 and float decay
            ? this with { DecoupledWeightDecay = decay } : this;
}

/// <summary>Limits on the averaged gradient, before regularization.</summary>
public sealed record ClippingDescription
{
    /// <summary>Each element is clamped to [−value, value]; 0 is off.</summary>
    public float Value { get; init; }

    /// <summary>The whole gradient is scaled down to this Euclidean norm; 0 is off.</summary>
    public float Norm { get; init; }
}

/// <summary>
/// A learning-rate schedule, with a linear warm-up before any of them. Epochs are counted from 0, as PyTorch does.
/// </summary>
public sealed record ScheduleDescription
{
    /// <summary>The schedule's name; see <see cref="PluginRegistry.Schedules"/>.</summary>
    public string Kind { get; init; } = ConstantSchedule.Part.Name;

    /// <summary>The schedule's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>Steps over which the rate rises linearly from rate/n to the full rate; 0 is none.</summary>
    public int WarmUpSteps { get; init; }

    /// <summary>Whether the schedule goes by the validation loss.</summary>
    /// <exception cref="DistTrainerException">There is no such schedule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public bool WatchesValidation => Part.Tracker is not null;

    /// <summary>The schedule.</summary>
    /// <exception cref="DistTrainerException">There is no such schedule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal SchedulePart Part => PluginRegistry.Shared.Schedules[Kind];

    /// <summary>A schedule with settings, e.g. <c>Of("step", ("gamma", 0.5f))</c>.</summary>
    /// <param name="kind">The schedule's name.</param>
    /// <param name="settings">Names and values; see <see cref="PartSettings.Of"/>.</param>
    public static ScheduleDescription Of(string kind, params ReadOnlySpan<(string Name, object Value)> settings) =>
        new() { Kind = kind, Settings = PartSettings.Of(settings) };

    /// <summary>Makes what watches the validation loss; null where the schedule does not go by it.</summary>
    /// <exception cref="DistTrainerException">There is no such schedule, or a setting is wrong
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public PlateauTracker? CreateTracker()
    {
        Part.Check(Settings, "schedule");
        return Part.Tracker?.Invoke(Settings);
    }
}
