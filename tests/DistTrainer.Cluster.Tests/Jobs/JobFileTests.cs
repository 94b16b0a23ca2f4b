using System.Globalization;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Jobs;

public class JobFileTests
{
    private const string Smallest = "model { layers = [ { units = 64, activation = relu }, { } ] }";

    [Fact]
    public void The_smallest_job_takes_every_default()
    {
        JobFile file = Read(Smallest);
        Assert.Equal(2, file.Job.Model.Layers.Count);
        Assert.Equal(64, file.Job.Model.Layers[0].Units);
        Assert.Equal("relu", file.Job.Model.Layers[0].Activation);
        Assert.Null(file.Job.Model.Layers[1].Units);
        Assert.Equal(new OptimizerDescription(), file.Job.Optimizer);
        Assert.Equal(new TrainingDescription(), file.Job.Training);
        Assert.Equal(new RunSettings(), file.Run);
    }

    [Theory]
    [InlineData("model { layers = [ { units = 64, activation = relu } ] }")]
    [InlineData("model.layers = [ { units = 64\n activation = relu } ]")]
    [InlineData(
        "model {\n  layers = [\n    # the only one\n    {\n      units = 64 # half\n      activation = relu // as "
        + "usual\n    }\n  ]\n}")]
    [InlineData("{ \"model\": { \"layers\": [ { \"units\": 64, \"activation\": \"relu\" } ] } }")]
    [InlineData("\uFEFFmodel { layers = [ { units = 64, activation = relu }, ] }")]
    public void One_line_objects_lists_JSON_and_comments_are_read_alike(string text)
    {
        LayerDescription layer = Assert.Single(Read(text).Job.Model.Layers);
        Assert.Equal(new LayerDescription { Units = 64, Activation = "relu" }, layer);
    }

    [Fact]
    public void A_section_may_be_written_as_the_name_of_its_kind_and_is_merged_with_single_keys()
    {
        JobFile file = JobFile.Read(
            new JobSource(Smallest + "\noptimizer = sgd\nmodel.loss = cross-entropy", "a"),
            new JobSource("optimizer.momentum = 0.9", "b"),
            JobSource.FromOption("optimizer.learning-rate", "0.5", "--learning-rate"));
        Assert.Equal(
            new OptimizerDescription
            {
                Kind = "sgd",
                LearningRate = 0.5f,
                Settings = PartSettings.Of(("momentum", 0.9f))
            }, file.Job.Optimizer);
    }

    [Fact]
    public void A_later_text_wins_and_null_takes_the_default()
    {
        JobFile file = JobFile.Read(new JobSource(Smallest + "\ntraining { epochs = 3\n batch-size = 7 }", "a"),
            new JobSource("training.epochs = 4\ntraining.batch-size = null", "b"));
        Assert.Equal(4, file.Job.Training.Epochs);
        Assert.Equal(32, file.Job.Training.BatchSize);
    }

    [Fact]
    public void An_initializer_s_scale_follows_its_kind()
    {
        LayerDescription layer =
            Read("model.layers = [ { weight-initializer = random-normal, bias-initializer { kind = constant, scale = "
            + "-2 } } ]").Job.Model.Layers[0];
        Assert.Equal(new InitializerDescription("random-normal"), layer.WeightInitializer);
        Assert.Equal(new InitializerDescription("constant", -2f), layer.BiasInitializer);
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    public void The_culture_changes_neither_reading_nor_writing(string culture)
    {
        JobFile expected = Read(Smallest + "\noptimizer.learning-rate = 0.015");
        string text = expected.Write();
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            JobFile file = Read(Smallest + "\noptimizer.learning-rate = 0.015");
            Assert.Equal(0.015f, file.Job.Optimizer.LearningRate);
            Assert.Equal(text, file.Write());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void The_template_names_every_key_and_reads_back_to_the_same_job()
    {
        JobFile file = Read(Smallest);
        string template = file.Write(comments: true);
        Assert.Equal(file.Write(), Read(template).Write());
        Assert.All(JobKeys.All, key => Assert.Contains(key.Name, template, StringComparison.Ordinal));
        Assert.Contains(
            "# Share of the samples held out for validation: a number from 0 and below 1; default 0.1.", template,
            StringComparison.Ordinal);
        Assert.Contains("# momentum = 0\n", template, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_key_has_a_meaning_and_says_what_is_allowed() =>
        Assert.All(JobKeys.All, key =>
        {
            Assert.NotEmpty(key.Meaning);
            Assert.NotEmpty(key.Allowed);
            Assert.DoesNotContain('\n', key.Meaning + key.Allowed);
        });

    private static JobFile Read(string text) => JobFile.Read(new JobSource(text, "job.conf"));
}
