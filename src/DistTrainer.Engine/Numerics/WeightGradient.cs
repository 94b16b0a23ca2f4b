using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// The gradient of a dense layer's weights W [outputs, inputs]:
/// dW[o, i] = Σ over data shards, in the fixed tree, of Σ over the data shard's rows b in rising order, one chain from
/// zero, of dy[o, b] · x[i, b]. The tree is walked within a tile, so a larger number of data shards costs additions but
/// no traffic. A part of a team computes its own range of inputs.
/// </summary>
internal static unsafe class WeightGradient
{
    private const int Width = TileKernel.Width;

    /// <summary>Panels of 32 inputs that are transposed together and stay in the second-level cache.</summary>
    private const int InputBlock = 8;

    /// <summary>
    /// Bytes from which a gradient is written past the caches: nobody reads it before it would have left them, and
    /// reading the memory first only to overwrite it is saved (model c, 2 workers: 3 % of a step).
    /// </summary>
    private const long StreamBytes = 4 << 20;

    /// <summary>
    /// Floats of 4 KiB, after which addresses look alike to a core that matches loads with earlier stores.
    /// </summary>
    private const int AliasPeriod = 1024;

    /// <summary>
    /// Rows a data shard up to which the tree is walked in registers (<see cref="TreeKernel512"/>); with more a larger
    /// tile and sums in memory are faster.
    /// </summary>
    private const int MostRowsToWalk = 32;

    /// <summary>Floats of a cache line; a vector that lies in two takes two loads.</summary>
    private const int Line = 16;

    /// <summary>Floats of scratch space that <see cref="Compute"/> needs.</summary>
    /// <param name="inputs">Features in.</param>
    /// <param name="rows">Samples.</param>
    public static int ScratchLength(int inputs, int rows) =>
        checked(ActivationPanels.LengthFor((inputs + Width - 1) / Width * Width, rows) + AliasPeriod);

    /// <summary>Computes dW; 2 · rows · inputs · outputs FLOPs. dW is overwritten and overlaps nothing.</summary>
    /// <param name="dy">Panels [panels, outputs, 32].</param>
    /// <param name="x">Panels [panels, inputs, 32].</param>
    /// <param name="scratch">Space of <see cref="ScratchLength"/>; x is transposed there, block by block.</param>
    /// <param name="gradient">dW [outputs, inputs].</param>
    /// <param name="inputs">Features in.</param>
    /// <param name="outputs">Features out.</param>
    /// <param name="bounds">First rows of the data shards of one complete subtree, and the end of the last.</param>
    /// <param name="part">This part of the team.</param>
    /// <param name="parts">Size of the team.</param>
    [SkipLocalsInit]
    public static void Compute(
        float* dy, float* x, float* scratch, float* gradient, int inputs, int outputs, ReadOnlySpan<int> bounds,
        int part, int parts)
    {
        int levels = BitOperations.Log2((uint)(bounds.Length - 1)) + 2;
        float* space = stackalloc float[(levels * TileKernel.Size) + Line];
        var stack = (float*)(((nint)space + (Line * sizeof(float)) - 1) & ~((nint)(Line * sizeof(float)) - 1));
        int inputPanels = (inputs + Width - 1) / Width;
        // A block of 32 × 32 floats then lies at the same place of its 4 KiB as the block it comes from, and the loads
        // of one hardly ever look like the stores of the other: transposing took up to 1.7 times as long elsewhere.
        scratch += (x - scratch) & (AliasPeriod - 1);
        int begin = (int)((long)inputPanels * part / parts), last = (int)((long)inputPanels * (part + 1) / parts);
        int firstPanel = bounds[0] / Width, panels = ((bounds[^1] + Width - 1) / Width) - firstPanel;
        int inputBlock = outputs <= TileKernel.Rows ? 1 : InputBlock;
        bool streams = Streams(gradient, inputs, outputs), walks = Walks(bounds);
        for (int block = begin; block < last; block += inputBlock)
        {
            int blockEnd = Math.Min(block + inputBlock, last);
            for (int j = block; j < blockEnd; j++)
                Transpose(
                    x, scratch + ((long)(begin + j - block) * panels * Width * Width), inputs, j, firstPanel, panels);
            for (int o = 0; o < outputs; o += TileKernel.Rows)
            {
                int height = Math.Min(TileKernel.Rows, outputs - o);
                for (int j = block; j < blockEnd; j++)
                {
                    // Rows before the first panel of the bounds are not there, and not read.
                    float* b = scratch + ((((long)(begin + j - block) * panels) - firstPanel) * Width * Width);
                    float* c = gradient + ((long)o * inputs) + (j * Width);
                    int width = Math.Min(Width, inputs - (j * Width));
                    if (!streams)
                        Prefetch(c + Width, inputs, height);
                    if (width == Width && bounds.Length == 2 && !streams)
                    {
                        Chain(dy + ((long)o * Width), outputs, height, b, bounds[0], bounds[1], c, inputs);
                        continue;
                    }
                    if (walks && width == Width)
                    {
                        Walk(dy + ((long)o * Width), outputs, height, b, bounds, stack, c, inputs, streams);
                        continue;
                    }
                    if (walks)
                        Walk(dy + ((long)o * Width), outputs, height, b, bounds, stack + TileKernel.Size, stack, Width);
                    else
                        SumTree(dy + ((long)o * Width), outputs, height, b, bounds, stack);
                    if (streams && width == Width)
                        Stream(stack, c, inputs, height);
                    else
                        Copy(stack, c, inputs, height, width);
                }
            }
        }
    }

