using DistTrainer.Engine;

namespace DistTrainer.ParameterServer;

/// <summary>
/// The flat parameter vector of a node, by step. Within one process a single buffer is updated in place. A node of a
/// cluster has two: the parameters of step t − 1 stay whole until all of those of step t are in, so that the data shards
/// of a lost neighbour can be computed again.
/// </summary>
public sealed class ParameterBuffers : IDisposable
{
    private readonly AlignedBuffer _even;
    private readonly AlignedBuffer _odd;

    /// <summary>Takes one buffer for all steps; it belongs to these buffers from now on.</summary>
    public ParameterBuffers(AlignedBuffer single) => _even = _odd = single;

    /// <summary>Takes two buffers of one length, for the even and for the odd steps; they belong to these buffers from now on.</summary>
    public ParameterBuffers(AlignedBuffer even, AlignedBuffer odd) => (_even, _odd) = (even, odd);

    /// <summary>Whether a step's parameters lie apart from those of the step before.</summary>
    public bool AreTwo => _even != _odd;

    /// <summary>Floats of the vector.</summary>
    public int Length => _even.Length;

    /// <summary>Where the parameters of a step lie: those after it was applied; step 0 is before the first.</summary>
    public AlignedBuffer this[long step] => (step & 1) == 0 ? _even : _odd;

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _even.Dispose();
        _odd.Dispose();
    }
}
