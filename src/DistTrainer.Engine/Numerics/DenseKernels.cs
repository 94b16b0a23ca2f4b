using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DistTrainer.Engine;

/// <summary>
/// The three matrix products of a dense layer with weights W [outputs, inputs], over activations in panels
/// (<see cref="ActivationPanels"/>), each cut into tiles for <see cref="TileKernel"/>. Blocks only change which memory is
/// hot, never an order of additions. A part of a team computes its own range of output tiles.
/// </summary>
internal static unsafe class DenseKernels
{
    private const int Width = TileKernel.Width;

    /// <summary>Steps of k that a tile stays on: 12 rows of it fit the first-level cache beside a panel's part.</summary>
    private const int StepBlock = 384;

    /// <summary>Tiles that are packed together for the gradient with respect to the inputs.</summary>
    private const int PackTiles = 8;

    /// <summary>Panels of 32 inputs that stay in the second-level cache for the gradient with respect to the weights.</summary>
    private const int InputBlock = 8;

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
    /// <param name="panels">Number of panels.</param>
    /// <param name="part">This part of the team.</param>
    /// <param name="parts">Size of the team.</param>
    [SkipLocalsInit]
    public static void Forward(
        float* weights, float* bias, float* x, float* y, int inputs, int outputs, int panels, int part, int parts)
    {
        float* edge = stackalloc float[TileKernel.Size];
        float* packed = stackalloc float[TileKernel.Rows * StepBlock];
        (int first, int last) = Tiles(outputs, part, parts);
        for (int i = 0; i < inputs; i += StepBlock)
        {
            int steps = Math.Min(StepBlock, inputs - i);
            for (int tile = first; tile < last; tile++)
            {
                int o = tile * TileKernel.Rows;
                int rows = Math.Min(TileKernel.Rows, outputs - o);
                float* w = weights + ((long)o * inputs) + i;
                if (rows < TileKernel.Rows)
                    PackRows(w, inputs, rows, steps, packed);
                for (int p = 0; p < panels; p++)
                {
                    float* b = x + ((((long)p * inputs) + i) * Width);
                    float* c = y + ((((long)p * outputs) + o) * Width);
                    if (i == 0)
                        FillRows(c, bias + (bias is null ? 0 : o), rows);
                    if (rows == TileKernel.Rows)
                        TileKernel.Compute(w, inputs, 1, b, c, Width, steps, true);
                    else
                        Edge(packed, b, c, Width, rows, Width, steps, true, edge);
                }
            }
        }
    }

