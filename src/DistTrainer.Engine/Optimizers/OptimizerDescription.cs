using System.Collections.ObjectModel;

namespace DistTrainer.Engine;

/// <summary>The update rule's name.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent, with momentum if asked.</summary>
    Sgd,

    /// <summary>Adam (Kingma and Ba 2015).</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    AdamW,

    /// <summary>RMSprop (Hinton 2012).</summary>
    RmsProp,

    /// <summary>What <see cref="OptimizerDescription.Plugin"/> names.</summary>
    Plugin,
}

/// <summary>An optimizer and all its options, with PyTorch's meanings and defaults.</summary>
public sealed record OptimizerDescription
{
    private readonly float? _learningRate;

    /// <summary>Which rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.Adam;

    /// <summary>The name of a plug-in's rule, with <see cref="OptimizerKind.Plugin"/>; else null.</summary>
    public string? Plugin { get; init; }

    /// <summary>Settings of the plug-in's rule, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Learning rate at full height, before the schedule; &gt; 0. Where none is set it is the kind's: 0.01 for RMSprop, 0.001 for the others.</summary>
    public float LearningRate
    {
        get => _learningRate ?? (Kind == OptimizerKind.RmsProp ? 1e-2f : 1e-3f);
        init => _learningRate = value;
    }

    /// <summary>SGD and RMSprop: momentum in [0, 1).</summary>
    public float Momentum { get; init; }

    /// <summary>SGD: dampening of the momentum buffer's input, in [0, 1].</summary>
    public float Dampening { get; init; }

    /// <summary>SGD: look-ahead momentum; needs momentum &gt; 0 and dampening 0.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Adam, AdamW: decay of the first moment, in [0, 1).</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>Adam, AdamW: decay of the second moment, in [0, 1).</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Adam, AdamW, RMSprop: added to the denominator; &gt; 0.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Adam, AdamW: use the largest second moment so far (Reddi et al. 2018).</summary>
    public bool AmsGrad { get; init; }

    /// <summary>RMSprop: decay of the squared-gradient average, in [0, 1).</summary>
    public float Alpha { get; init; } = 0.99f;

    /// <summary>RMSprop: subtract the squared mean gradient (Graves 2013).</summary>
    public bool Centered { get; init; }

    /// <summary>A rule with PyTorch's defaults.</summary>
    public static OptimizerDescription Default(OptimizerKind kind) => new() { Kind = kind };
}

/// <summary>
/// What is added to, or done beside, the plain gradient update. The order of one step:
/// average (sum / samples) → clip by value → clip by global norm → add L1 and L2 → decoupled decay → optimizer → max-norm.
/// It is what PyTorch does when a user clips <c>.grad</c> before <c>optimizer.step()</c>.
/// </summary>
public sealed record RegularizationDescription
{
    /// <summary>AdamW's decay where none is set, as in PyTorch.</summary>
    private const float AdamWDecay = 0.01f;

    private readonly float? _decay;

    /// <summary>λ₁ of the penalty λ₁ Σ|w|: adds λ₁ · sign(w) to the gradient; ≥ 0.</summary>
    public float L1 { get; init; }

    /// <summary>λ₂ of the penalty λ₂/2 Σ w²: adds λ₂ · w to the gradient (PyTorch's <c>weight_decay</c>); ≥ 0.</summary>
    public float L2 { get; init; }

    /// <summary>Decoupled decay: w is scaled by 1 − rate · decay before the update (Loshchilov and Hutter 2019); ≥ 0. Where none is set a job with AdamW has PyTorch's 0.01, others have 0.</summary>
    public float DecoupledWeightDecay
    {
        get => _decay ?? 0;
        init => _decay = value;
    }

    /// <summary>Largest Euclidean norm of one unit's incoming weights after an update (Srebro et al. 2005); 0 is off.</summary>
    public float MaxNorm { get; init; }

    /// <summary>Whether L1, L2 and decoupled decay act on biases too. Max-norm never does.</summary>
    public bool ApplyToBiases { get; init; }

    /// <summary>The same with the decay that a rule has where none is set.</summary>
    internal RegularizationDescription For(OptimizerKind kind) =>
        _decay is null && kind == OptimizerKind.AdamW ? this with { DecoupledWeightDecay = AdamWDecay } : this;
}

/// <summary>Limits on the averaged gradient, before regularization.</summary>
public sealed record ClippingDescription
{
    /// <summary>Each element is clamped to [−value, value]; 0 is off.</summary>
    public float Value { get; init; }

    /// <summary>The whole gradient is scaled down to this Euclidean norm; 0 is off.</summary>
    public float Norm { get; init; }
}

/// <summary>How the learning rate changes.</summary>
public enum ScheduleKind
{
    /// <summary>No change.</summary>
    Constant,

    /// <summary>Times gamma every <see cref="ScheduleDescription.StepSize"/> epochs.</summary>
    Step,

    /// <summary>Times gamma at each of the <see cref="ScheduleDescription.Milestones"/>.</summary>
    MultiStep,

    /// <summary>Times gamma every epoch.</summary>
    Exponential,

    /// <summary>Half a cosine from the full rate to the minimum over the whole run (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>Times gamma when the validation loss has not improved for some epochs.</summary>
    ReduceOnPlateau,
}

/// <summary>A learning-rate schedule, with a linear warm-up before any of them. Epochs are counted from 0, as PyTorch does.</summary>
public sealed record ScheduleDescription
{
    /// <summary>Which schedule.</summary>
    public ScheduleKind Kind { get; init; } = ScheduleKind.Constant;

    /// <summary>Factor of step, multi-step, exponential and reduce-on-plateau; in (0, 1].</summary>
    public float Gamma { get; init; } = 0.1f;

    /// <summary>Step: epochs between reductions; ≥ 1.</summary>
    public int StepSize { get; init; } = 10;

    /// <summary>Multi-step: epochs at which to reduce, rising.</summary>
    public IReadOnlyList<int> Milestones { get; init; } = [];

    /// <summary>Cosine, reduce-on-plateau: never below this rate; ≥ 0.</summary>
    public float MinimumRate { get; init; }

    /// <summary>Reduce-on-plateau: epochs without improvement to wait; ≥ 0.</summary>
    public int Patience { get; init; } = 10;

    /// <summary>Reduce-on-plateau: relative improvement that counts; ≥ 0.</summary>
    public float Threshold { get; init; } = 1e-4f;

    /// <summary>Steps over which the rate rises linearly from rate/n to the full rate; 0 is none.</summary>
    public int WarmUpSteps { get; init; }
}
