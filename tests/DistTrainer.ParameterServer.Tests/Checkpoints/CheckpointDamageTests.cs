using DistTrainer.Engine;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

/// <summary>C3: whatever happened to the files of a checkpoint, it is refused, and the older one is taken.</summary>
public sealed class CheckpointDamageTests : IDisposable
{
    private readonly CheckpointRig _rig = new();
    private readonly string _older;
    private readonly string _newer;

    public CheckpointDamageTests()
    {
        using ShardRig rig = CheckpointRig.Trained(1);
        _older = _rig.Save(rig);
        rig.Step(2, [new TreeNode(0, 1)]);
        _newer = _rig.Save(rig);
    }

    private string ManifestPath => Path.Combine(_newer, ManifestFile.Name);

    [Fact]
    public void Every_single_bit_flipped_is_found()
    {
        foreach (string path in Directory.GetFiles(_newer))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            for (int bit = 0; bit < 8 * bytes.Length; bit++)
            {
                WriteByte(file, bit / 8, (byte)(bytes[bit / 8] ^ (1 << (bit % 8))));
                AssertRefused(path);
                if (bit % 199 == 0)
                    AssertOlderIsTaken(path);
                WriteByte(file, bit / 8, bytes[bit / 8]);
            }
        }
        CheckpointRig.Verify(_newer);
    }

    [Fact]
    public void Truncation_at_each_byte_is_found()
    {
        foreach (string path in Directory.GetFiles(_newer))
        {
            byte[] bytes = File.ReadAllBytes(path);
            for (int length = bytes.Length - 1; length >= 0; length--)
            {
                using (FileStream file = File.OpenWrite(path))
                    file.SetLength(length);
                AssertRefused(path);
                AssertOlderIsTaken(path);
            }
            File.WriteAllBytes(path, bytes);
        }
        CheckpointRig.Verify(_newer);
    }

    [Fact]
    public void Appended_bytes_are_found()
    {
        foreach (string path in Directory.GetFiles(_newer))
        {
            byte[] bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, [.. bytes, 0]);
            AssertRefused(path);
            AssertOlderIsTaken(path);
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public void Swapped_files_of_one_length_are_found()
    {
        // Both parts are of rows of equal shapes, so only names and content tell them apart.
        using var folder = new CheckpointRig();
        using ShardRig rig =
            CheckpointRig.Trained(
                1, 2, new ParameterLayout([new ParameterTensor("0.weight", ParameterKind.Weight, 0, [4, 3], 0)]));
        string checkpoint = folder.Save(rig);
        string[] parts = [.. Directory.GetFiles(checkpoint, "*.safetensors").Order()];
        Assert.Equal(new FileInfo(parts[0]).Length, new FileInfo(parts[1]).Length);
        File.Move(parts[0], parts[0] + ".x");
        File.Move(parts[1], parts[0]);
        File.Move(parts[0] + ".x", parts[1]);
        DistTrainerException refused = Refused(checkpoint);
        Assert.StartsWith(parts[0], refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_of_another_step_is_found()
    {
        string name = Path.GetFileName(Directory.GetFiles(_newer, "*.safetensors")[0]);
        File.Copy(Path.Combine(_older, name), Path.Combine(_newer, name), overwrite: true);
        AssertRefused(Path.Combine(_newer, name));
        AssertOlderIsTaken(Path.Combine(_newer, name));
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        foreach (string path in Directory.GetFiles(_newer))
        {
            File.Move(path, _rig.Checkpoints + "/away");
            AssertRefused(path);
            AssertOlderIsTaken(path);
            File.Move(_rig.Checkpoints + "/away", path);
        }
    }

    [Fact]
    public void An_extra_file_folder_or_link_is_named()
    {
        string extra = Path.Combine(_newer, "extra");
        File.WriteAllText(extra, "");
        AssertRefused(extra);
        AssertOlderIsTaken(extra);
        File.Delete(extra);
        Directory.CreateDirectory(extra);
        AssertRefused(extra);
        Directory.Delete(extra);
        string part = Directory.GetFiles(_newer, "*.safetensors")[0];
        File.Move(part, _rig.Checkpoints + "/away");
        File.CreateSymbolicLink(part, _rig.Checkpoints + "/away");
        AssertRefused(part);
    }

    [Fact]
    public void A_checkpoint_under_another_steps_name_is_not_taken()
    {
        Directory.Move(_newer, _rig.Checkpoints + "/step-000000009");
        NewestCheckpoint newest = _rig.Store.OpenNewest();
        using CheckpointReader reader = newest.Reader!;
        Assert.Equal(_older, reader.Folder);
        Assert.Contains("is of step 2", newest.Refused.Single().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../away.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..\\away.safetensors")]
    [InlineData("checkpoint.json")]
    [InlineData("parameters-0002-of-0002.safetensors")]
    [InlineData("")]
    public void A_manifest_that_names_another_file_is_refused_before_anything_is_opened(string name)
    {
        Rewrite(manifest => manifest with
        {
            Files = [manifest.Files[0] with { Name = name }, .. manifest.Files.Skip(1)],
        });
        AssertRefused(ManifestPath);
        AssertOlderIsTaken(ManifestPath);
    }

    [Fact]
    public void A_manifest_that_contradicts_itself_is_refused()
    {
        Func<CheckpointManifest, CheckpointManifest>[] lies =
        [
            manifest => manifest with { Step = -1 },
            manifest => manifest with { Run = "" },
            manifest => manifest with { Files = [] },
            manifest => manifest with { Files = [.. manifest.Files, .. manifest.Files] },
            manifest => manifest with
            {
                Files = [manifest.Files[0] with { End = int.MaxValue }, .. manifest.Files.Skip(1)],
            },
            manifest => manifest with { Files = [manifest.Files[0] with { Start = -1 }, .. manifest.Files.Skip(1)] },
            manifest => manifest with { Files = [null!, null!] },
            manifest => manifest with { Layout = [] },
            manifest => manifest with { Layout = [null!] },
            manifest => manifest with { Layout = [manifest.Layout[0], .. manifest.Layout] },
            manifest => manifest with
            {
                Layout = [manifest.Layout[0] with { Shape = [int.MaxValue, int.MaxValue, int.MaxValue] }],
            },
            manifest => manifest with { Layout = [manifest.Layout[0] with { Shape = [0] }] },
            manifest => manifest with { Optimizer = manifest.Optimizer with { Slots = ["../x"] } },
            manifest => manifest with { Optimizer = manifest.Optimizer with { Slots = ["best"] } },
            manifest => manifest with { Optimizer = manifest.Optimizer with { Slots = [null!] } },
            manifest => manifest with { Optimizer = manifest.Optimizer with { Slots = ["a", "a"] } },
            manifest => manifest with { Position = manifest.Position with { StepsPerEpoch = 0 } },
        ];
        byte[] bytes = File.ReadAllBytes(ManifestPath);
        foreach (Func<CheckpointManifest, CheckpointManifest> lie in lies)
        {
            Rewrite(lie);
            AssertRefused(ManifestPath);
            File.WriteAllBytes(ManifestPath, bytes);
        }
    }

    [Fact]
    public void A_manifest_that_does_not_fit_its_parts_is_refused()
    {
        Func<CheckpointManifest, CheckpointManifest>[] lies =
        [
            manifest => manifest with { HasBest = true },
            manifest => manifest with { Run = "another" },
            manifest => manifest with { ParameterHash = new string('0', 64) },
            manifest => manifest with { Optimizer = manifest.Optimizer with { Slots = ["exp_avg", "exp_avg_sr"] } },
            manifest => manifest with
            {
                Layout =
                    [manifest.Layout[0] with { Name = "1.weight" }, .. manifest.Layout.Skip(2), manifest.Layout[1]],
            },
            manifest => manifest with
            {
                Layout = [manifest.Layout[0] with { Shape = [3, 2] }, .. manifest.Layout.Skip(1)],
            },
        ];
        byte[] bytes = File.ReadAllBytes(ManifestPath);
        foreach (Func<CheckpointManifest, CheckpointManifest> lie in lies)
        {
            Rewrite(lie);
            AssertRefused(_newer);
            File.WriteAllBytes(ManifestPath, bytes);
        }
    }

    [Fact]
    public void A_newer_format_is_refused_with_both_versions()
    {
        Rewrite(manifest => manifest with { FormatVersion = 2 });
        AssertRefused(ManifestPath);
        Assert.Contains(
            "has format 2; this program reads formats 1 to 1", Refused(_newer).Message, StringComparison.Ordinal);
        AssertOlderIsTaken(ManifestPath);
    }

    [Fact]
    public void A_manifest_that_is_too_long_is_not_read()
    {
        using (FileStream file = File.OpenWrite(ManifestPath))
            file.SetLength(10L << 30); // a hole: takes no room
        AssertRefused(ManifestPath);
    }

    [Fact]
    public void A_damaged_part_is_found_by_the_parameter_shard_that_reads_it_and_by_no_other()
    {
        CheckpointManifest manifest = ManifestFile.Read(ManifestPath);
        string second = Path.Combine(_newer, manifest.Files[1].Name);
        using (FileStream file = File.OpenWrite(second))
        {
            file.Seek(-1, SeekOrigin.End);
            file.WriteByte(0xee);
        }
        using CheckpointReader reader = CheckpointReader.Open(_newer);
        reader.Read(new ParameterShardCopy(manifest.Files[0].Start, manifest.Files[0].End, manifest.Optimizer.Slots));
        var copy = new ParameterShardCopy(manifest.Files[1].Start, manifest.Files[1].End, manifest.Optimizer.Slots);
        Assert.StartsWith(
            second, Assert.Throws<DistTrainerException>(() => reader.Read(copy)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _rig.Dispose();

    private static void WriteByte(FileStream file, int position, byte value) =>
        RandomAccess.Write(file.SafeFileHandle, [value], position);

    private static DistTrainerException Refused(string folder) =>
        Assert.Throws<DistTrainerException>(() => CheckpointRig.Verify(folder));

    private void Rewrite(Func<CheckpointManifest, CheckpointManifest> change) =>
        File.WriteAllBytes(ManifestPath, ManifestFile.Encode(change(ManifestFile.Read(ManifestPath))));

    private void AssertRefused(string path)
    {
        DistTrainerException refused = Refused(_newer);
        Assert.Equal(FailureKind.ModelFile, refused.Kind);
        Assert.StartsWith(path, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    private void AssertOlderIsTaken(string path)
    {
        NewestCheckpoint newest = _rig.Store.OpenNewest();
        using CheckpointReader reader = newest.Reader!;
        Assert.Equal(_older, reader.Folder);
        Assert.StartsWith(path, newest.Refused.Single().Reason, StringComparison.Ordinal);
    }
}