    /// <summary>
    /// Transposes 32 inputs: result[b][i] = x[b, input · 32 + i] for the rows b of some panels, inputs beyond the last
    /// as zeros.
    /// </summary>
    /// <param name="x">Panels [any number, inputs, 32].</param>
    /// <param name="result">[panels · 32, 32].</param>
    /// <param name="inputs">Features of x.</param>
    /// <param name="inputPanel">Which 32 inputs.</param>
    /// <param name="firstPanel">The first panel of x.</param>
    /// <param name="panels">Number of panels.</param>
    public static void Transpose(float* x, float* result, int inputs, int inputPanel, int firstPanel, int panels)
    {
        int first = inputPanel * Width;
        for (int p = 0; p < panels; p++)
        {
            float* from = x + ((((long)(firstPanel + p) * inputs) + first) * Width);
            PanelTranspose.Run(from, Width, Math.Min(Width, inputs - first), result + ((long)p * Width * Width), Width);
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

    /// <summary>Whether the gradient is written past the caches, whole lines at a time.</summary>
    private static bool Streams(float* gradient, int inputs, int outputs) =>
        Vector512.IsHardwareAccelerated && (long)inputs * outputs * sizeof(float) >= StreamBytes && inputs % 16 == 0
            && ((nint)gradient & 63) == 0;

    /// <summary>Whether data shards are many and small, so that sums cost as much as products.</summary>
    private static bool Walks(ReadOnlySpan<int> bounds) =>
        Vector512.IsHardwareAccelerated && bounds.Length > 2
            && bounds[^1] - bounds[0] <= MostRowsToWalk * (bounds.Length - 1);

    /// <summary>A tile of many small data shards; the stack does not hold c.</summary>
    private static void Walk(
        float* a, int outputs, int height, float* b, ReadOnlySpan<int> bounds, float* stack, float* c, nint stride,
        bool streams = false)
    {
        for (int r = 0; r < height; r += TreeKernel512.Rows)
        {
            TreeKernel512.Compute(
                a + (r * Width), (nint)outputs * Width, b, bounds, stack, c + (r * stride), stride,
                Math.Min(TreeKernel512.Rows, height - r), streams);
        }
    }

    private static void Copy(float* tile, float* c, nint stride, int height, int width)
    {
        for (int r = 0; r < height; r++)
            new Span<float>(tile + (r * Width), width).CopyTo(new Span<float>(c + (r * stride), width));
    }

    private static void Stream(float* tile, float* c, nint stride, int height)
    {
        for (int r = 0; r < height; r++)
        {
            Vector512.StoreAlignedNonTemporal(Vector512.Load(tile + (r * Width)), c + (r * stride));
            Vector512.StoreAlignedNonTemporal(Vector512.Load(tile + (r * Width) + 16), c + (r * stride) + 16);
        }
    }

    /// <summary>
    /// Walks the complete subtree over the data shards with a binary counter; the sum ends in the first tile of the
    /// stack.
    /// </summary>
    private static void SumTree(float* a, int outputs, int height, float* b, ReadOnlySpan<int> bounds, float* stack)
    {
        int depth = 0;
        for (int shard = 0; shard + 1 < bounds.Length; shard++)
        {
            (int start, int end) = (bounds[shard], bounds[shard + 1]);
            int carry = shard;
            if ((shard & 1) == 1 && IsOneTile(start, end))
            {
                Chain(a, outputs, height, b, start, end, stack + ((depth - 1) * TileKernel.Size), Width, adds: true);
                (carry, depth) = (carry >> 1, depth - 1);
            }
            else
                Chain(a, outputs, height, b, start, end, stack + (depth * TileKernel.Size), Width);
            for (; (carry & 1) == 1; carry >>= 1, depth--)
                Add(stack + ((depth - 1) * TileKernel.Size), stack + (depth * TileKernel.Size), height * Width);
            depth++;
        }
    }

    /// <summary>
    /// Whether rows are one call of the kernel, which can then add the sum to the one before it while it is in
    /// registers: rows of one panel, or whole panels.
    /// </summary>
    private static bool IsOneTile(int start, int end) =>
        end > start && ((start % Width == 0 && end % Width == 0) || start / Width == (end - 1) / Width);

    /// <summary>One data shard's sum for one tile: rows start … end − 1 in order, whole panels at once.</summary>
    private static void Chain(
        float* a, int outputs, int height, float* b, int start, int end, float* c, nint cStride, bool adds = false)
    {
        bool accumulate = false;
        int row = start;
        do
        {
            int panel = row / Width;
            int steps = Math.Min(end, (panel + 1) * Width) - row;
            var left = new LeftOperand
            {
                First = a + ((long)panel * outputs * Width) + (row % Width),
                RowStride = Width,
                StepStride = 1,
                Steps = steps,
                Blocks = steps == Width ? (end - row) / Width : 1,
                BlockStride = (nint)outputs * Width,
            };
            TileKernel.Compute(left, b + ((long)row * Width), c, cStride, height, accumulate, adds);
            accumulate = true;
            row += left.Blocks * steps;
        }
        while (row < end);
    }

    private static void Add(float* left, float* right, int count)
    {
        int i = 0;
        for (; Vector512.IsHardwareAccelerated && i < count; i += 16) // a whole number of rows of 32
            Vector512.Store(Vector512.Load(left + i) + Vector512.Load(right + i), left + i);
        for (; i < count; i += 8)
            Vector256.Store(Vector256.Load(left + i) + Vector256.Load(right + i), left + i);
    }
}
