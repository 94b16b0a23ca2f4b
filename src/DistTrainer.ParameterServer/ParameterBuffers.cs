using DistTrainer.Engine.Numerics;

namespace DistTrainer.ParameterServer;

/// <summary>
/// The flat parameter vector of a node, by step. Within one process a single buffer is updated in place. A node of a
/// cluster has two (<see cref="BulkSynchronous.Versions"/>): the parameters of step t − 1 stay whole until all of those
/// of step t are in, so that the data shards of a lost neighbour can be computed again.
/// </summary>
internal sealed class ParameterBuffers : IDisposable
{
    private readonly AlignedBuffer[] _versions;

    /// <summary>Takes one buffer for all steps, or one for each step that is kept; they are its own then.</summary>
    /// <param name="versions">One, or <see cref="BulkSynchronous.Versions"/> of one length.</param>
    /// <exception cref="ArgumentException">Their number or their lengths are others.</exception>
    public ParameterBuffers(params AlignedBuffer[] versions)
    {
        int[] lengths = [.. versions.Select(version => version.Length)];
        if (lengths.Length is not (1 or BulkSynchronous.Versions) || lengths.Distinct().Count() != 1)
        {
            throw new ArgumentException(
                $"Buffers of {string.Join(", ", lengths)} floats were given; it takes one, "
                + $"or {BulkSynchronous.Versions} of one length.",
                nameof(versions));
        }
        _versions = versions;
    }

    /// <summary>Whether a step's parameters lie apart from those of the step before.</summary>
    public bool AreTwo => _versions.Length > 1;

    /// <summary>Floats of the vector.</summary>
    public int Length => _versions[0].Length;

    /// <summary>Where the parameters of a step lie: those after it was applied; step 0 is before the first.</summary>
    public AlignedBuffer this[long step] => _versions[AreTwo ? BulkSynchronous.PlaceOf(step) : 0];

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (AlignedBuffer version in _versions)
            version.Dispose();
    }
}
