namespace DistTrainer.Engine;

/// <summary>What a parameter tensor is for; regularization acts on weights, and on biases only where asked.</summary>
public enum ParameterKind
{
    /// <summary>A weight tensor.</summary>
    Weight,

    /// <summary>A bias vector.</summary>
    Bias,
}

/// <summary>
/// One tensor's place in the flat parameter vector, row-major. A <em>row</em> is the unit that norms and cuts respect:
/// the weights [outputs, inputs] have one row per output unit, a bias [outputs] is a single row.
/// </summary>
/// <param name="Name">The name in files, e.g. <c>0.weight</c>; the number is the layer's place in the sequence of
/// modules.</param>
/// <param name="Kind">Weight or bias.</param>
/// <param name="Layer">Index of the module that the tensor belongs to.</param>
/// <param name="Shape">Dimensions, outermost first, e.g. [outputs, inputs] or [outputs].</param>
/// <param name="Offset">Index of the first element in the flat vector.</param>
public sealed record ParameterTensor(string Name, ParameterKind Kind, int Layer, IReadOnlyList<int> Shape, int Offset)
{
    /// <summary>Number of elements.</summary>
    public int Length { get; } = Shape.Aggregate(1, (product, dimension) => checked(product * dimension));

    /// <summary>Index one past the last element in the flat vector.</summary>
    public int End => Offset + Length;

    /// <summary>Elements of one row: all dimensions but the first for weights, the whole tensor for a bias.</summary>
    public int RowLength => Kind == ParameterKind.Bias ? Length : Length / Shape[0];

    /// <summary>Number of rows.</summary>
    public int RowCount => Length / RowLength;

    /// <summary>The shape as text, e.g. <c>[128, 784]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>
/// All weights and biases of a model as one flat <c>float</c> vector: which tensor lies where.
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
