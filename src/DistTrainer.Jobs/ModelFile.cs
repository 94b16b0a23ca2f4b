using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;

namespace DistTrainer.Jobs;

/// <summary>
/// Models as safetensors files. Tensors are named as in PyTorch's <c>Sequential</c>; the metadata hold the resolved
/// job, the data schema with the scaling, the parameter hash and the version of this layout.
/// </summary>
public static class ModelFile
{
    private const string Version = "1";
    private const string VersionName = "disttrainer.format";
    private const string JobName = "disttrainer.job";
    private const string SchemaName = "disttrainer.schema";
    private const string HashName = "disttrainer.parameter-hash";

    /// <summary>Writes a model. The file appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="job">The job that made it.</param>
    /// <param name="schema">Names and scaling of its data.</param>
    /// <param name="layout">Which tensor lies where.</param>
    /// <param name="parameters">The flat parameters.</param>
    /// <exception cref="DistTrainerException">The file cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public static void Save(string path, JobFile job, DataSchema schema, ParameterLayout layout, float[] parameters)
    {
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            [VersionName] = Version,
            [JobName] = job.Write(),
            [SchemaName] = SchemaJson.Write(schema),
            [HashName] = ParameterHash.Compute(parameters),
        };
        SafeTensorsFile.Write(path, new SafeTensors(metadata, [.. layout.Tensors.Select(
            tensor => new NamedTensor(tensor.Name, tensor.Shape, parameters.AsMemory(tensor.Offset, tensor.Length)))]));
    }

    /// <summary>Reads a model that <see cref="Save"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistTrainerException">It is missing, damaged, or not from this program
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static TrainedModel Load(string path)
    {
        SafeTensors content = SafeTensorsFile.Read(path);
        string version = Text(content, VersionName, path);
        if (version != Version)
            throw Refuse(path, $"has the format version {version}; this program reads {Version}");
        try
        {
            JobFile job = JobFile.Read(new JobSource(Text(content, JobName, path), $"{path} (job)"));
            DataSchema schema = SchemaJson.Read(Text(content, SchemaName, path));
            if (schema.Task != job.Job.Model.Loss.Task)
                throw Refuse(path, $"has data for {schema.Task} and a job whose loss is for {job.Job.Model.Loss.Task}");
            Network network = JobNetwork.Create(job.Job.Model, schema);
            float[] parameters = Flatten(content, network.Layout, path);
            string hash = ParameterHash.Compute(parameters);
            if (hash != Text(content, HashName, path))
                throw Refuse(path, "has parameters whose hash is not the one that was stored: the file is damaged");
            return new TrainedModel(job, schema, network, parameters, hash);
        }
        catch (Exception failure) when (
            failure is FormatException or DistTrainerException { Kind: not FailureKind.ModelFile })
        {
            throw Refuse(path, failure.Message.TrimEnd('.'), failure);
        }
    }

    /// <summary>
    /// Reads the parameters for a network from any safetensors file with the same tensors, e.g. one of PyTorch's.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">The network's tensors.</param>
    /// <returns>The flat parameters.</returns>
    /// <exception cref="DistTrainerException">It is missing or damaged, or its tensors are not the network's
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static float[] LoadParameters(string path, ParameterLayout layout) =>
        Flatten(SafeTensorsFile.Read(path), layout, path);

    private static float[] Flatten(SafeTensors content, ParameterLayout layout, string path)
    {
        Dictionary<string, NamedTensor> byName = content.Tensors.ToDictionary(tensor => tensor.Name);
        foreach (ParameterTensor tensor in layout.Tensors)
        {
            if (!byName.Remove(tensor.Name, out NamedTensor? stored))
                throw Refuse(
                    path, $"has no tensor {tensor.Name} of shape {tensor.ShapeText}, which the job's network needs; "
                    + $"it has {string.Join(", ", content.Tensors.Take(20).Select(other => other.Name))}");
            if (!stored.Shape.SequenceEqual(tensor.Shape))
                throw Refuse(
                    path, $"has the tensor {tensor.Name} of shape {stored.ShapeText}; the job's network needs "
                    + $"{tensor.ShapeText}");
            if (stored.Values.Span.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
                throw Refuse(path, $"has the tensor {tensor.Name} with values that are not finite");
        }

        if (byName.Count > 0)
            throw Refuse(path, $"has the tensor {byName.Keys.First()}, which the job's network does not know");
        byName = content.Tensors.ToDictionary(tensor => tensor.Name);
        float[] parameters = new float[layout.Length];
        foreach (ParameterTensor tensor in layout.Tensors)
            byName[tensor.Name].Values.Span.CopyTo(parameters.AsSpan(tensor.Offset));
        return parameters;
    }

    private static string Text(SafeTensors content, string name, string path) =>
        content.Metadata.TryGetValue(name, out string? text)
        ? text
        : throw Refuse(
            path, $"has no metadata {name}: it was not written by disttrainer (only `train --init-from` takes such "
            + "files)");

    private static DistTrainerException Refuse(string path, string what, Exception? inner = null) =>
        new(FailureKind.ModelFile, $"{path}: {what}.", inner);
}
