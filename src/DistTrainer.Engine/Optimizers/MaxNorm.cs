using System.Numerics.Tensors;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// The max-norm constraint (Srebro et al. 2005): no unit's incoming weights may be longer than a limit.
/// </summary>
internal static class MaxNorm
{
    /// <summary>Scales every row whose Euclidean norm is above the limit down to it: w = w · (limit / ‖w‖).</summary>
    /// <param name="rowLength">Elements of a row, ≥ 1.</param>
    /// <param name="limit">Largest norm, &gt; 0.</param>
    /// <param name="rows">[number of rows, rowLength], changed in place.</param>
    /// <exception cref="ArgumentException">The length is no multiple of the row's.</exception>
    public static void Apply(int rowLength, float limit, Span<float> rows)
    {
        if (rowLength < 1 || rows.Length % rowLength != 0)
            throw new ArgumentException(
                $"{rows.Length} elements are no whole number of rows of {rowLength}.", nameof(rows));
        for (; !rows.IsEmpty; rows = rows[rowLength..])
        {
            Span<float> row = rows[..rowLength];
            double norm = Math.Sqrt(SquareSum.Of(row));
            if (norm <= limit)
                continue;
            TensorPrimitives.Multiply(row, (float)(limit / norm), row);
        }
    }
}
