using System.Text.Json.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Jobs;

/// <summary>Model files whose data schema somebody changed.</summary>
public sealed class SchemaRefusalTests : IDisposable
{
    private const string SchemaName = "disttrainer.schema";
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-schema-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("classNames", "[null, \"b\", \"c\"]", "the data schema has no name at classNames[0] (null)")]
    [InlineData("classNames", "[\"a\", \"b\", \"a\"]",
        "the data schema has the name \"a\" twice, at classNames[0] and classNames[2]")]
    [InlineData("featureNames", "[\"a\", null]", "the data schema has no name at featureNames[1] (null)")]
    [InlineData("featureNames", "[\"\\u001b[2J\", \"\\u001b[2J\"]",
        "the data schema has the name \"\\u001b[2J\" twice, at featureNames[0] and featureNames[1]")]
    [InlineData("targetNames", "[null]", "the data schema has no name at targetNames[0] (null)")]
    [InlineData("targetNames", "null", "the data schema is damaged")]
    [InlineData("classNames", "[]", "the data schema does not fit together")]
    [InlineData("task", "\"binary\"", "the data schema does not fit together")]
    public void Names_that_are_missing_or_doubled_are_refused_with_file_and_place(
        string member, string value, string expected)
    {
        string path = Changed(schema => schema[member] = JsonNode.Parse(value));
        DistTrainerException refused = Assert.Throws<DistTrainerException>(() => ModelFile.Load(path));
        Assert.Equal(FailureKind.ModelFile, refused.Kind);
        Assert.StartsWith($"{path}: {expected}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Targets_that_are_no_one_hot_code_of_the_classes_are_refused()
    {
        string path = Changed(schema =>
        {
            schema["targetNames"] = JsonNode.Parse("[\"x\", \"y\", \"z\", \"w\"]");
            schema["normalization"]!["targetOffset"] = JsonNode.Parse("[0, 0, 0, 0]");
            schema["normalization"]!["targetScale"] = JsonNode.Parse("[1, 1, 1, 1]");
        });
        Assert.Contains("does not fit together", Assert.Throws<DistTrainerException>(() => ModelFile.Load(path))
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_that_the_job_s_loss_is_not_for_is_refused()
    {
        string path = Changed(schema =>
        {
            schema["task"] = "regression";
            schema["classNames"] = new JsonArray();
            schema["targetNames"] = JsonNode.Parse("[\"x\", \"y\", \"z\"]");
            schema["normalization"]!["targetOffset"] = JsonNode.Parse("[0, 0, 0]");
            schema["normalization"]!["targetScale"] = JsonNode.Parse("[1, 1, 1]");
        });
        DistTrainerException refused = Assert.Throws<DistTrainerException>(() => ModelFile.Load(path));
        Assert.Equal(
            (FailureKind.ModelFile, $"{path}: has data for Regression and a job whose loss is for Classification."),
            (refused.Kind, refused.Message));
    }

    [Fact]
    public void The_file_is_read_where_nothing_was_changed() =>
        Assert.Equal(["a", "b", "c"], ModelFile.Load(Changed(_ => { })).Schema.ClassNames);

    private string Changed(Action<JsonNode> change)
    {
        var schema = new DataSchema
        {
            Task = TaskKind.Classification,
            FeatureNames = ["f", "g"],
            TargetNames = ["t"],
            ClassNames = ["a", "b", "c"],
            Normalization = new Normalization(NormalizationKind.None, [0, 0], [1, 1], [0], [1]),
        };
        JobFile job = JobFile.Read(new JobSource("model { layers = [{ }]\n loss = cross-entropy }", "job"));
        Network network = JobNetwork.Create(job.Job.Model, schema);
        string path = Path.Combine(_folder, "model.safetensors");
        ModelFile.Save(path, job, schema, network.Layout, network.InitialParameters(1));
        SafeTensors content = SafeTensorsFile.Read(path);
        JsonNode json = JsonNode.Parse(content.Metadata[SchemaName])!;
        change(json);
        SafeTensorsFile.Write(path, content with
        {
            Metadata = new Dictionary<string,
            string>(content.Metadata)
            { [SchemaName] = json.ToJsonString() },
        });
        return path;
    }
}
