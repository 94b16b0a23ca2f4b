using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.ParameterServer;

/// <summary>
/// The flat parameter vector of a node, by step. Within one process a single buffer is updated in place. A node of a
/// cluster has two (<see cref="Ends.Versions"/>): the parameters of step t − 1 stay whole until all of those
/// of step t are in, so that the data shards of a lost neighbour can be computed again.
/// </summary>
internal sealed class ParameterBuffers : IDisposable
{
    private readonly AlignedBuffer[] _versions;

    /// <summary>For bulk mode; as the other one.</summary>
    public ParameterBuffers(params AlignedBuffer[] versions)
        : this(Exchange.Bulk(versions.FirstOrDefault()?.Length ?? 0), versions)
    {
    }

    /// <summary>Takes one buffer for all steps, or one for each end that is kept; they are its own then.</summary>
    /// <param name="exchange">What lies in each.</param>
    /// <param name="versions">One, or <see cref="Ends.Versions"/>, of the exchange's length.</param>
    /// <exception cref="ArgumentException">Their number or their lengths are others.</exception>
    public ParameterBuffers(Exchange exchange, params AlignedBuffer[] versions)
    {
        int[] lengths = [.. versions.Select(version => version.Length)];
        if (lengths.Length is not (1 or Ends.Versions) || lengths.Any(length => length != exchange.Length))
        {
            throw new ArgumentException(
                $"Buffers of {string.Join(", ", lengths)} floats were given; it takes one, "
                + $"or {Ends.Versions} of one length, {exchange.Length}.",
                nameof(versions));
        }
        (Exchange, _versions) = (exchange, versions);
    }

    /// <summary>What lies in them.</summary>
    public Exchange Exchange { get; }

    /// <summary>Whether a step's parameters lie apart from those of the step before.</summary>
    public bool AreTwo => _versions.Length > 1;

    /// <summary>Floats of the parameter vector.</summary>
    public int Length => Exchange.Parameters;

    /// <summary>
    /// Where what belongs to an end lies: the parameters after it was applied, and slots; step 0 is before the first.
    /// </summary>
    public AlignedBuffer this[long step] => _versions[AreTwo ? Exchange.Ends.PlaceOf(step) : 0];

    /// <summary>The parameters of an end.</summary>
    public Span<float> Of(long step) => this[step].Span[..Length];

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (AlignedBuffer version in _versions)
            version.Dispose();
    }
}
