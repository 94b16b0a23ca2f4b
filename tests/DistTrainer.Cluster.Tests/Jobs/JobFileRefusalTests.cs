using CsCheck;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Jobs;

public class JobFileRefusalTests
{
    private const string Layers = "model.layers = [ { units = 64, activation = relu }, { } ]\n";

    [Theory]
    [InlineData("trainig.epochs = 3", "job.conf: \"trainig\" is not a known key; did you mean training?")]
    [InlineData("training.epoch = 3", "job.conf: \"training.epoch\" is not a known key; did you mean training.epochs?")]
    [InlineData("epochs = 3", "did you mean training.epochs?")]
    [InlineData("optimizer { lerning-rate = 1 }", "did you mean optimizer.learning-rate?")]
    [InlineData("qqqqqq = 3", "allowed: data, model, optimizer")]
    [InlineData("checkpoint { every = 100 }",
        "\"checkpoint.every\" is not a known key; allowed: every-steps, every-time, keep, keep-best")]
    [InlineData("run { every-steps = 100 }", "did you mean checkpoint.every-steps?")]
    [InlineData(
        "checkpoint.every-time = 5",
        "checkpoint.every-time = \"5\" is not a time with its unit; allowed: a time with its unit (ms, s, m, h) from "
        + "0s to 240h.")]
    [InlineData(
        "checkpoint.keep = 0", "checkpoint.keep = \"0\" is out of range; allowed: a whole number from 1 to 100000.")]
    [InlineData("training.epochs = many",
        "job.conf: training.epochs = \"many\" is not a whole number; allowed: a whole number from 1 to 1000000000.")]
    [InlineData("training.epochs = 0", "is out of range")]
    [InlineData("training.epochs = 1.5", "is not a whole number")]
    [InlineData("training.epochs = -3", "is out of range")]
    [InlineData("training.epochs = 99999999999999999999", "is out of range")]
    [InlineData("training.epochs = [1]", "training.epochs is a list")]
    [InlineData("training.epochs { a = 1 }", "training.epochs is a section")]
    [InlineData("training = 5", "training is not a section")]
    [InlineData("training.seed = -1", "is out of range")]
    [InlineData("training.shuffle = maybe", "is not a truth value")]
    [InlineData("optimizer.learning-rate = NaN", "allowed: a number above 0")]
    [InlineData("optimizer.learning-rate = Infinity", "optimizer.learning-rate")]
    [InlineData("optimizer.learning-rate = 1e999", "is not finite")]
    [InlineData("optimizer.learning-rate = 0", "is out of range")]
    [InlineData("optimizer.learning-rate = -0.1", "is out of range")]
    [InlineData("optimizer.learning-rate = \"0,1\"", "is not a number")]
    [InlineData("optimizer.kind = adamm", "is not known (did you mean adam?); allowed: sgd, adam, adamw, rmsprop")]
    [InlineData(
        "data.class-weights = fair", "data.class-weights = \"fair\" is not known; allowed: none, balanced, or names")]
    [InlineData("data.class-weights { yes = -1 }", "data.class-weights.yes = \"-1\" is no weight; allowed: 0 and")]
    [InlineData("data.class-weights = [1, 2]", "data.class-weights is not a section; allowed: names and values")]
    [InlineData("optimizer = 7", "optimizer.kind = \"7\" is not known")]
    [InlineData(
        "optimizer { nesterov = true\n kind = sgd }", "optimizer.nesterov = true needs optimizer.momentum above 0")]
    [InlineData(
        "optimizer { nesterov = true\n kind = sgd\n momentum = 0.9\n dampening = 0.1 }",
        "needs optimizer.dampening = 0")]
    [InlineData(
        "optimizer.momentum = 0.9", "optimizer.momentum = 0.9 has no effect here; it counts only with sgd and rmsprop")]
    [InlineData("model.loss { kind = mse\n label-smoothing = 0.1 }",
        "model.loss.label-smoothing = 0.1 has no effect here; it counts only with cross-entropy")]
    [InlineData("data.validation-fraction = 0\nschedule.kind = plateau",
        "schedule.kind = reduce-on-plateau watches the validation loss")]
    [InlineData("data.validation-fraction = 0\ntraining.early-stopping.patience = 3",
        "training.early-stopping.patience above 0 watches the validation loss")]
    [InlineData("data.validation-fraction = 0.5\ndata.test-fraction = 0.5", "leave nothing to train on")]
    [InlineData("data.task = regression", "does not fit model.loss.kind")]
    [InlineData("data.normalize-targets = true", "only on regression targets")]
    [InlineData("data.source = \"\"", "is empty")]
    [InlineData("data.delimiter = \";;\"", "is not one character")]
    [InlineData("schedule.kind = multi-step", "schedule.milestones is missing")]
    [InlineData("schedule { kind = multi-step\n milestones = [3, 3] }", "must rise")]
    [InlineData("schedule { kind = cosine\n minimum-rate = 1 }", "above optimizer.learning-rate")]
    [InlineData("model.layers = []", "model.layers is missing")]
    [InlineData("model.layers = 3", "model.layers is not a list")]
    [InlineData("model.members = 0", "model.members = \"0\" is out of range; allowed: a whole number from 1 to 64.")]
    [InlineData("model.members = 65", "is out of range")]
    [InlineData("model.layers = [ {}, {} ]", "model.layers[0].units is missing; only the last layer may leave it out")]
    [InlineData("model.layers = [ { activation = softmax } ]",
        "model.layers[0].activation = \"softmax\" is part of the cross-entropy loss")]
    [InlineData("model.layers = [ { activation = reul } ]", "did you mean relu?")]
    [InlineData("model.layers = [ { activation = sigmoid } ]", "leave it out")]
    [InlineData("model.layers = [ { unit = 3 } ]",
        "\"model.layers[0].unit\" is not a known key; did you mean model.layers[0].units?")]
    [InlineData("model.layers = [ { dropout = 1 } ]", "model.layers[0].dropout = \"1\" is out of range")]
    [InlineData("model.layers = [ { leaky-slope = 0.2 } ]", "only with leaky-relu")]
    [InlineData("a = \"open", "job.conf:2:5: the quote is not closed on its line")]
    [InlineData("training {\n epochs = 1", "job.conf:2:10: '{' is never closed")]
    [InlineData("training { epochs = 1 } }", "job.conf:2:25: '}' closes nothing")]
    [InlineData("training { epochs = [1 } ]", "'}' closes the '[' of 2:21")]
    [InlineData("training.epochs = ${N}", "job.conf:2:19: substitutions")]
    [InlineData("a = [ ${?X} ]", "substitutions")]
    [InlineData("include \"other\"", "the key has no value")]
    [InlineData("data.ignore += x", "+= is not supported")]
    [InlineData("training { epochs = 1 seed = 2 }",
        "job.conf:2:28: '=' in a value; put the next key on a line of its own or behind a comma")]
    [InlineData("training { epochs = 1 } x", "text behind a closing bracket")]
    [InlineData("model.layers = [ {} ] x", "put the next key on a line of its own")]
    [InlineData("model.layers = [ { units } ]", "has no value")]
    [InlineData("model.layers = [ { { units = 3 } } ]", "there is no key before '{'")]
    [InlineData("training.epochs = ", "the last key has no value")]
    [InlineData("= 3", "there is no key before '='")]
    [InlineData("model.layers = [,]", "no value before ','")]
    [InlineData("model.layers = [ {} {} ]", "write a comma before it")]
    [InlineData("data.source = @", "'@' must be in quotes")]
    public void A_mistake_is_named_with_its_place_value_and_what_is_allowed(string text, string expected)
    {
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => JobFile.Read(new JobSource(Layers + text, "job.conf")));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("job.conf", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void A_mistake_in_an_option_names_the_option()
    {
        JobSource job = new(Layers, "job.conf");
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => JobFile.Read(job, JobSource.FromOption("training.epochs", "0\" x", "--epochs")));
        Assert.StartsWith(
            "--epochs: training.epochs = \"0\" x\" is not a whole number", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_nesting_endless_dots_and_megabytes_are_refused_at_once()
    {
        string[] texts =
        [
            string.Concat(Enumerable.Repeat("a{", 100_000)) + new string('}', 100_000),
            "a = " + new string('[', 100_000),
            string.Join('.', Enumerable.Repeat("a", 100_000)) + " = 1",
            "a = " + new string('x', 5_000_000),
        ];
        Assert.All(
            texts, text =>
            Assert.Equal(
                FailureKind.Configuration,
                Assert.Throws<DistTrainerException>(() => JobFile.Read(new JobSource(text, "x"))).Kind));
    }

    [Fact]
    public void Damaged_job_files_give_a_job_or_a_configuration_failure()
    {
        string whole = JobFile.Read(new JobSource(Layers, "x")).Write(comments: true);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[0, 12], Gen.String["{}[]\"=:,.#/$\\\n ax0"]
            .Select(text => text[..Math.Min(text.Length, 3)])).Array[1, 3].Sample(edits =>
        {
            string text = whole;
            foreach ((int at, int cut, string put) in edits)
            {
                int start = Math.Min(at, text.Length);
                text = text[..start] + put + text[Math.Min(text.Length, start + cut)..];
            }

            try
            {
                JobFile.Read(new JobSource(text, "x"));
            }
            catch (DistTrainerException failure) when (failure.Kind == FailureKind.Configuration)
            {
                Assert.DoesNotContain('\n', failure.Message);
            }
        }, iter: 1000);
    }

    [Fact]
    public void A_file_that_is_missing_or_not_text_is_a_configuration_failure()
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, [0x61, 0xFF, 0xFE]);
        Assert.Contains("is not UTF-8 text", Assert.Throws<DistTrainerException>(() => JobSource.FromFile(path))
            .Message, StringComparison.Ordinal);
        File.Delete(path);
        Assert.Equal(
            FailureKind.Configuration, Assert.Throws<DistTrainerException>(() => JobSource.FromFile(path)).Kind);
    }
}
