using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// The innermost part of every matrix product: one tile of <see cref="Rows"/> × <see cref="Width"/> outputs in
/// registers.
/// <code>c[r, j] (+)= Σ_k a[r, k] · b[k · Width + j]</code>
/// Every output is one chain of fused multiply-adds over k in rising order, starting at zero or at c. Vectors run
/// across j, so the chain, and with it every bit, is the same on every instruction set; only the speed differs. 2 ·
/// Rows · Width · steps FLOPs. Written for 512-bit vectors (24 accumulators of 32 registers), for 256-bit vectors (two
/// halves of 2 × 6 rows, 12 of 16 registers, after Goto and van de Geijn 2008), and once plainly.
/// </summary>
internal static unsafe class TileKernel
{
    /// <summary>Outputs of a tile across its rows.</summary>
    public const int Rows = 12;

    /// <summary>Outputs of a tile across its columns; the width of an activation panel.</summary>
    public const int Width = ActivationPanels.Width;

    /// <summary>Columns of a tile of which only the first half is wanted.</summary>
    public const int NarrowWidth = Width / 2;

    private const int HalfRows = Rows / 2;

    /// <summary>Floats of one tile.</summary>
    public const int Size = Rows * Width;

    /// <summary>
    /// Computes one tile of up to <see cref="Rows"/> rows; c overlaps neither a nor b. Rows lie in pairs; an odd last
    /// row takes the one before to it, which is computed and stored twice, with the same bits.
    /// </summary>
    /// <param name="a">The left operand.</param>
    /// <param name="b">[blocks · steps, Width] of the right operand, contiguous.</param>
    /// <param name="c">The outputs.</param>
    /// <param name="cStride">Floats between two rows of the outputs.</param>
    /// <param name="rows">Rows of the tile, 1 … <see cref="Rows"/>.</param>
    /// <param name="accumulate">Whether the chains start at c (true) or at zero (false).</param>
    /// <param name="adds">Whether c is added to the chains at their end; they start at zero then.</param>
    public static void Compute(
        in LeftOperand a, float* b, float* c, nint cStride, int rows, bool accumulate, bool adds = false)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            switch ((rows + 1) / 2)
            {
                case 1: TileKernel512.Compute<RowPairs1>(a, b, c, cStride, rows, accumulate, adds); break;
                case 2: TileKernel512.Compute<RowPairs2>(a, b, c, cStride, rows, accumulate, adds); break;
                case 3: TileKernel512.Compute<RowPairs3>(a, b, c, cStride, rows, accumulate, adds); break;
                case 4: TileKernel512.Compute<RowPairs4>(a, b, c, cStride, rows, accumulate, adds); break;
                case 5: TileKernel512.Compute<RowPairs5>(a, b, c, cStride, rows, accumulate, adds); break;
                default: TileKernel512.Compute<RowPairs6>(a, b, c, cStride, rows, accumulate, adds); break;
            }
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Compute256(a, b, c, cStride, rows, accumulate, adds);
        }
        else
        {
            ComputeScalar(a, b, c, cStride, rows, accumulate, adds);
        }
    }

    /// <summary>
    /// The first half of a tile's columns; the second becomes zero. For panels with few samples: half of the products
    /// of a small batch would else be of lanes that nobody uses.
    /// </summary>
    /// <param name="a">The left operand.</param>
    /// <param name="b">As in <see cref="Compute"/>.</param>
    /// <param name="c">The outputs.</param>
    /// <param name="cStride">Floats between two rows of the outputs.</param>
    /// <param name="rows">Rows of the tile, 1 … <see cref="Rows"/>.</param>
    /// <param name="accumulate">Whether the chains start at c (true) or at zero (false).</param>
    public static void ComputeNarrow(
        in LeftOperand a, float* b, float* c, nint cStride, int rows, bool accumulate)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            if (Vector256.IsHardwareAccelerated)
                Compute256(a, b, c, cStride, rows, accumulate, adds: false, NarrowWidth);
            else
                ComputeScalar(a, b, c, cStride, rows, accumulate);
            for (int r = 0; r < rows; r++)
                new Span<float>(c + (r * cStride) + NarrowWidth, NarrowWidth).Clear();
            return;
        }
        switch ((rows + 1) / 2)
        {
            case 1: NarrowKernel512.Compute<RowPairs1>(a, b, c, cStride, rows, accumulate); break;
            case 2: NarrowKernel512.Compute<RowPairs2>(a, b, c, cStride, rows, accumulate); break;
            case 3: NarrowKernel512.Compute<RowPairs3>(a, b, c, cStride, rows, accumulate); break;
            case 4: NarrowKernel512.Compute<RowPairs4>(a, b, c, cStride, rows, accumulate); break;
            case 5: NarrowKernel512.Compute<RowPairs5>(a, b, c, cStride, rows, accumulate); break;
            default: NarrowKernel512.Compute<RowPairs6>(a, b, c, cStride, rows, accumulate); break;
        }
    }

    /// <summary>
    /// As <see cref="Compute"/>, slow and obvious: the reference that the fast kernels are tested against.
    /// </summary>
    public static void ComputeScalar(
        in LeftOperand a, float* b, float* c, nint cStride, int rows, bool accumulate, bool adds = false)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int j = 0; j < Width; j++)
            {
                float sum = accumulate ? c[(r * cStride) + j] : 0f;
                for (int block = 0; block < a.Blocks; block++)
                {
                    float* left = a.First + (r * a.RowStride) + (block * a.BlockStride);
                    float* right = b + ((nint)block * a.Steps * Width) + j;
                    for (int k = 0; k < a.Steps; k++)
                        sum = MathF.FusedMultiplyAdd(left[k * a.StepStride], right[k * Width], sum);
                }
                c[(r * cStride) + j] = adds ? c[(r * cStride) + j] + sum : sum;
            }
        }
    }

    private static void Compute256(
        in LeftOperand a, float* b, float* c, nint cStride, int rows, bool accumulate, bool adds, int columns = Width)
    {
        for (int r = 0; r < rows; r += HalfRows)
        {
            int height = Math.Min(HalfRows, rows - r);
            LeftOperand half = a with { First = a.First + (r * a.RowStride) };
            for (int j = 0; j < columns; j += Width / 2)
            {
                float* right = b + j, to = c + (r * cStride) + j;
                switch ((height + 1) / 2)
                {
                    case 1: TileKernel256.Compute<RowPairs1>(half, right, to, cStride, height, accumulate, adds); break;
                    case 2: TileKernel256.Compute<RowPairs2>(half, right, to, cStride, height, accumulate, adds); break;
                    default:
                        TileKernel256.Compute<RowPairs3>(half, right, to, cStride, height, accumulate, adds);
                        break;
                }
            }
        }
    }
}
