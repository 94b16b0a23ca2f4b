namespace DistTrainer.Engine.Files;

/// <summary>A tensor as it lies in a model file.</summary>
/// <param name="Name">Its name, e.g. <c>0.weight</c>.</param>
/// <param name="Shape">Dimensions, outermost first; an empty shape is a single number.</param>
/// <param name="Values">Row-major elements, as many as the product of the shape.</param>
internal sealed record NamedTensor(string Name, IReadOnlyList<int> Shape, ReadOnlyMemory<float> Values)
{
    /// <summary>The shape as text, e.g. <c>[128, 784]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>The content of a safetensors file.</summary>
/// <param name="Metadata">Free texts by name (the header's <c>__metadata__</c>).</param>
/// <param name="Tensors">The tensors in the order of their data.</param>
internal sealed record SafeTensors(IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<NamedTensor> Tensors);

/// <summary>Where a tensor lies in a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="Position">Its first byte, counted from the start of the file.</param>
internal sealed record TensorPlace(string Name, IReadOnlyList<int> Shape, long Position)
{
    /// <summary>The shape as text, e.g. <c>[128, 784]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>What a safetensors file holds, without the values.</summary>
/// <param name="Metadata">Free texts by name (the header's <c>__metadata__</c>).</param>
/// <param name="Tensors">The tensors in the order of their data, without gaps between them.</param>
internal sealed record SafeTensorsIndex(
    IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<TensorPlace> Tensors);
