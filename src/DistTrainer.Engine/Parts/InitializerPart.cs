using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Parts;

/// <summary>A tensor that is to get its first values.</summary>
/// <param name="Seed">The job's seed.</param>
/// <param name="Stream">Index of the tensor, below 2⁵⁶.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="FanIn">Inputs of one output, ≥ 1.</param>
/// <param name="FanOut">Outputs of one input, ≥ 1.</param>
public sealed record TensorSite(ulong Seed, ulong Stream, IReadOnlyList<int> Shape, int FanIn, int FanOut);

/// <summary>
/// Fills a tensor. Element i must be a pure function of (seed, stream, i): random numbers come from
/// <see cref="CounterRandom"/>
/// with <see cref="RandomPurpose.Initialization"/> and the tensor's stream.
/// </summary>
/// <param name="tensor">The tensor.</param>
/// <param name="settings">The part's settings.</param>
/// <param name="destination">Row-major; as long as the shape says; to be overwritten.</param>
public delegate void InitializerFill(TensorSite tensor, PartSettings settings, Span<float> destination);

/// <summary>An initializer that a job names by <c>weight-initializer</c> or <c>bias-initializer</c> of a
/// layer.</summary>
/// <param name="name">Its name.</param>
/// <param name="fill">Fills a tensor by its settings, which are checked.</param>
/// <param name="settings">Its settings.</param>
public sealed class InitializerPart(string name, InitializerFill fill, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>Fills a tensor.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="destination">As long as the shape says.</param>
    /// <exception cref="DistTrainerException">A setting is wrong, or the rule is not for such tensors
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal void Fill(TensorSite tensor, PartSettings settings, Span<float> destination)
    {
        Check(settings, $"initializer {Name}");
        fill(tensor, settings, destination);
    }
}
