using System.Globalization;
using System.Runtime.InteropServices;
using DistTrainer.Engine;
using Google.Protobuf;
using Onnx;

namespace DistTrainer.Jobs;

/// <summary>
/// Models as ONNX files (opset 17, IR version 8), for ONNX Runtime and whatever else reads them. The graph takes raw
/// features and gives what <c>disttrainer predict</c> gives: the scaling of the data and the loss's last step (softmax,
/// sigmoid, or the targets' own units) are part of it.
/// </summary>
public static class OnnxFile
{
    /// <summary>Name of the graph's input: float32 [rows, features], raw.</summary>
    public const string Input = "features";

    /// <summary>Name of the graph's output: float32 [rows, outputs]; probabilities, or values in the targets' own units.</summary>
    public const string Output = "predictions";

    private const int IrVersion = 8;
    private const int Opset = 17;

    /// <summary>Writes a model. The file appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="DistTrainerException">The file cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public static void Save(string path, TrainedModel model)
    {
        byte[] bytes = Of(model).ToByteArray();
        AtomicFile.Write(path, bytes.Length, stream => stream.Write(bytes));
    }

    private static ModelProto Of(TrainedModel model)
    {
        ModelDescription description = model.Job.Job.Model;
        string? plugin = description.Layers.Select(layer => layer.Plugin ?? layer.PluginActivation).FirstOrDefault(name => name is not null)
            ?? (model.Schema.Task == TaskKind.Regression ? null : description.Loss.Plugin);
        if (plugin is not null)
            throw new DistTrainerException(FailureKind.Configuration, $"The plug-in's part {plugin} has no form in ONNX; export works for models of built-in parts.");
        var graph = new GraphBuilder();
        graph.Scale(model.Schema.Normalization);
        // Each description begins with a dense layer; dropout is the identity, once a model is trained.
        foreach ((NetworkLayer dense, LayerDescription layer) in model.Network.Layers.Where(layer => layer.Layer is DenseLayer).Zip(model.Job.Job.Model.Layers))
        {
            graph.Dense(dense, model);
            if (layer.Activation != ActivationKind.Identity)
                graph.Activation(layer);
        }
        graph.Last(model);

        var result = new ModelProto
        {
            IrVersion = IrVersion,
            ProducerName = "DistTrainer",
            ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version?.ToString(3) ?? "",
            Graph = graph.Graph,
        };
        result.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        graph.Graph.Name = "disttrainer";
        graph.Graph.Input.Add(Value(Input, model.Network.Inputs));
        graph.Graph.Output.Add(Value(Output, model.Network.Outputs));
        AddProperty(result, "disttrainer.parameter-hash", model.ParameterHash);
        AddProperty(result, "disttrainer.features", string.Join('\n', model.Schema.FeatureNames));
        AddProperty(result, "disttrainer.outputs", string.Join('\n', model.Schema.Task == TaskKind.Classification ? model.Schema.ClassNames : model.Schema.TargetNames));
        return result;
    }

    private static void AddProperty(ModelProto model, string name, string text) => model.MetadataProps.Add(new StringStringEntryProto { Key = name, Value = text });

