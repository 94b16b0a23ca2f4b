using DistTrainer.Engine.Losses;

namespace DistTrainer.Engine.Layers;

/// <summary>A graph of ONNX (opset 17) that is being written: a chain, in which each node takes what the one before
/// gave, and what lies beside it.</summary>
public interface IOnnxGraph
{
    /// <summary>Name of the value that the chain ends with, [rows, features]. To set it is to go on from another
    /// value.</summary>
    string Last { get; set; }

    /// <summary>Adds a node to the chain.</summary>
    /// <param name="kind">The operator, e.g. <c>Gemm</c>.</param>
    /// <param name="others">Names of its inputs behind the first, which is <see cref="Last"/>.</param>
    IOnnxNode Chain(string kind, params ReadOnlySpan<string> others);

    /// <summary>Adds a node beside the chain.</summary>
    /// <param name="kind">The operator, e.g. <c>Gather</c>.</param>
    /// <param name="inputs">Names of all its inputs.</param>
    IOnnxNode Add(string kind, params ReadOnlySpan<string> inputs);

    /// <summary>Adds a number.</summary>
    /// <param name="value">The number.</param>
    /// <returns>Its name.</returns>
    string Scalar(float value);

    /// <summary>Adds a whole number: int64, without a dimension.</summary>
    /// <param name="value">The number.</param>
    /// <returns>Its name.</returns>
    string Whole(long value);

    /// <summary>Adds whole numbers: int64, one dimension.</summary>
    /// <param name="values">The numbers.</param>
    /// <returns>The name of all.</returns>
    string Wholes(params ReadOnlySpan<long> values);
}

/// <summary>A node of such a graph.</summary>
public interface IOnnxNode
{
    /// <summary>Name of what it gives.</summary>
    string Output { get; }

    /// <summary>Sets an attribute.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>The node.</returns>
    IOnnxNode With(string name, long value);

    /// <summary>Sets an attribute.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>The node.</returns>
    IOnnxNode With(string name, float value);
}

/// <summary>A layer that has a form in ONNX; a model with another one is not exported.</summary>
public interface IOnnxLayer
{
    /// <summary>Adds the layer, as it is in evaluation, to a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="parameters">Names of the layer's tensors in the graph, in the order of
    /// <see cref="ILayer.Parameters"/>.</param>
    void WriteOnnx(IOnnxGraph graph, IReadOnlyList<string> parameters);
}

/// <summary>A loss whose last step (softmax, sigmoid) has a form in ONNX; one for regression needs none.</summary>
public interface IOnnxLoss
{
    /// <summary>Adds what <see cref="ILoss.Predict"/> does to a graph.</summary>
    /// <param name="graph">The graph.</param>
    void WriteOnnx(IOnnxGraph graph);
}
