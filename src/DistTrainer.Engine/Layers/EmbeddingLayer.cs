using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Layers;

/// <summary>
/// Stands first in a network over encoded table rows: plain features, then for each embedded column the number of a
/// category. Gives the plain features as they are, then for each column the category's row of the column's table
/// [cardinality, width] (PyTorch's <c>Embedding</c>). A category's gradient is the sum over the samples that have it:
/// each data shard's in order, the data shards' sums in the fixed tree, in which a data shard without one is left out
/// (it would add 0). The tables start random-normal with deviation 0.3, between fastai's 0.01 and PyTorch's 1: the
/// recipe for tables was measured with it (docs/recipe.md).
/// </summary>
internal sealed class EmbeddingLayer : ILayer, IOnnxLayer
{
    private const int Lanes = ActivationPanels.Width;
    private const int MaximumDepth = 32;
    private const int MostCategories = 1 << 24;
    private const long OnnxInt64 = 7;
    private readonly EmbeddedColumn[] _columns;
    private readonly int _plain;
    private readonly int _mostCategories;
    private readonly int _widest;

    /// <summary>Describes the layer.</summary>
    /// <param name="plain">Plain features, which come first; ≥ 0.</param>
    /// <param name="columns">The embedded columns, in the order of the features behind; at least one.</param>
    /// <param name="initializer">First values of the tables; null: random-normal with deviation 0.3. A category's
    /// vector has one input and as many outputs as it is long.</param>
    /// <exception cref="ArgumentException">There is no column, one is out of its range, or two have one
    /// name.</exception>
    public EmbeddingLayer(int plain, IReadOnlyList<EmbeddedColumn> columns, InitializerDescription? initializer = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plain);
        ArgumentOutOfRangeException.ThrowIfZero(columns.Count);
        foreach (EmbeddedColumn column in columns)
        {
            ArgumentException.ThrowIfNullOrEmpty(column.Name);
            ArgumentOutOfRangeException.ThrowIfLessThan(column.Cardinality, 2);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(column.Cardinality, MostCategories);
            ArgumentOutOfRangeException.ThrowIfLessThan(column.Width, 1);
        }
        if (columns.CountBy(column => column.Name).FirstOrDefault(count => count.Value > 1) is { Key: { } twice })
            throw new ArgumentException($"Two embedded columns have the name {twice}.", nameof(columns));
        (_plain, _columns) = (plain, [.. columns]);
        _mostCategories = columns.Max(column => column.Cardinality);
        _widest = Padded(columns.Max(column => column.Width));
        (Inputs, Outputs) = (checked(plain + columns.Count), checked(plain + columns.Sum(column => column.Width)));
        initializer ??= new InitializerDescription(NormalInitializer.Random.Name, 0.3f);
        Parameters = [.. columns.Select(column => new ParameterRequest(
            $"{column.Name}.weight", ParameterKind.Weight, [column.Cardinality, column.Width], 1, column.Width,
            initializer))];
    }

    /// <inheritdoc/>
    public string Name => "embedding";

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Outputs { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ParameterRequest> Parameters { get; }

    /// <inheritdoc/>
    public int ScratchLength(int rows) =>
        checked((rows * (_widest + 2)) + (MaximumDepth * _widest) + _mostCategories);

    /// <inheritdoc/>
    /// <exception cref="DistTrainerException">A column holds something else than a whole number in its range
    /// (<see cref="FailureKind.Data"/>).</exception>
    public void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output)
    {
        for (int panel = 0; panel < input.PanelCount; panel++)
        {
            ReadOnlySpan<float> from = input.Panel(panel);
            Span<float> to = output.Panel(panel);
            from[..(_plain * Lanes)].CopyTo(to);
            to = to[(_plain * Lanes)..];
            int first = panel * Lanes, rows = Math.Min(Lanes, input.Rows - first), offset = 0;
            for (int c = 0; c < _columns.Length; c++)
            {
                EmbeddedColumn column = _columns[c];
                int length = column.Cardinality * column.Width;
                Gather(
                    column, from.Slice((_plain + c) * Lanes, rows), first, parameters.Slice(offset, length),
                    to[..(column.Width * Lanes)]);
                to = to[(column.Width * Lanes)..];
                offset += length;
            }
        }
    }

    /// <summary>The plain features' gradient as it is; that of a category's number is 0.</summary>
    /// <inheritdoc/>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient)
    {
        for (int panel = 0; panel < input.PanelCount; panel++)
        {
            Span<float> to = inputGradient.Panel(panel);
            outputGradient.Panel(panel)[..(_plain * Lanes)].CopyTo(to);
            to[(_plain * Lanes)..].Clear();
        }
    }

    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient)
    {
        gradient.Clear();
        int rows = input.Rows;
        Span<float> rowsOfColumn = context.Scratch[..(rows * _widest)];
        Span<float> sums = context.Scratch.Slice(rowsOfColumn.Length, MaximumDepth * _widest);
        Span<int> numbers = MemoryMarshal.Cast<float, int>(context.Scratch[(rowsOfColumn.Length + sums.Length)..]);
        Span<int> shards = numbers[..rows], next = numbers.Slice(rows, rows);
        Span<int> firsts = numbers.Slice(2 * rows, _mostCategories), levels = stackalloc int[MaximumDepth];
        for (int shard = 0; shard + 1 < dataShardBounds.Length; shard++)
            shards[dataShardBounds[shard]..dataShardBounds[shard + 1]].Fill(shard);
        int feature = _plain, offset = 0;
        for (int c = 0; c < _columns.Length; c++)
        {
            EmbeddedColumn column = _columns[c];
            int start = dataShardBounds[0], end = dataShardBounds[^1], padded = Padded(column.Width);
            Gather(outputGradient, feature, column.Width, start, end, rowsOfColumn);
            // The rows of each category as a list in rising order.
            firsts[..column.Cardinality].Fill(-1);
            for (int row = end - 1; row >= start; row--)
            {
                int category = (int)input[row, _plain + c];
                (next[row], firsts[category]) = (firsts[category], row);
            }
            for (int row = start; row < end; row++)
            {
                int category = (int)input[row, _plain + c];
                if (firsts[category] != row)
                    continue;
                Sum(rowsOfColumn, padded, row, next, shards, sums, levels);
                sums[..column.Width].CopyTo(gradient[(offset + (category * column.Width))..]);
            }
            (feature, offset) = (feature + column.Width, offset + (column.Cardinality * column.Width));
        }
        return Magnitude.SumsStayFinite(outputGradient);
    }

    /// <summary>The plain features, and for each column the rows of its table, side by side.</summary>
    /// <inheritdoc/>
    public void WriteOnnx(IOnnxGraph graph, IReadOnlyList<string> parameters)
    {
        string features = graph.Last;
        List<string> parts = [];
        if (_plain > 0)
            parts.Add(graph.Add("Slice", features, graph.Wholes(0), graph.Wholes(_plain), graph.Wholes(1)).Output);
        for (int c = 0; c < _columns.Length; c++)
        {
            string numbers = graph.Add("Gather", features, graph.Whole(_plain + c)).With("axis", 1L).Output;
            string whole = graph.Add("Cast", numbers).With("to", OnnxInt64).Output;
            parts.Add(graph.Add("Gather", parameters[c], whole).With("axis", 0L).Output);
        }
        graph.Last = graph.Add("Concat", [.. parts]).With("axis", 1L).Output;
    }

    /// <summary>to[j, lane] = table[categories[lane], j], and 0 in the lanes without a row.</summary>
    private static void Gather(
        EmbeddedColumn column, ReadOnlySpan<float> categories, int firstRow, ReadOnlySpan<float> table, Span<float> to)
    {
        if (categories.Length < Lanes)
            to.Clear();
        for (int lane = 0; lane < categories.Length; lane++)
        {
            float category = categories[lane];
            if (!(category >= 0 && category < column.Cardinality && category == MathF.Truncate(category)))
                throw new DistTrainerException(FailureKind.Data, string.Create(CultureInfo.InvariantCulture,
                    $"Row {firstRow + lane} of the batch has {category} in the embedded column {column.Name}; its "
                        + $"table of {column.Cardinality} rows takes whole numbers from 0 to "
                        + $"{column.Cardinality - 1}. Correct the column, or give its table more rows."));
            ReadOnlySpan<float> vector = table.Slice((int)category * column.Width, column.Width);
            for (int j = 0; j < vector.Length; j++)
                to[(j * Lanes) + lane] = vector[j];
        }
    }

    /// <summary>The gradient of one column, row-major, each row as long as whole vectors.</summary>
    private static void Gather(ActivationPanels from, int feature, int width, int start, int end, Span<float> rows)
    {
        int padded = Padded(width);
        rows = rows[..(end * padded)];
        if (padded > width)
            rows[(start * padded)..].Clear();
        for (int row = start; row < end; row++)
        {
            ReadOnlySpan<float> gradient = from.Panel(row / Lanes)[((feature * Lanes) + (row % Lanes))..];
            Span<float> to = rows.Slice(row * padded, width);
            for (int j = 0; j < to.Length; j++)
                to[j] = gradient[j * Lanes];
        }
    }

    /// <summary>
    /// Sums the gradient of one category into the first of <paramref name="sums"/>. The sums of the data shards that
    /// have it wait in a stack; two neighbours are joined in the smallest subtree that holds both, so the level of that
    /// subtree falls from entry to entry.
    /// </summary>
    private static void Sum(
        ReadOnlySpan<float> rows, int width, int row, ReadOnlySpan<int> next, ReadOnlySpan<int> shards,
        Span<float> sums, Span<int> levels)
    {
        int depth = 0;
        for (int shard = -1; row >= 0; row = next[row])
        {
            if (shards[row] != shard)
            {
                int level = depth == 0 ? 0 : BitOperations.Log2((uint)(shards[row] ^ shard));
                while (depth > 1 && levels[depth - 1] < level)
                    Join(sums, --depth, width);
                levels[depth] = level;
                sums.Slice(depth++ * width, width).Clear();
                shard = shards[row];
            }
            Add(rows.Slice(row * width, width), sums.Slice((depth - 1) * width, width));
        }
        while (depth > 1)
            Join(sums, --depth, width);
    }

    /// <summary>Adds an entry of the stack to the one below it.</summary>
    private static void Join(Span<float> sums, int entry, int width) =>
        Add(sums.Slice(entry * width, width), sums.Slice((entry - 1) * width, width));

    /// <summary>to = to + from; both whole vectors, and equally long.</summary>
    private static void Add(ReadOnlySpan<float> from, Span<float> to)
    {
        ref float x = ref MemoryMarshal.GetReference(from);
        ref float y = ref MemoryMarshal.GetReference(to);
        for (nuint i = 0; i < (nuint)to.Length; i += (nuint)Vector256<float>.Count)
            (Vector256.LoadUnsafe(ref y, i) + Vector256.LoadUnsafe(ref x, i)).StoreUnsafe(ref y, i);
    }

    private static int Padded(int width) => (width + Vector256<float>.Count - 1) & -Vector256<float>.Count;
}
