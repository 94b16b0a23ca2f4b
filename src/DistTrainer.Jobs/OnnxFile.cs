using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
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
    /// <summary>
    /// Name of the graph's input: float32 [rows, features], raw. A model of a table has an input a column instead, by
    /// the column's name, [rows, 1]: double for numbers (NaN for a gap) and dates (seconds since 1970, NaN for a gap),
    /// string for categories and yes/no (a gap is empty, or one of the job's marks of missing values).
    /// </summary>
    public const string Input = "features";

    /// <summary>
    /// Name of the graph's output: float32 [rows, outputs]; probabilities, or values in the targets' own units.
    /// </summary>
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
        var graph = new OnnxGraph(Input);
        if (model.Schema.Columns.Count > 0)
            OnnxColumns.Write(graph, model.Schema.Columns, model.Job.Job.Data.Columns.Missing);
        graph.Scale(model.Schema.Normalization);
        graph.Members(model);
        graph.Finish(model);

        var result = new ModelProto
        {
            IrVersion = IrVersion,
            ProducerName = "DistTrainer",
            ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version?.ToString(3) ?? "",
            Graph = graph.Graph,
        };
        result.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        graph.Graph.Name = "disttrainer";
        if (model.Schema.Columns.Count > 0)
            result.OpsetImport.Add(new OperatorSetIdProto { Domain = OnnxColumns.Domain, Version = OnnxColumns.Opset });
        else
            graph.Graph.Input.Add(Value(Input, model.Network.Inputs));
        graph.Graph.Output.Add(Value(Output, model.Network.Outputs));
        AddProperty(result, "disttrainer.parameter-hash", model.ParameterHash);
        AddProperty(result, "disttrainer.features", string.Join('\n', model.Schema.Inputs));
        AddProperty(
            result, "disttrainer.outputs", string.Join(
                '\n', model.Schema.Task == TaskKind.Classification ? model.Schema.ClassNames
                : model.Schema.TargetNames));
        return result;
    }

    private static void AddProperty(ModelProto model, string name, string text) =>
        model.MetadataProps.Add(new StringStringEntryProto { Key = name, Value = text });

    /// <summary>An input or output: [rows, <paramref name="width"/>].</summary>
    internal static ValueInfoProto Value(
        string name, int width, TensorProto.Types.DataType type = TensorProto.Types.DataType.Float)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "rows" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = width });
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor
                {
                    ElemType = (int)type,
                    Shape = shape,
                },
            },
        };
    }
}
