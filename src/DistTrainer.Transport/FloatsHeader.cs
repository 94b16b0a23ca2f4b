using DistTrainer.Engine.Numerics;

namespace DistTrainer.Transport;

/// <summary>What a range of floats is.</summary>
internal enum FloatsKind : byte
{
    /// <summary>A gradient sum, worker → parameter shard.</summary>
    Gradient = 1,

    /// <summary>New parameters, parameter shard → worker.</summary>
    Parameters = 2,

    /// <summary>As <see cref="Gradient"/>, of floats that were rounded to bfloat16: two bytes each.</summary>
    RoundedGradient = 4,

    /// <summary>As <see cref="Parameters"/>, of floats that were rounded to bfloat16.</summary>
    RoundedParameters = 5,
}

/// <summary>
/// A range of the flat vector of one stream, as a sender gives it, or the part of it that one frame carries.
/// </summary>
/// <param name="Kind">Gradient or parameters.</param>
/// <param name="Generation">The membership version that it was sent in.</param>
/// <param name="Step">The step, counted from 1 (0: the initial parameters).</param>
/// <param name="ParameterShard">Whose slice it lies in.</param>
/// <param name="Sender">Worker number; 0 for parameters.</param>
/// <param name="NodeStart">First data shard of the complete subtree that was summed; 0 for parameters.</param>
/// <param name="NodeCount">Data shards of the subtree; 0 for parameters.</param>
/// <param name="Offset">First element, in elements of the flat parameter vector.</param>
/// <param name="Count">Number of elements, ≥ 0.</param>
internal readonly record struct FloatsHeader(
    FloatsKind Kind, int Generation, long Step, int ParameterShard, int Sender, int NodeStart, int NodeCount,
        int Offset, int Count)
{
    /// <summary>Whether the floats were rounded to bfloat16, and only their upper halves are sent.</summary>
    public bool AreRounded => Kind is FloatsKind.RoundedGradient or FloatsKind.RoundedParameters;

    /// <summary>Whether they are parameters; else a gradient.</summary>
    public bool AreParameters => Kind is FloatsKind.Parameters or FloatsKind.RoundedParameters;

    /// <summary>Bytes of one of them on the wire.</summary>
    public int BytesOfOne => AreRounded ? Bfloat16.Bytes : sizeof(float);
}
