using Xunit;

namespace DistTrainer.Cli.Tests.Resume;

/// <summary>What <c>inspect --verify</c> and <c>--ledger</c> find.</summary>
public sealed class InspectRunTests : IDisposable
{
    private readonly ResumeRig _rig = new();

    private string Ledger => Path.Combine(_rig.Run, "ledger.jsonl");

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Verify_has_a_line_for_every_checkpoint_and_the_model_and_fails_where_the_newest_or_the_model_is_damaged()
    {
        await _rig.Train("--max-steps", "23");
        CliRun fine = await Inspect("--verify");
        Assert.Equal((0, ""), (fine.Code, fine.Error));
        Assert.Equal(
            [.. _rig.Checkpoints.List().Append(Path.Combine(_rig.Run, "model.safetensors"))
                .Select(path => $"{path} fine: ")],
            fine.Output.TrimEnd('\n').Split('\n')
                .Select(line => line[..(line.IndexOf("fine: ", StringComparison.Ordinal) + 6)]));

        string older = ResumeRig.Damage(_rig.Checkpoints.List()[1]);
        CliRun usable = await Inspect("--verify");
        Assert.Equal(0, usable.Code);
        Assert.Contains(
            $"{Path.GetDirectoryName(older)} refused: {older}: has the CRC-32C", usable.Output,
            StringComparison.Ordinal);

        string newest = ResumeRig.Damage(_rig.Checkpoints.List()[0]);
        CliRun damaged = await Inspect("--verify");
        Assert.Equal(4, damaged.Code);
        Assert.StartsWith($"error: {newest}: has the CRC-32C", damaged.Error, StringComparison.Ordinal);

        Directory.Delete(Path.Combine(_rig.Run, "checkpoints"), recursive: true);
        Assert.Equal(0, (await Inspect("--verify")).Code);
        string model = Path.Combine(_rig.Run, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(model);
        bytes[^1] ^= 1;
        File.WriteAllBytes(model, bytes);
        CliRun broken = await Inspect("--verify");
        Assert.Equal(4, broken.Code);
        Assert.Contains($"{model} refused: ", broken.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ledger_of_a_whole_run_proves_each_epoch()
    {
        await _rig.Train("--max-steps", "23");
        CliRun run = await Inspect("--ledger");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(
            """
            epoch 1: 105 samples, each counted once
            epoch 2: 105 samples, each counted once
            epoch 3: 105 samples, each counted once
            epoch 4: 32 samples up to step 23, none twice
            ledger fine: steps=23 whole-epochs=3, every step counted once and in order

            """, run.Output);
    }

    [Fact]
    public async Task A_line_that_is_missing_double_or_changed_is_named_with_its_step()
    {
        await _rig.Train("--max-steps", "23");
        string[] lines = File.ReadAllLines(Ledger);
        await Refused([.. lines[..2], .. lines[3..]], ":3: begins with step 6; step 4 is missing");
        await Refused([.. lines[..3], .. lines[2..]], ":4: counts step 4 twice");
        await Refused([lines[0], lines[2], lines[1], .. lines[3..]], ":2: begins with step 4; step 1 is missing");
        await Refused(
            [.. lines[..3], lines[3].Replace("\"samples\":3", "\"samples\":2", StringComparison.Ordinal)
            .Replace("\"samples\":1", "\"samples\":2", StringComparison.Ordinal), .. lines[4..]], ":4: counts 2");
        await Refused([lines[0].Replace("105", "104", StringComparison.Ordinal), .. lines[1..]], ":2: has the hash ");
        await Refused(lines[..^1], ": ends with step 21; run.json says 23 steps: step 22 is missing");
        await Refused([], ": is empty");
        await Refused(["nonsense"], ":1: is no ledger's header");
        File.Delete(Ledger);
        Assert.Contains("ledger.jsonl: is not there", (await Inspect("--ledger")).Error, StringComparison.Ordinal);
    }

    private Task<CliRun> Inspect(string what) => CliRun.Of("inspect", _rig.Run, what);

    private async Task Refused(string[] lines, string what)
    {
        File.WriteAllLines(Ledger, lines);
        CliRun run = await Inspect("--ledger");
        Assert.Equal(4, run.Code);
        Assert.Contains($"error: {Ledger}{what}", run.Error, StringComparison.Ordinal);
    }
}
