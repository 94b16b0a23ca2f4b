using System.Globalization;
using System.Runtime.InteropServices;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using Google.Protobuf;
using Onnx;

namespace DistTrainer.Jobs;

/// <summary>
/// Builds a chain of nodes: each takes what the one before it gave. A network of several members is a branch each.
/// </summary>
internal sealed class OnnxGraph(string input) : IOnnxGraph
{
    private bool _isDouble;
    private int _count;

    public GraphProto Graph { get; } = new();

    /// <inheritdoc/>
    public string Last { get; set; } = input;

    public IOnnxNode Chain(string kind, params ReadOnlySpan<string> others)
    {
        IOnnxNode node = Add(kind, [Last, .. others]);
        Last = node.Output;
        return node;
    }

    public IOnnxNode Add(string kind, params ReadOnlySpan<string> inputs)
    {
        var node = new NodeProto
        {
            OpType = kind,
            Name = string.Create(CultureInfo.InvariantCulture, $"{_count}-{kind}"),
        };
        foreach (string input in inputs)
            node.Input.Add(input);
        node.Output.Add(string.Create(CultureInfo.InvariantCulture, $"value-{_count++}"));
        Graph.Node.Add(node);
        return new OnnxNode(node);
    }

    public string Scalar(float value) =>
        Tensor(string.Create(CultureInfo.InvariantCulture, $"constant-{_count}"), [], [value]);

    public string Whole(long value) => WholeTensor([], [value]);

    public string Wholes(params ReadOnlySpan<long> values) => WholeTensor([values.Length], values);

