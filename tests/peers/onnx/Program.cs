// ONNX Runtime on the raw columns of a table, without a line of DistTrainer.
//
//     OnnxPeer MODEL.onnx COLUMNS.json
//
// COLUMNS.json is an object of columns by their names: lists of numbers, null for NaN, or lists of texts. Columns that
// the model does not want may be there. Prints the predictions as a list of rows in JSON.
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

using var session = new InferenceSession(args[0]);
JsonObject columns = JsonNode.Parse(File.ReadAllText(args[1]))!.AsObject();
NamedOnnxValue[] inputs =
[
    .. session.InputMetadata.Select(input => input.Value.IsString
        ? Value(input.Key, cell => cell!.GetValue<string>())
        : Value(input.Key, cell => cell?.GetValue<double>() ?? double.NaN)),
];
using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = session.Run(inputs);
Tensor<float> found = results.Single().AsTensor<float>();
Console.WriteLine(JsonSerializer.Serialize(found.Chunk(found.Dimensions[1])));

NamedOnnxValue Value<T>(string name, Func<JsonNode?, T> convert)
{
    T[] cells = [.. columns[name]!.AsArray().Select(convert)];
    return NamedOnnxValue.CreateFromTensor(name, new DenseTensor<T>(cells, [cells.Length, 1]));
}
