using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Initializers;

/// <summary>
/// Saxe, McClelland, Ganguli 2014: the factor Q of a random normal matrix A = Q R with R's diagonal positive, which
/// makes Q uniform over the orthogonal matrices, as PyTorch has it. The tensor [rows, …] is taken as a matrix [rows,
/// columns]; the shorter of both kinds of lines, rows or columns, becomes orthonormal. Modified Gram–Schmidt in double,
/// each line twice ("twice is enough", Giraud et al. 2005), blocked so that a finished line is read once a block. About
/// 4 · longer · shorter² floating-point operations.
/// </summary>
internal static class OrthogonalInitializer
{
    private const int BlockLines = 16;

    /// <summary>Rows or columns of a random orthogonal matrix, times scale.</summary>
    public static InitializerPart Part { get; } = Initializer.Scaled(
        "orthogonal", 1, (tensor, scale, to) => Fill(tensor.Seed, tensor.Stream, scale, tensor.Shape, to));

    /// <summary>destination = scale · Q; see <see cref="Initializer.Fill"/>.</summary>
    private static void Fill(ulong seed, ulong stream, float scale, IReadOnlyList<int> shape, Span<float> destination)
    {
        if (shape.Count < 2)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"The initializer orthogonal was chosen for a tensor of shape [{string.Join(", ", shape)}]; it takes "
                + "tensors of two or more dimensions. Choose another one for biases, e.g. zeros.");
        if (destination.IsEmpty)
            return;
        int rows = shape[0];
        int columns = destination.Length / rows;
        bool wide = rows < columns;
        int count = Math.Min(rows, columns);
        int length = Math.Max(rows, columns);
        double[][] lines = new double[count][];
        for (int i = 0; i < count; i++)
        {
            lines[i] = new double[length];
            for (int j = 0; j < length; j++)
                lines[i][j] = CounterRandom.Normal(
                    seed, RandomPurpose.Initialization, stream,
                    (ulong)(wide ? ((long)i * columns) + j : ((long)j * columns) + i));
        }
        Orthonormalize(lines);
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < length; j++)
                destination[wide ? (i * columns) + j : (j * columns) + i] = (float)(scale * lines[i][j]);
        }
    }

    private static void Orthonormalize(double[][] lines)
    {
        for (int start = 0; start < lines.Length; start += BlockLines)
        {
            int end = Math.Min(lines.Length, start + BlockLines);
            for (int pass = 0; pass < 2; pass++)
            {
                for (int done = 0; done < start; done++)
                {
                    for (int i = start; i < end; i++)
                        Subtract(lines[done], lines[i]);
                }
            }
            for (int i = start; i < end; i++)
            {
                for (int pass = 0; pass < 2; pass++)
                {
                    for (int done = start; done < i; done++)
                        Subtract(lines[done], lines[i]);
                }
                double inverse = 1 / Math.Sqrt(Dot(lines[i], lines[i]));
                foreach (ref double value in lines[i].AsSpan())
                    value *= inverse;
            }
        }
    }

    /// <summary>line −= (unit · line) unit.</summary>
    private static void Subtract(double[] unit, double[] line)
    {
        double projection = -Dot(unit, line);
        Vector256<double> factor = Vector256.Create(projection);
        ref double u = ref MemoryMarshal.GetArrayDataReference(unit);
        ref double v = ref MemoryMarshal.GetArrayDataReference(line);
        int i = 0;
        for (; i <= line.Length - Vector256<double>.Count; i += Vector256<double>.Count)
            Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref u, (nuint)i), factor,
                Vector256.LoadUnsafe(ref v, (nuint)i)).StoreUnsafe(ref v, (nuint)i);
        for (; i < line.Length; i++)
            line[i] = Math.FusedMultiplyAdd(unit[i], projection, line[i]);
    }

    /// <summary>Σ aᵢ bᵢ in eight fixed lanes, folded in a fixed order, then the tail.</summary>
    private static double Dot(double[] a, double[] b)
    {
        ref double x = ref MemoryMarshal.GetArrayDataReference(a);
        ref double y = ref MemoryMarshal.GetArrayDataReference(b);
        Vector256<double> even = Vector256<double>.Zero;
        Vector256<double> odd = Vector256<double>.Zero;
        int i = 0;
        for (; i <= a.Length - 8; i += 8)
        {
            even = Vector256.FusedMultiplyAdd(
                Vector256.LoadUnsafe(ref x, (nuint)i), Vector256.LoadUnsafe(ref y, (nuint)i), even);
            odd = Vector256.FusedMultiplyAdd(
                Vector256.LoadUnsafe(ref x, (nuint)(i + 4)), Vector256.LoadUnsafe(ref y, (nuint)(i + 4)), odd);
        }
        Vector256<double> both = even + odd;
        double sum = (both[0] + both[1]) + (both[2] + both[3]);
        for (; i < a.Length; i++)
            sum = Math.FusedMultiplyAdd(a[i], b[i], sum);
        return sum;
    }
}