    /// <summary>Adds all layers, and where there are several members the mean of what they give.</summary>
    public void Members(TrainedModel model)
    {
        string features = Last;
        var outputs = new List<string>();
        foreach (NetworkLayer layer in model.Network.Layers)
        {
            if (layer.Layer is not IOnnxLayer onnx)
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"The layer {layer.Title} has no form in ONNX, so the model cannot be exported; a layer has "
                    + $"one if it is an {nameof(IOnnxLayer)}, as all built-in ones are.");
            if (layer.Module == 0)
                Last = features;
            onnx.WriteOnnx(this, Parameters(layer, model));
            if (layer.Module == model.Network.Modules - 1)
                outputs.Add(Last);
        }
        if (outputs.Count > 1)
            Last = Add("Mean", [.. outputs]).Output;
    }

    /// <summary>Adds a layer's tensors.</summary>
    private string[] Parameters(NetworkLayer layer, TrainedModel model) =>
        [.. model.Network.Layout.Tensors.Where(tensor => tensor.Layer == layer.Index).Select(tensor =>
            Tensor(tensor.Name, tensor.Shape, model.Parameters.AsSpan(tensor.Offset, tensor.Length)))];

    /// <summary>(raw − offset) · scale in double, rounded once: the bits that the model was trained on.</summary>
    public void Scale(Normalization scaling)
    {
        if (scaling.Kind == NormalizationKind.None && !_isDouble)
            return;
        Cast(TensorProto.Types.DataType.Double);
        Chain("Sub", Doubles("offset", scaling.Offset));
        Chain("Mul", Doubles("scale", Array.ConvertAll(scaling.Scale, value => (double)value)));
        if (scaling.Bounds.Length > 0)
            Bound(scaling.Bounds);
        Cast(TensorProto.Types.DataType.Float);
    }

    /// <summary>x / √(1 + (x/b)²); without a bound, b = 0, x stays.</summary>
    private void Bound(float[] bounds)
    {
        string scaled = Last;
        Chain("Div", Doubles("bounds", Array.ConvertAll(
            bounds, bound => bound > 0 ? bound : double.PositiveInfinity)));
        Chain("Mul", Last);
        Chain("Add", Doubles("one", [1]));
        Chain("Sqrt");
        string root = Last;
        Last = scaled;
        Chain("Div", root);
    }

    /// <summary>What the loss makes of outputs, and the targets' own units.</summary>
    public void Finish(TrainedModel model)
    {
        if (model.Schema.Task == TaskKind.Regression)
        {
            Normalization scaling = model.Schema.Normalization;
            Chain("Div", Tensor("target-scale", [scaling.TargetScale.Length], scaling.TargetScale));
            Chain("Add", Tensor("target-offset", [scaling.TargetOffset.Length],
                Array.ConvertAll(scaling.TargetOffset, value => (float)value)));
        }
        else if (model.Network.Loss is IOnnxLoss loss)
        {
            loss.WriteOnnx(this);
        }
        else
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"The loss {model.Job.Job.Model.Loss.Kind} has no form in ONNX, so the model cannot be exported; "
                + $"a loss for classes has one if it is an {nameof(IOnnxLoss)}.");
        }
        if (Graph.Node.Count == 0)
            Chain("Identity");
        Graph.Node[^1].Output[0] = OnnxFile.Output;
    }

    private void Cast(TensorProto.Types.DataType type) =>
        Chain("Cast").With("to", (long)type);

    private string Tensor(string name, IEnumerable<int> shape, ReadOnlySpan<float> values)
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = (int)TensorProto.Types.DataType.Float,
            RawData = LittleEndian(values),
        };
        tensor.Dims.AddRange(shape.Select(length => (long)length));
        Graph.Initializer.Add(tensor);
        return name;
    }

    private string WholeTensor(IEnumerable<long> shape, ReadOnlySpan<long> values)
    {
        var tensor = new TensorProto
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"whole-{Graph.Initializer.Count}"),
            DataType = (int)TensorProto.Types.DataType.Int64,
        };
        tensor.Dims.AddRange(shape);
        tensor.Int64Data.AddRange(values.ToArray());
        Graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    /// <summary>Texts as whole numbers.</summary>
    /// <param name="domain">The domain of the operator.</param>
    /// <param name="text">The texts.</param>
    /// <param name="numbers">The number of each known text.</param>
    /// <param name="other">That of any other.</param>
    public string Encode(string domain, string text, IReadOnlyDictionary<string, long> numbers, long other)
    {
        IOnnxNode added = Add("LabelEncoder", text).With("default_int64", other);
        NodeProto node = Graph.Node[^1];
        node.Domain = domain;
        var keys = new AttributeProto { Name = "keys_strings", Type = AttributeProto.Types.AttributeType.Strings };
        var values = new AttributeProto { Name = "values_int64s", Type = AttributeProto.Types.AttributeType.Ints };
        foreach ((string key, long value) in numbers)
        {
            keys.Strings.Add(ByteString.CopyFromUtf8(key));
            values.Ints.Add(value);
        }
        node.Attribute.Add(keys);
        node.Attribute.Add(values);
        return added.Output;
    }

    /// <summary>Goes on with features in double.</summary>
    public void BeginWith(string features) => (Last, _isDouble) = (features, true);

    /// <summary>Adds a constant, [values].</summary>
    public string Doubles(params double[] values) =>
        Doubles(string.Create(CultureInfo.InvariantCulture, $"doubles-{Graph.Initializer.Count}"), values);

    private string Doubles(string name, double[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Double };
        tensor.Dims.Add(values.Length);
        tensor.DoubleData.AddRange(values.Select(value => (double)value));
        Graph.Initializer.Add(tensor);
        return name;
    }

    private static ByteString LittleEndian(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        if (BitConverter.IsLittleEndian)
            return ByteString.CopyFrom(bytes);
        byte[] turned = bytes.ToArray();
        for (int i = 0; i < turned.Length; i += sizeof(float))
            turned.AsSpan(i, sizeof(float)).Reverse();
        return ByteString.CopyFrom(turned);
    }
}

/// <summary>A node that is being written.</summary>
/// <param name="node">The node.</param>
internal sealed class OnnxNode(NodeProto node) : IOnnxNode
{
    public string Output => node.Output[0];

    public IOnnxNode With(string name, long value) => Add(new AttributeProto
    {
        Name = name,
        Type = AttributeProto.Types.AttributeType.Int,
        I = value,
    });

    public IOnnxNode With(string name, float value) => Add(new AttributeProto
    {
        Name = name,
        Type = AttributeProto.Types.AttributeType.Float,
        F = value,
    });

    private OnnxNode Add(AttributeProto attribute)
    {
        node.Attribute.Add(attribute);
        return this;
    }
}
