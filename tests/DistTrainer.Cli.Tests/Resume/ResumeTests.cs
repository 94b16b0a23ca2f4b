using System.Diagnostics;
using System.Text.Json;
using DistTrainer.Engine;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.Cli.Tests.Resume;

/// <summary>Stopped, failed and killed runs go on to the same bits.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly ResumeRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    public async Task A_run_that_ended_early_goes_on_with_other_workers_and_parameter_shards_to_the_same_bits(
        int workers, int parameterShards)
    {
        await _rig.Train("--max-steps", "23", "--workers", "2", "--parameter-shards", "3");
        CliRun resumed = await _rig.Resume(
            "--max-steps", "0", "--workers", Numbers.Text(workers), "--parameter-shards",
            Numbers.Text(parameterShards));
        Assert.Equal(await _rig.WholeHash(), ResumeRig.Hash(resumed));
        Assert.Contains("goes on after step 20 from ", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("completed epochs=8 steps=56 ", resumed.Output, StringComparison.Ordinal);
        await AssertLedgerIsFine(56);
        AssertMetricsAreOnce();
    }

    [Theory]
    [InlineData(130)]
    [InlineData(143)]
    public async Task A_signal_leaves_a_checkpoint_of_the_last_step_says_how_to_go_on_and_nothing_is_computed_twice(
        int code)
    {
        using StopSignals signals = new();
        CliRun stopped = await _rig.Train(
            report =>
            {
                if (report.Step >= 12)
                    signals.Raise(code);
            },
            signals);
        Assert.Equal(code, stopped.Code);
        Assert.Contains($"to go on: disttrainer resume {_rig.Run}\n", stopped.Output, StringComparison.Ordinal);
        Assert.Equal(await _rig.WholeHash(), ResumeRig.Hash(await _rig.Resume()));
        await AssertLedgerIsFine(56);
        AssertMetricsAreOnce();
    }

    [Fact]
    public async Task A_run_that_failed_keeps_its_checkpoints_and_says_how_to_go_on()
    {
        CliRun failed = await _rig.Train(report =>
        {
            if (report.Step >= 20 && _rig.Checkpoints.List().Count > 0)
                throw new DistTrainerException(FailureKind.Internal, "It failed.");
        });
        Assert.Equal(1, failed.Code);
        Assert.Contains("disttrainer resume " + _rig.Run, failed.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_rig.Run, "run.json")));
        Assert.False(File.Exists(Path.Combine(_rig.Run, "run.lock")));
        Assert.Equal(await _rig.WholeHash(), ResumeRig.Hash(await _rig.Resume()));
        await AssertLedgerIsFine(56);
    }

    [Fact]
    public async Task A_process_killed_with_9_goes_on_from_its_newest_checkpoint_and_its_lock_is_no_hindrance()
    {
        string[] args =
            ["train", "--data", "iris", "--epochs", "100000", "--checkpoint-every-steps", "20", "--report-every", "7",
            "--quiet", "--output", _rig.Run];
        using (Process process = Process.Start("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "disttrainer.dll"), .. args]))
        {
            for (int wait = 0; _rig.Checkpoints.List().Count < 3 && wait < 6000; wait++)
                await Task.Delay(10);
            process.Kill();
            await process.WaitForExitAsync();
        }
        Assert.True(File.Exists(Path.Combine(_rig.Run, "run.lock")));
        using CheckpointReader? newest = _rig.Checkpoints.OpenNewest().Reader;
        string steps = Numbers.Text(newest!.Manifest.Step + 30);
        CliRun resumed = await _rig.Resume("--max-steps", steps, "--workers", "1");
        CliRun whole = await CliRun.Of(
            new CliServices(), ["train", "--data", "iris", "--max-steps", steps, "--epochs", "100000", "--quiet",
            "--output", Path.Combine(_rig.Folder, "whole")]);
        Assert.Equal(ResumeRig.Hash(whole), ResumeRig.Hash(resumed));
        await AssertLedgerIsFine(newest.Manifest.Step + 30);
    }

    [Fact]
    public async Task A_complete_run_says_so_and_can_be_made_longer()
    {
        string hash = ResumeRig.Hash(await _rig.Train());
        CliRun again = await _rig.Resume();
        Assert.Equal(
            (0, $"{_rig.Run} is complete: epochs=8 steps=56 parameters sha256={hash}\n"), (again.Code, again.Output));
        Assert.Equal(await _rig.WholeHash("--epochs", "10"), ResumeRig.Hash(await _rig.Resume("--epochs", "10")));
        await AssertLedgerIsFine(70);
    }

    [Fact]
    public async Task A_damaged_newest_checkpoint_is_named_and_the_older_one_taken()
    {
        await _rig.Train("--max-steps", "23");
        string damaged = ResumeRig.Damage(_rig.Checkpoints.List()[0]);
        CliRun resumed = await _rig.Resume("--max-steps", "0");
        Assert.Contains(
            $"checkpoint {Path.GetDirectoryName(damaged)} is refused: {damaged}: has the CRC-32C", resumed.Error,
            StringComparison.Ordinal);
        Assert.Contains("goes on after step 15 from", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(await _rig.WholeHash(), ResumeRig.Hash(resumed));
        await AssertLedgerIsFine(56);
        using CheckpointReader? newest = _rig.Checkpoints.OpenNewest().Reader;
        Assert.Equal(55, newest!.Manifest.Step);
    }

    private async Task AssertLedgerIsFine(long steps)
    {
        CliRun ledger = await CliRun.Of("inspect", _rig.Run, "--ledger");
        Assert.Equal((0, ""), (ledger.Code, ledger.Error));
        Assert.Contains($"ledger fine: steps={Numbers.Text(steps)} ", ledger.Output, StringComparison.Ordinal);
    }

    private void AssertMetricsAreOnce()
    {
        (string Type, long Step)[] lines =
        [
            .. File.ReadAllLines(Path.Combine(_rig.Run, "metrics.jsonl"))
                .Select(line => JsonDocument.Parse(line).RootElement)
                .Select(line => (line.GetProperty("type").GetString()!, line.GetProperty("step").GetInt64())),
        ];
        Assert.Equal(lines.Distinct(), lines);
        Assert.Equal(
            Enumerable.Range(1, 8).Select(epoch => 7L * epoch), lines.Where(line => line.Type == "epoch")
            .Select(line => line.Step));
        Assert.Equal(lines.Where(line => line.Type == "step").Select(line => line.Step)
            .Order(), lines.Where(line => line.Type == "step").Select(line => line.Step));
    }
}
