namespace DistTrainer.Engine.Optimizers;

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
