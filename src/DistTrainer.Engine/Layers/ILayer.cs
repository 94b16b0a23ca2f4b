using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Layers;

/// <summary>A tensor that a layer asks for.</summary>
/// <param name="Suffix">Last part of its name, e.g. <c>weight</c>.</param>
/// <param name="Kind">Weight, bias or running average.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="FanIn">Inputs of one output, for the initializer.</param>
/// <param name="FanOut">Outputs of one input, for the initializer.</param>
/// <param name="Initializer">How it gets its first values.</param>
public sealed record ParameterRequest(
    string Suffix, ParameterKind Kind, IReadOnlyList<int> Shape, int FanIn, int FanOut,
        InitializerDescription Initializer)
{
    /// <summary>For a running average: share of a step's mean in the new value, 0 to 1.</summary>
    public float Momentum { get; init; }

    /// <summary>A tensor that is not trained: a running average of what the layer measures.</summary>
    /// <param name="suffix">Last part of its name, e.g. <c>running_mean</c>.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    /// <param name="momentum">Share of a step's mean in the new value, above 0, at most 1.</param>
    /// <param name="initial">First value of each element.</param>
    public static ParameterRequest RunningAverage(
        string suffix, IReadOnlyList<int> shape, float momentum, float initial = 0)
    {
        if (!(momentum is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(momentum), momentum, "It must be above 0 and at most 1.");
        return new ParameterRequest(
            suffix, ParameterKind.RunningAverage, shape, 1, 1, new InitializerDescription("constant", initial))
        {
            Momentum = momentum,
        };
    }
}

/// <summary>What a layer may know of the step beside its inputs. It holds no state between calls.</summary>
public readonly ref struct LayerContext
{
    /// <summary>Whether this is training (dropout acts) or evaluation (it does not).</summary>
    public bool Training { get; init; }

    /// <summary>The step, counted from 1; part of the key of random numbers.</summary>
    public long Step { get; init; }

    /// <summary>The job's seed; part of the key of random numbers.</summary>
    public ulong Seed { get; init; }

    /// <summary>For each row the sample's index in the training set; part of the key of random numbers.</summary>
    public ReadOnlySpan<int> Samples { get; init; }

    /// <summary>
    /// Scratch memory of the calling worker, at least <see cref="ILayer.ScratchLength"/> floats, cache-line aligned.
    /// Its content means nothing between calls.
    /// </summary>
    public Span<float> Scratch { get; init; }

    /// <summary>The layer's own memory from its forward pass of a step to its backward pass, at least
    /// <see cref="ILayer.SavedLength"/> floats, cache-line aligned: what the forward pass wrote is there in the
    /// backward pass.</summary>
    public Span<float> Saved { get; init; }

    /// <summary>The threads that share the work of this worker; null for the calling thread alone.</summary>
    public ComputeTeam? Team { get; init; }

    /// <summary>Where among its outputs a layer begins, as a share of them, 0 ≤ begin &lt; 1; changes no bit.</summary>
    public double Begin { get; init; }
}

/// <summary>
/// One module of the network. It is immutable and shared by all workers: whatever changes is handed in.
/// The gradient with respect to the parameters is a <em>sum</em> over samples, cut at data-shard boundaries and joined
/// in the fixed binary tree (see <see cref="GradientTree"/>); everything else treats rows independently.
/// </summary>
public interface ILayer
{
    /// <summary>What a person calls it, e.g. <c>dense</c> or <c>relu</c>.</summary>
    string Name { get; }

    /// <summary>Features that come in.</summary>
    int Inputs { get; }

    /// <summary>Features that go out.</summary>
    int Outputs { get; }

    /// <summary>What goes out, as the next layer of the job's list sees it; has <see cref="Outputs"/> features. An
    /// activation and dropout leave it as it is.</summary>
    Shape OutputShape => Shape.Flat(Outputs);

    /// <summary>
    /// The tensors it needs, in the order in which they lie in its part of the flat vector; may be empty.
    /// </summary>
    IReadOnlyList<ParameterRequest> Parameters { get; }

    /// <summary>Floats of scratch memory that its methods need for up to <paramref name="rows"/> samples.</summary>
    int ScratchLength(int rows);

    /// <summary>
    /// Floats that the layer keeps from its forward pass to its backward pass of the same step for up to
    /// <paramref name="rows"/> samples, e.g. which input was the largest (<see cref="LayerContext.Saved"/>).
    /// </summary>
    int SavedLength(int rows) => 0;

    /// <summary>output = f(input; parameters).</summary>
    /// <param name="context">Step, seed, samples, scratch.</param>
    /// <param name="parameters">This layer's part of the flat vector.</param>
    /// <param name="input">[rows, Inputs]; not changed.</param>
    /// <param name="output">[rows, Outputs]; overwritten; does not overlap the input.</param>
    void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output);

    /// <summary>inputGradient = (∂output/∂input)ᵀ · outputGradient, row by row.</summary>
    /// <param name="context">As in the forward pass of this step.</param>
    /// <param name="parameters">This layer's part of the flat vector, as in the forward pass.</param>
    /// <param name="input">[rows, Inputs] of the forward pass.</param>
    /// <param name="output">[rows, Outputs] of the forward pass.</param>
    /// <param name="outputGradient">[rows, Outputs].</param>
    /// <param name="inputGradient">[rows, Inputs]; overwritten; overlaps none of the others.</param>
    void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient);

    /// <summary>
    /// gradient = Σ over samples, each data shard's samples in order, the data shards' sums in the fixed tree. In the
    /// place of a running average stands the sum over samples of what is measured
    /// (<see cref="ParameterKind.RunningAverage"/>).
    /// </summary>
    /// <param name="context">As in the forward pass of this step.</param>
    /// <param name="input">[rows, Inputs] of the forward pass.</param>
    /// <param name="outputGradient">[rows, Outputs].</param>
    /// <param name="dataShardBounds">Row numbers at which the data shards of one complete subtree begin, and the end of
    /// the last.</param>
    /// <param name="gradient">This layer's part of a flat gradient vector; overwritten.</param>
    /// <returns>Whether every value of the gradient is known to be finite; after false the parameter server looks for
    /// itself, which costs one more read.</returns>
    bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient);
}
