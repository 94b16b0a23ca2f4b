namespace DistTrainer.Engine.Models;

/// <summary>What a tensor is for; regularization acts on weights, and on biases only where asked.</summary>
public enum ParameterKind
{
    /// <summary>A weight tensor.</summary>
    Weight,

    /// <summary>A bias vector.</summary>
    Bias,

    /// <summary>
    /// Not trained: a running average over the steps of what the layer measures on the training samples, e.g. the mean
    /// of its inputs: a = a + momentum · (mean − a). The layer writes the sum over samples in its place of the
    /// gradient, so it is joined over data shards in the same tree. No norm, clipping or penalty counts it.
    /// </summary>
    RunningAverage,
}

/// <summary>
/// One tensor's place in the flat parameter vector, row-major. A <em>row</em> is the unit that norms and cuts respect:
/// the weights [outputs, inputs] have one row per output unit, a bias or running average is a single row.
/// </summary>
/// <param name="Name">The name in files, e.g. <c>0.weight</c>; the number is the layer's place in the sequence of
/// modules.</param>
/// <param name="Kind">Weight, bias or running average.</param>
/// <param name="Layer">Index of the module that the tensor belongs to.</param>
/// <param name="Shape">Dimensions, outermost first, e.g. [outputs, inputs] or [outputs].</param>
/// <param name="Offset">Index of the first element in the flat vector.</param>
public sealed record ParameterTensor(string Name, ParameterKind Kind, int Layer, IReadOnlyList<int> Shape, int Offset)
{
    /// <summary>Number of elements.</summary>
    public int Length { get; } = Shape.Aggregate(1, (product, dimension) => checked(product * dimension));

    /// <summary>Index one past the last element in the flat vector.</summary>
    public int End => Offset + Length;

    /// <summary>For a running average: share of a step's mean in the new value, 0 to 1; else 0.</summary>
    public float Momentum { get; init; }

    /// <summary>Elements of one row: all dimensions but the first for weights, the whole tensor for others.</summary>
    public int RowLength => Kind == ParameterKind.Weight ? Length / Shape[0] : Length;

    /// <summary>Number of rows.</summary>
    public int RowCount => Length / RowLength;

    /// <summary>The shape as text, e.g. <c>[128, 784]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>
/// All weights, biases and running averages of a model as one flat <c>float</c> vector: which tensor lies where.
/// A layer is a view of it, a parameter shard is a contiguous range of it, a push is a cut of it.
/// </summary>
public sealed class ParameterLayout
{
    /// <summary>Takes the tensors in order; their offsets must follow one another without gaps.</summary>
    /// <param name="tensors">The tensors, in the order of their offsets.</param>
    /// <exception cref="ArgumentException">The offsets do not follow one another.</exception>
    public ParameterLayout(IReadOnlyList<ParameterTensor> tensors)
    {
        Tensors = tensors;
        foreach (ParameterTensor tensor in tensors)
        {
            if (tensor.Offset != Length)
                throw new ArgumentException(
                    $"Tensor {tensor.Name} starts at {tensor.Offset}; it must start at {Length}, where the one before "
                    + "ends.", nameof(tensors));
            Length = checked(Length + tensor.Length);
        }
    }

    /// <summary>The tensors in the order of their offsets.</summary>
    public IReadOnlyList<ParameterTensor> Tensors { get; }

    /// <summary>Number of elements of the flat vector.</summary>
    public int Length { get; }
}
