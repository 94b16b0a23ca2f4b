using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// The products of a dense layer with weights W [outputs, inputs] that have activations as their result, in panels
/// (<see cref="ActivationPanels"/>), each cut into tiles for <see cref="TileKernel"/>. Blocks only change which memory
/// is hot, never an order of additions. A part of a team computes its own range of output tiles.
/// </summary>
internal static unsafe class DenseKernels
{
    private const int Width = TileKernel.Width;

    /// <summary>
    /// Steps of k that a tile stays on: 12 rows of it fit the first-level cache beside a panel's part.
    /// </summary>
    private const int StepBlock = 384;

    /// <summary>Tiles that are packed together for the gradient with respect to the inputs.</summary>
    private const int PackTiles = 8;

    /// <summary>
    /// With fewer outputs a tile's few rows of W stay cached as they are, and packing them would not pay.
    /// </summary>
    private const int LeastOutputsToPack = 32;

    /// <summary>
    /// y[o, b] = bias[o] + Σ_i W[o, i] · x[i, b], one chain over i in rising order from the bias.
    /// 2 · rows · inputs · outputs FLOPs. y is overwritten and overlaps nothing.
    /// </summary>
    /// <param name="weights">W [outputs, inputs].</param>
    /// <param name="bias">[outputs], or null for zeros.</param>
    /// <param name="x">Panels [panels, inputs, 32].</param>
    /// <param name="y">Panels [panels, outputs, 32].</param>
    /// <param name="inputs">Features in.</param>
    /// <param name="outputs">Features out.</param>
    /// <param name="samples">Samples in the panels.</param>
    /// <param name="part">This part of the team.</param>
    /// <param name="parts">Size of the team.</param>
    /// <param name="begin">
    /// Which tile of the part comes first, as a share of them, 0 ≤ begin &lt; 1; the others follow in a circle.
    /// </param>
    public static void Forward(
        float* weights, float* bias, float* x, float* y, int inputs, int outputs, int samples, int part, int parts,
        double begin = 0)
    {
        (int first, int last) = Tiles(outputs, part, parts);
        int skip = (int)((last - first) * begin);
        (int panels, int narrow) = Panels(samples);
        for (int i = 0; i < inputs; i += StepBlock)
        {
            int steps = Math.Min(StepBlock, inputs - i);
            for (int turn = first + skip; turn < last + skip; turn++)
            {
                int tile = turn < last ? turn : turn - (last - first);
                int o = tile * TileKernel.Rows;
                int rows = Math.Min(TileKernel.Rows, outputs - o);
                var w = new LeftOperand
                {
                    First = weights + ((long)o * inputs) + i,
                    RowStride = inputs,
                    StepStride = 1,
                    Steps = steps,
                };
                for (int p = 0; p < panels; p++)
                {
                    float* c = y + ((((long)p * outputs) + o) * Width);
                    if (i == 0)
                        FillRows(c, bias + (bias is null ? 0 : o), rows);
                    Tile(w, x + ((((long)p * inputs) + i) * Width), c, rows, accumulate: true, p == narrow);
                }
            }
        }
    }