    /// <summary>
    /// dx[i, b] = Σ_o W[o, i] · dy[o, b], one chain over o in rising order from zero. 2 · rows · inputs · outputs FLOPs.
    /// dx is overwritten and overlaps nothing. Shapes as in <see cref="Forward"/>.
    /// </summary>
    [SkipLocalsInit]
    public static void BackwardInput(
        float* weights, float* dy, float* dx, int inputs, int outputs, int panels, int part, int parts)
    {
        float* edge = stackalloc float[TileKernel.Size];
        float* packed = stackalloc float[PackTiles * TileKernel.Rows * StepBlock];
        (int first, int last) = Tiles(inputs, part, parts);
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
                    int rows = Math.Min(TileKernel.Rows, inputs - i);
                    float* a = packed + (t * TileKernel.Rows * steps);
                    for (int p = 0; p < panels; p++)
                    {
                        float* b = dy + ((((long)p * outputs) + o) * Width);
                        float* c = dx + ((((long)p * inputs) + i) * Width);
                        if (rows == TileKernel.Rows)
                            TileKernel.Compute(a, 1, TileKernel.Rows, b, c, Width, steps, o > 0);
                        else
                            Edge(a, b, c, Width, rows, Width, steps, o > 0, edge);
                    }
                }
            }
        }
    }

    /// <summary>
    /// dW[o, i] = Σ over data shards, in the fixed tree, of Σ over the data shard's rows b in rising order, one chain from
    /// zero, of dy[o, b] · x[i, b]. The tree is walked within a tile, so a larger number of data shards costs
    /// additions but no traffic. 2 · rows · inputs · outputs FLOPs. dW is overwritten.
    /// </summary>
    /// <param name="dy">Panels [panels, outputs, 32].</param>
    /// <param name="transposed">x transposed by <see cref="Transpose"/>: [⌈inputs/32⌉, panels · 32, 32].</param>
    /// <param name="gradient">dW [outputs, inputs].</param>
    /// <param name="inputs">Features in.</param>
    /// <param name="outputs">Features out.</param>
    /// <param name="panels">Number of panels.</param>
    /// <param name="bounds">First rows of the data shards of one complete subtree, and the end of the last.</param>
    /// <param name="part">This part of the team.</param>
    /// <param name="parts">Size of the team.</param>
    [SkipLocalsInit]
    public static void BackwardWeights(
        float* dy, float* transposed, float* gradient, int inputs, int outputs, int panels, ReadOnlySpan<int> bounds,
        int part, int parts)
    {
        int levels = BitOperations.Log2((uint)(bounds.Length - 1)) + 2;
        float* stack = stackalloc float[levels * TileKernel.Size];
        (int first, int last) = Tiles(outputs, part, parts);
        int inputPanels = (inputs + Width - 1) / Width;
        int rows = panels * Width;
        for (int block = 0; block < inputPanels; block += InputBlock)
        {
            int blockEnd = Math.Min(block + InputBlock, inputPanels);
            for (int tile = first; tile < last; tile++)
            {
                int o = tile * TileKernel.Rows;
                int height = Math.Min(TileKernel.Rows, outputs - o);
                for (int j = block; j < blockEnd; j++)
                {
                    float* b = transposed + ((long)j * rows * Width);
                    float* c = gradient + ((long)o * inputs) + (j * Width);
                    int width = Math.Min(Width, inputs - (j * Width));
                    bool whole = height == TileKernel.Rows && width == Width;
                    Prefetch(c + Width, inputs, height);
                    if (whole && bounds.Length == 2)
                    {
                        Chain(dy + ((long)o * Width), outputs, height, b, bounds[0], bounds[1], c, inputs);
                        continue;
                    }
                    SumTree(dy + ((long)o * Width), outputs, height, b, bounds, stack);
                    CopyOut(stack, c, inputs, height, width);
                }
            }
        }
    }

    /// <summary>
    /// Asks for the memory of the next tile: the parameter server has read it on another core, so it comes from afar.
    /// Beyond the end of a row it is the next rows' memory or nobody's; a prefetch never faults.
    /// </summary>
    private static void Prefetch(float* c, int stride, int rows)
    {
        if (!Sse.IsSupported)
            return;
        for (int r = 0; r < rows; r++)
        {
            Sse.Prefetch0(c + ((long)r * stride));
            Sse.Prefetch0(c + ((long)r * stride) + 16);
        }
    }

    /// <summary>Walks the complete subtree over the data shards with a binary counter; the sum ends in the first tile of the stack.</summary>
    private static void SumTree(float* a, int outputs, int height, float* b, ReadOnlySpan<int> bounds, float* stack)
    {
        int depth = 0;
        for (int shard = 0; shard + 1 < bounds.Length; shard++)
        {
            Chain(a, outputs, height, b, bounds[shard], bounds[shard + 1], stack + (depth * TileKernel.Size), Width);
            for (int carry = shard; (carry & 1) == 1; carry >>= 1, depth--)
                Add(stack + ((depth - 1) * TileKernel.Size), stack + (depth * TileKernel.Size));
            depth++;
        }
    }

    /// <summary>One data shard's sum for one tile: rows start … end − 1 in order, panel by panel.</summary>
    [SkipLocalsInit]
    private static void Chain(float* a, int outputs, int height, float* b, int start, int end, float* c, nint cStride)
    {
        float* packed = stackalloc float[TileKernel.Rows * Width];
        bool accumulate = false;
        int row = start;
        do
        {
            int panel = row / Width;
            int steps = Math.Min(end, (panel + 1) * Width) - row;
            float* left = a + ((long)panel * outputs * Width) + (row % Width);
            if (height == TileKernel.Rows)
            {
                TileKernel.Compute(left, Width, 1, b + ((long)row * Width), c, cStride, steps, accumulate);
            }
            else
            {
                PackRows(left, Width, height, steps, packed);
                TileKernel.Compute(packed, 1, TileKernel.Rows, b + ((long)row * Width), c, cStride, steps, accumulate);
            }
            accumulate = true;
            row += steps;
        }
        while (row < end);
    }

    /// <summary>
    /// Transposes panels: result[i / 32][b][i % 32] = x[b / 32][i][b % 32], inputs beyond the last one as zeros.
    /// </summary>
    public static void Transpose(float* x, float* result, int inputs, int panels, int part, int parts)
    {
        int inputPanels = (inputs + Width - 1) / Width;
        int first = (int)((long)inputPanels * part / parts);
        int last = (int)((long)inputPanels * (part + 1) / parts);
        for (int j = first; j < last; j++)
        {
            int features = Math.Min(Width, inputs - (j * Width));
            for (int p = 0; p < panels; p++)
            {
                float* from = x + ((((long)p * inputs) + (j * Width)) * Width);
                float* to = result + ((((long)j * panels) + p) * Width * Width);
                PanelTranspose.Run(from, Width, features, to, Width);
            }
        }
    }

    private static (int First, int Last) Tiles(int count, int part, int parts)
    {
        int tiles = (count + TileKernel.Rows - 1) / TileKernel.Rows;
        return ((int)((long)tiles * part / parts), (int)((long)tiles * (part + 1) / parts));
    }

    /// <summary>A tile with fewer rows or columns: computed whole beside its place, then copied.</summary>
    private static void Edge(
        float* packed, float* b, float* c, int cStride, int rows, int width, int steps, bool accumulate, float* edge)
    {
        if (accumulate)
        {
            new Span<float>(edge, TileKernel.Size).Clear();
            for (int r = 0; r < rows; r++)
                new Span<float>(c + (r * cStride), width).CopyTo(new Span<float>(edge + (r * Width), width));
        }
        TileKernel.Compute(packed, 1, TileKernel.Rows, b, edge, Width, steps, accumulate);
        CopyOut(edge, c, cStride, rows, width);
    }

    private static void CopyOut(float* tile, float* c, int cStride, int rows, int width)
    {
        for (int r = 0; r < rows; r++)
            new Span<float>(tile + (r * Width), width).CopyTo(new Span<float>(c + ((long)r * cStride), width));
    }

    private static void Add(float* left, float* right)
    {
        for (int i = 0; i < TileKernel.Size; i += 8)
            Vector256.Store(Vector256.Load(left + i) + Vector256.Load(right + i), left + i);
    }

    private static void FillRows(float* c, float* bias, int rows)
    {
        for (int r = 0; r < rows; r++)
            new Span<float>(c + (r * Width), Width).Fill(bias is null ? 0f : bias[r]);
    }

    /// <summary>packed[k][r] = a[r · stride + k], rows beyond the last one as zeros.</summary>
    private static void PackRows(float* a, nint stride, int rows, int steps, float* packed)
    {
        for (int k = 0; k < steps; k++)
        {
            for (int r = 0; r < TileKernel.Rows; r++)
                packed[(k * TileKernel.Rows) + r] = r < rows ? a[(r * stride) + k] : 0f;
        }
    }

    /// <summary>packed[tile][k][r] = W[k, (first + tile) · 12 + r], columns beyond the last one as zeros.</summary>
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
                    for (int r = 0; r < TileKernel.Rows; r++)
                        to[r] = i + r < inputs ? row[i + r] : 0f;
                }
            }
        }
    }
}
