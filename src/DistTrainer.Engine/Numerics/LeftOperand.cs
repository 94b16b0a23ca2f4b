namespace DistTrainer.Engine.Numerics;

/// <summary>
/// Where a tile's left operand lies: element (r, k) at <c>r · RowStride + k / Steps · BlockStride + k % Steps ·
/// StepStride</c>. The sum has Blocks · Steps steps.
/// </summary>
internal readonly unsafe struct LeftOperand
{
    /// <summary>Element (0, 0).</summary>
    public required float* First { get; init; }

    /// <summary>Floats between two rows.</summary>
    public required nint RowStride { get; init; }

    /// <summary>Floats between two steps of one block.</summary>
    public required nint StepStride { get; init; }

    /// <summary>Steps of one block, ≥ 0.</summary>
    public required int Steps { get; init; }

    /// <summary>Number of blocks, ≥ 1.</summary>
    public int Blocks { get; init; }

    /// <summary>Floats between two blocks.</summary>
    public nint BlockStride { get; init; }

    /// <summary>One block.</summary>
    public LeftOperand() => Blocks = 1;
}
