using DistTrainer.Cli.Runs;
using Xunit;

namespace DistTrainer.Cli.Tests.Resume;

/// <summary>What cannot go on says why, and is left as it was.</summary>
public sealed class ResumeRefusalTests : IDisposable
{
    private readonly ResumeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData("model.layers=[{units=9,activation=relu},{}]", 4,
        "step-000000020: has weight tensor 0.weight of shape [64, 4]; the job has weight tensor 0.weight of shape [9, "
        + "4] there")]
    [InlineData("optimizer.kind=rmsprop", 4,
        "step-000000020: has the optimizer adam with exp_avg, exp_avg_sq; the job has rmsprop with")]
    [InlineData("optimizer.learning-rate=0.5", 2, "--set: the run was begun with another \"learning-rate = ")]
    [InlineData("training.batch-size=8", 2, "--set: the run was begun with another \"batch-size = 16\"")]
    [InlineData("training.seed=3", 2, "--set: the run was begun with another \"seed = ")]
    [InlineData("training.epoch=3", 2, "did you mean training.epochs?")]
    public async Task Other_layers_optimizers_and_settings_are_refused_and_named(string set, int code, string what)
    {
        await _rig.Train("--max-steps", "23");
        string[] before = Files();
        CliRun run = await _rig.Resume("--max-steps", "0", "--set", set);
        Assert.Equal(code, run.Code);
        Assert.Contains(what, run.Error, StringComparison.Ordinal);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task Other_data_are_refused_with_both_hashes()
    {
        string csv = Path.Combine(_rig.Folder, "data.csv");
        string rows = string.Concat(Enumerable.Range(0, 60).Select(i => $"{i}.5,{i % 7},{(i % 2 == 0 ? "a" : "b")}\n"));
        File.WriteAllText(csv, rows);
        await _rig.Train("--data", csv, "--max-steps", "6");
        File.WriteAllText(csv, rows.Replace("33.5", "34.5", StringComparison.Ordinal));
        string[] before = Files();
        CliRun run = await _rig.Resume("--max-steps", "0");
        Assert.Equal(3, run.Code);
        Assert.Matches(
            "step-000000005: was written with data of hash [0-9a-f]{64}; the data here have [0-9a-f]{64}: resume with "
            + "the same files", run.Error);
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task Without_a_checkpoint_that_can_be_used_it_is_said_how_to_begin_anew()
    {
        await _rig.Train("--max-steps", "8");
        ResumeRig.Damage(Assert.Single(_rig.Checkpoints.List()));
        CliRun damaged = await _rig.Resume("--max-steps", "0");
        Assert.Equal(4, damaged.Code);
        Assert.Contains(
            "none of its 1 checkpoints can be used; begin anew: disttrainer train --config", damaged.Error,
            StringComparison.Ordinal);
        Directory.Delete(Path.Combine(_rig.Run, "checkpoints"), recursive: true);
        CliRun none = await _rig.Resume("--max-steps", "0");
        Assert.Equal(2, none.Code);
        Assert.Contains(
            "has no checkpoint to go on from; begin anew: disttrainer train --config", none.Error,
            StringComparison.Ordinal);
        Directory.Delete(_rig.Run, recursive: true);
        Assert.Equal(
            (2, $"error: {_rig.Run}: there is no such run folder.\n"),
            ((await _rig.Resume()).Code, (await _rig.Resume()).Error));
        Directory.CreateDirectory(_rig.Run);
        Assert.Contains("is no run folder", (await _rig.Resume()).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_another_run_writes_into_is_refused_and_left_alone()
    {
        await _rig.Train("--max-steps", "23");
        using (RunLock.Take(_rig.Run))
        {
            CliRun resumed = await _rig.Resume("--max-steps", "0");
            Assert.Equal(2, resumed.Code);
            Assert.Contains(
                $"error: {_rig.Run}: another run writes into this folder (process={Environment.ProcessId} host=",
                resumed.Error, StringComparison.Ordinal);
            CliRun begun = await _rig.Train();
            Assert.Equal(2, begun.Code);
            Assert.Contains("another run writes into this folder", begun.Error, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(_rig.Run, "run.json")));
        }
        Assert.Equal(0, (await _rig.Resume("--max-steps", "0")).Code);
    }

    [Theory]
    [InlineData("--workers counts only with RUN", "resume", "--workers", "2")]
    [InlineData("--quiet counts only with RUN", "resume", "--quiet")]
    [InlineData(
        "--workers counts only without --cluster", "resume", "run", "--workers", "2", "--cluster", "127.0.0.1:1")]
    [InlineData("run.workers = \"0\" is out of range", "resume", "RUN", "--workers", "0")]
    public async Task Options_that_would_have_no_effect_are_refused(string what, params string[] args)
    {
        await _rig.Train("--max-steps", "6");
        CliRun run = await CliRun.Of([.. args.Select(arg => arg == "RUN" ? _rig.Run : arg)]);
        Assert.Equal(2, run.Code);
        Assert.Contains(what, run.Error, StringComparison.Ordinal);
    }

    // Names and times of writing: whoever is refused changes neither.
    private string[] Files() =>
        [.. Directory.GetFiles(_rig.Run, "*", SearchOption.AllDirectories).Order()
        .Select(path => $"{path} {File.GetLastWriteTimeUtc(path):O}")];
}
