using DistTrainer.Engine.Data;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Jobs;

/// <summary>Defaults of the update rules are those of <c>torch.optim</c>.</summary>
public class OptimizerDefaultsTests
{
    /// <summary>Kind, learning rate, decoupled decay.</summary>
    public static TheoryData<string, float, float> PyTorch => new()
    {
        { "sgd", 1e-3f, 0f },
        { "adam", 1e-3f, 0f },
        { "adamw", 1e-3f, 1e-2f },
        { "rmsprop", 1e-2f, 0f },
    };

    [Theory]
    [MemberData(nameof(PyTorch))]
    public void A_rule_of_which_only_the_kind_is_named_has_PyTorchs_defaults(string kind, float rate, float decay)
    {
        JobDescription job = Read($"optimizer.kind = {kind}");
        Assert.Equal((rate, decay), (job.Optimizer.LearningRate, job.Regularization.DecoupledWeightDecay));
        Assert.Equal((PartSettings.None, 0f), (job.Optimizer.Settings, job.Regularization.L2));
        Dictionary<string, string> standard = new()
        {
            ["momentum"] = "0",
            ["dampening"] = "0",
            ["nesterov"] = "false",
            ["beta1"] = "0.9",
            ["beta2"] = "0.999",
            ["epsilon"] = "1E-08",
            ["ams-grad"] = "false",
            ["alpha"] = "0.99",
            ["centered"] = "false",
        };
        Assert.All(
            PluginRegistry.Shared.Optimizers[kind].Settings, setting =>
            Assert.Equal(standard[setting.Name], setting.Default));
    }

    [Theory]
    [MemberData(nameof(PyTorch))]
    public void A_job_made_in_code_has_the_defaults_of_a_job_file(string kind, float rate, float decay)
    {
        string rule = Read($"optimizer.kind = {kind}").Optimizer.Kind;
        JobDescription job = TestJobs.Job(new OptimizerDescription { Kind = rule }) with
        {
            Regularization = new RegularizationDescription { MaxNorm = 3 },
        };
        Assert.Equal(
            (rate, decay, 3f),
            (job.Optimizer.LearningRate, job.Regularization.DecoupledWeightDecay, job.Regularization.MaxNorm));
    }

    [Fact]
    public void AdamWs_decay_is_PyTorchs_also_beside_other_keys_of_its_section()
    {
        Assert.Equal(0.01f, Read("regularization { l1 = 0.5, apply-to-biases = true }\noptimizer.kind = adamw")
            .Regularization.DecoupledWeightDecay);
        Assert.Equal(
            0.3f, Read("regularization.decoupled-weight-decay = 0.3\noptimizer.kind = adamw")
            .Regularization.DecoupledWeightDecay);
    }

    [Fact]
    public void A_job_as_a_run_keeps_it_names_the_decay_so_an_older_run_with_adamw_stays_without_one()
    {
        string kept = File(Read("optimizer.kind = adamw")).Write();
        Assert.Contains("decoupled-weight-decay = 0.01\n", kept, StringComparison.Ordinal);
        string older = File(Read("optimizer.kind = adamw\nregularization.decoupled-weight-decay = 0")).Write();
        Assert.Contains("decoupled-weight-decay = 0\n", older, StringComparison.Ordinal);
        JobFile read = JobFile.Read(new JobSource(older, "checkpoint.json (job)"));
        Assert.Equal(("adamw", 0f), (read.Job.Optimizer.Kind, read.Job.Regularization.DecoupledWeightDecay));
        Assert.Equal(older, read.Write());
    }

    [Fact]
    public void A_template_leaves_what_follows_the_kind_to_the_kind()
    {
        string template = File(Read("optimizer.kind = adam")).Write(comments: true);
        JobDescription job =
            JobFile.Read(
                new JobSource(template.Replace("kind = adam\n", "kind = adamw\n", StringComparison.Ordinal), "edited"))
                .Job;
        Assert.Equal(("adamw", 0.01f), (job.Optimizer.Kind, job.Regularization.DecoupledWeightDecay));
        Assert.Contains(
            "  learning-rate = 0.5\n", File(Read("optimizer.learning-rate = 0.5"))
            .Write(comments: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdamW_without_a_named_decay_trains_as_with_a_hundredth_and_not_as_Adam()
    {
        DataParts data = TestJobs.Classification(100, 5, 3);
        async Task<string> Hash(string kind, RegularizationDescription regularization) => (await TestJobs.Run(
            TestJobs.Job(new OptimizerDescription { Kind = kind }) with { Regularization = regularization }, data,
                new RunOptions { Workers = 1, ParameterShards = 1 })).ParameterHash;
        string adamW = await Hash("adamw", new());
        Assert.Equal(await Hash("adamw", new() { DecoupledWeightDecay = 0.01f }), adamW);
        string adam = await Hash("adam", new());
        Assert.NotEqual(adam, adamW);
        Assert.Equal(adam, await Hash("adamw", new() { DecoupledWeightDecay = 0 }));
    }

    private static JobDescription Read(string text) =>
        JobFile.Read(new JobSource("model.layers = [ { } ]\n" + text, "job")).Job;

    private static JobFile File(JobDescription job) => new(job, new RunSettings());
}