    /// <summary>
    /// dx[i, b] = Σ_o W[o, i] · dy[o, b], one chain over o in rising order from zero. 2 · rows · inputs · outputs
    /// FLOPs. dx is overwritten and overlaps nothing. Shapes as in <see cref="Forward"/>.
    /// </summary>
    [SkipLocalsInit]
    public static void BackwardInput(
        float* weights, float* dy, float* dx, int inputs, int outputs, int samples, int part, int parts)
    {
        (int first, int last) = Tiles(inputs, part, parts);
        (int panels, int narrow) = Panels(samples);
        if (outputs < LeastOutputsToPack)
        {
            BackwardInputFromFew(weights, dy, dx, inputs, outputs, panels, first, last);
            return;
        }
        float* packed = stackalloc float[PackTiles * TileKernel.Rows * StepBlock];
        for (int o = 0; o < outputs; o += StepBlock)
        {
            int steps = Math.Min(StepBlock, outputs - o);
            for (int block = first; block < last; block += PackTiles)
            {
                int tiles = Math.Min(PackTiles, last - block);
                PackColumns(weights + ((long)o * inputs), inputs, block, tiles, steps, packed);
                for (int t = 0; t < tiles; t++)
                {
                    int i = (block + t) * TileKernel.Rows;
                    var w = new LeftOperand
                    {
                        First = packed + (t * TileKernel.Rows * steps),
                        RowStride = 1,
                        StepStride = TileKernel.Rows,
                        Steps = steps,
                    };
                    for (int p = 0; p < panels; p++)
                    {
                        float* b = dy + ((((long)p * outputs) + o) * Width);
                        float* c = dx + ((((long)p * inputs) + i) * Width);
                        Tile(w, b, c, Math.Min(TileKernel.Rows, inputs - i), accumulate: o > 0, p == narrow);
                    }
                }
            }
        }
    }

    /// <summary>
    /// The same with so few outputs that writing dx takes as long as computing it: dx is written front to back.
    /// </summary>
    private static void BackwardInputFromFew(
        float* weights, float* dy, float* dx, int inputs, int outputs, int panels, int first, int last)
    {
        for (int p = 0; p < panels; p++)
        {
            for (int i = first * TileKernel.Rows; i < Math.Min(last * TileKernel.Rows, inputs); i += TileKernel.Rows)
            {
                var w = new LeftOperand { First = weights + i, RowStride = 1, StepStride = inputs, Steps = outputs };
                float* c = dx + ((((long)p * inputs) + i) * Width);
                TileKernel.Compute(
                    w, dy + ((long)p * outputs * Width), c, Width, Math.Min(TileKernel.Rows, inputs - i), false);
            }
        }
    }

    private static void Tile(in LeftOperand w, float* b, float* c, int rows, bool accumulate, bool isNarrow)
    {
        if (isNarrow)
            TileKernel.ComputeNarrow(w, b, c, Width, rows, accumulate);
        else
            TileKernel.Compute(w, b, c, Width, rows, accumulate);
    }

    /// <summary>Number of panels, and which of them is at most half full: the last one, or none (−1).</summary>
    private static (int Panels, int Narrow) Panels(int samples)
    {
        int panels = (samples + Width - 1) / Width, rest = samples % Width;
        return (panels, rest is > 0 and <= TileKernel.NarrowWidth ? panels - 1 : -1);
    }

    /// <summary>
    /// The tiles of 12 rows, of <paramref name="count"/> rows in all, that a part of a team computes.
    /// </summary>
    private static (int First, int Last) Tiles(int count, int part, int parts)
    {
        int tiles = (count + TileKernel.Rows - 1) / TileKernel.Rows;
        return ((int)((long)tiles * part / parts), (int)((long)tiles * (part + 1) / parts));
    }

    private static void FillRows(float* c, float* bias, int rows)
    {
        for (int r = 0; r < rows; r++)
            new Span<float>(c + (r * Width), Width).Fill(bias is null ? 0f : bias[r]);
    }

    /// <summary>
    /// packed[tile][k][r] = W[k, (first + tile) · 12 + r]; rows beyond the last column are left as they are.
    /// </summary>
    private static void PackColumns(float* weights, int inputs, int first, int tiles, int steps, float* packed)
    {
        for (int k = 0; k < steps; k++)
        {
            float* row = weights + ((long)k * inputs);
            for (int t = 0; t < tiles; t++)
            {
                int i = (first + t) * TileKernel.Rows;
                float* to = packed + (((t * steps) + k) * TileKernel.Rows);
                if (i + TileKernel.Rows <= inputs)
                {
                    Vector256.Store(Vector256.Load(row + i), to);
                    Vector128.Store(Vector128.Load(row + i + 8), to + 8);
                }
                else
                {
                    for (int r = 0; i + r < inputs; r++)
                        to[r] = row[i + r];
                }
            }
        }
    }
}