    private static ValueInfoProto Value(string name, int width)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "rows" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = width });
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape } } };
    }

    /// <summary>Builds a chain of nodes: each takes what the one before it gave.</summary>
    private sealed class GraphBuilder
    {
        private string _last = Input;
        private int _count;

        public GraphProto Graph { get; } = new();

        /// <summary>(raw − offset) · scale in double, rounded once: the bits that the model was trained on.</summary>
        public void Scale(Normalization scaling)
        {
            if (scaling.Kind == NormalizationKind.None)
                return;
            Cast(TensorProto.Types.DataType.Double);
            Chain("Sub", Doubles("offset", scaling.Offset));
            Chain("Mul", Doubles("scale", scaling.Scale));
            Cast(TensorProto.Types.DataType.Float);
        }

        /// <summary>x · Wᵀ + b, with the weights as they lie: [outputs, inputs].</summary>
        public void Dense(NetworkLayer layer, TrainedModel model)
        {
            string[] inputs = [.. model.Network.Layout.Tensors.Where(tensor => tensor.Offset >= layer.Offset && tensor.End <= layer.End).Select(tensor =>
                Tensor(tensor.Name, tensor.Shape, model.Parameters.AsSpan(tensor.Offset, tensor.Length)))];
            NodeProto node = Chain("Gemm", inputs);
            node.Attribute.Add(new AttributeProto { Name = "transB", Type = AttributeProto.Types.AttributeType.Int, I = 1 });
        }

        public void Activation(LayerDescription layer)
        {
            string before = _last;
            switch (layer.Activation)
            {
                case ActivationKind.Relu:
                    Chain("Relu");
                    break;
                case ActivationKind.Tanh:
                    Chain("Tanh");
                    break;
                case ActivationKind.Sigmoid:
                    Chain("Sigmoid");
                    break;
                case ActivationKind.LeakyRelu:
                    Chain("LeakyRelu").Attribute.Add(new AttributeProto { Name = "alpha", Type = AttributeProto.Types.AttributeType.Float, F = layer.LeakySlope });
                    break;
                case ActivationKind.Silu:
                    Chain("Sigmoid");
                    Chain("Mul", before);
                    break;
                case ActivationKind.Gelu:
                    // x · Φ(x) = x · (1 + erf(x / √2)) / 2; the operator Gelu came with opset 20.
                    Chain("Mul", Scalar(1 / MathF.Sqrt(2)));
                    Chain("Erf");
                    Chain("Add", Scalar(1));
                    Chain("Mul", before);
                    Chain("Mul", Scalar(0.5f));
                    break;
                default:
                    throw new DistTrainerException(FailureKind.Configuration, $"The activation {layer.Activation} has no form in ONNX.");
            }
        }

        /// <summary>What the loss makes of outputs, and the targets' own units.</summary>
        public void Last(TrainedModel model)
        {
            Normalization scaling = model.Schema.Normalization;
            switch (model.Job.Job.Model.Loss.Kind)
            {
                case LossKind.CrossEntropy:
                    Chain("Softmax").Attribute.Add(new AttributeProto { Name = "axis", Type = AttributeProto.Types.AttributeType.Int, I = 1 });
                    break;
                case LossKind.BinaryCrossEntropy:
                    Chain("Sigmoid");
                    break;
                default:
                    Chain("Div", Tensor("target-scale", [scaling.TargetScale.Length], scaling.TargetScale));
                    Chain("Add", Tensor("target-offset", [scaling.TargetOffset.Length], scaling.TargetOffset));
                    break;
            }
            Graph.Node[^1].Output[0] = Output;
        }

        private void Cast(TensorProto.Types.DataType type) =>
            Chain("Cast").Attribute.Add(new AttributeProto { Name = "to", Type = AttributeProto.Types.AttributeType.Int, I = (long)type });

        private NodeProto Chain(string kind, params string[] others)
        {
            var node = new NodeProto { OpType = kind, Name = string.Create(CultureInfo.InvariantCulture, $"{_count}-{kind}") };
            node.Input.Add(_last);
            node.Input.AddRange(others);
            node.Output.Add(_last = string.Create(CultureInfo.InvariantCulture, $"value-{_count++}"));
            Graph.Node.Add(node);
            return node;
        }

        private string Scalar(float value) => Tensor(string.Create(CultureInfo.InvariantCulture, $"constant-{_count}"), [], [value]);

        private string Tensor(string name, IEnumerable<int> shape, ReadOnlySpan<float> values)
        {
            var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Float, RawData = LittleEndian(values) };
            tensor.Dims.AddRange(shape.Select(length => (long)length));
            Graph.Initializer.Add(tensor);
            return name;
        }

        private string Doubles(string name, float[] values)
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
}
