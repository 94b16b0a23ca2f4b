using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

public sealed class CheckpointWriterTests : IDisposable
{
    private readonly CheckpointRig _rig = new();

    [Fact]
    public void A_checkpoint_holds_manifest_and_parts_and_nothing_else_is_left()
    {
        using ShardRig rig = CheckpointRig.Trained(12);
        string folder = _rig.Save(rig);
        Assert.Equal([folder], Directory.GetFileSystemEntries(_rig.Checkpoints));
        Assert.Equal("step-000000012", Path.GetFileName(folder));
        Assert.Equal(
            ["checkpoint.json", "parameters-0001-of-0002.safetensors", "parameters-0002-of-0002.safetensors"],
            Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order());
        CheckpointRig.Verify(folder);
    }

    [Fact]
    public void What_the_coordinator_knows_comes_back_to_the_last_digit()
    {
        using ShardRig rig = CheckpointRig.Trained(1);
        using CheckpointReader reader = CheckpointReader.Open(_rig.Save(rig, validationLoss: double.NaN));
        CheckpointManifest given = CheckpointRig.Manifest(rig, double.NaN), found = reader.Manifest;
        Assert.Equal(
            ManifestFile.Encode(given with { Files = found.Files, ParameterHash = found.ParameterHash }),
            ManifestFile.Encode(found));
        Assert.Equal(0.1 + 0.2, found.Position.Sums["loss"]);
        Assert.Equal(ulong.MaxValue, found.Seeds.Training);
        Assert.Equal(given.Job, found.Job);
        Assert.Equal(ParameterHash.Compute(rig.Parameters), found.ParameterHash);
    }

    [Fact]
    public void A_part_is_a_safetensors_file_with_tensors_a_person_knows()
    {
        using ShardRig rig = CheckpointRig.Trained(1, 2, ShardRig.Layout);
        foreach (ParameterShard shard in rig.Shards)
            shard.KeepBest();
        string folder = _rig.Save(rig);
        string[] parts = [.. Directory.GetFiles(folder, "*.safetensors").Order()];
        Assert.Equal(["0.weight[0:33]", "exp_avg/0.weight[0:33]", "exp_avg_sq/0.weight[0:33]", "best/0.weight[0:33]"],
            SafeTensorsFile.Read(parts[0]).Tensors.Select(tensor => tensor.Name));
        IReadOnlyList<NamedTensor> second = SafeTensorsFile.Read(parts[1]).Tensors;
        Assert.Equal(["0.weight[33:40]", "0.bias", "1.weight", "1.bias"], second.Take(4).Select(tensor => tensor.Name));
        Assert.Equal([7, 13], second[0].Shape);
        Assert.Equal(rig.Parameters.Slice(33 * 13, 7 * 13), second[0].Values.Span);
        Assert.Equal(rig.Shards[1].Slot("exp_avg")[..(7 * 13)], second[4].Values.Span);
    }

    [Fact]
    public void Any_stretch_of_the_parameters_can_be_read_alone()
    {
        using ShardRig rig = CheckpointRig.Trained(2, 3);
        using CheckpointReader reader = CheckpointReader.Open(_rig.Save(rig));
        int length = rig.Parameters.Length;
        for (int start = 0; start <= length; start++)
        {
            for (int end = start; end <= length; end++)
            {
                float[] found = new float[end - start];
                reader.ReadParameters(start, found);
                Assert.Equal(rig.Parameters[start..end], found);
            }
        }
        Assert.Throws<ArgumentException>(() => reader.ReadParameters(-1, new float[1]));
        Assert.Throws<ArgumentException>(() => reader.ReadParameters(1, new float[length]));
    }

    [Fact]
    public void Checkpoints_of_another_job_are_refused_with_tensor_and_shapes()
    {
        using ShardRig rig = CheckpointRig.Trained(1);
        string folder = _rig.Save(rig);
        string Refusal(ParameterLayout layout)
        {
            using CheckpointReader reader = CheckpointReader.Open(folder);
            var refused = Assert.Throws<DistTrainerException>(() => reader.RequireFit(layout, rig.Job));
            Assert.Equal(FailureKind.ModelFile, refused.Kind);
            Assert.StartsWith(folder, refused.Message, StringComparison.Ordinal);
            return refused.Message;
        }

        Assert.Contains(
            "has weight tensor 1.weight of shape [1, 2]; the job has weight tensor 1.weight of shape [4, 2]",
            Refusal(ShardRig.MakeLayout((2, 3), (4, 2))), StringComparison.Ordinal);
        Assert.Contains("has no tensor; the job has weight tensor 2.weight of shape [1, 1]",
            Refusal(ShardRig.MakeLayout((2, 3), (1, 2), (1, 1))), StringComparison.Ordinal);
        Assert.Contains(
            "has weight tensor 1.weight of shape [1, 2]; the job has no tensor", Refusal(ShardRig.MakeLayout((2, 3))),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "adamw", false, "has the optimizer adam with exp_avg, exp_avg_sq; the job has adamw with exp_avg, exp_avg_sq")]
    [InlineData(
        "adam", true,
        "has the optimizer adam with exp_avg, exp_avg_sq; the job has adam with exp_avg, exp_avg_sq, max_exp_avg_sq")]
    [InlineData("sgd", false, "has the optimizer adam with exp_avg, exp_avg_sq; the job has sgd with no slots")]
    public void Checkpoints_of_another_optimizer_are_refused_with_both(string kind, bool amsGrad, string message)
    {
        using ShardRig rig = CheckpointRig.Trained(1);
        using CheckpointReader reader = CheckpointReader.Open(_rig.Save(rig));
        var refused = Assert.Throws<DistTrainerException>(
            () => reader.RequireFit(
                CheckpointRig.Tiny, rig.Job with
                {
                    Optimizer = amsGrad ? OptimizerDescription.Of(kind, ("ams-grad", true))
                        : OptimizerDescription.Of(kind),
                }));
        Assert.Equal(FailureKind.ModelFile, refused.Kind);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_writer_killed_at_any_boundary_leaves_the_old_checkpoint_or_the_new_one()
    {
        using ShardRig older = CheckpointRig.Trained(1), newer = CheckpointRig.Trained(2);
        string old = _rig.Save(older);
        int boundaries = KillAtEach(newer, found => Assert.Contains(found.Manifest.Step, new[] { 1L, 2L }));
        Assert.InRange(boundaries, 20, 200);
        Assert.Equal([_rig.Target(newer).Folder, old], _rig.Store.List());
    }

    [Fact]
    public void A_writer_killed_while_it_replaces_a_checkpoint_of_its_step_leaves_one_of_both_whole()
    {
        using ShardRig first = CheckpointRig.Trained(2);
        string[] hashes = [ParameterHash.Compute(first.Parameters), ""];
        _rig.Save(first);
        using ShardRig second = CheckpointRig.Trained(2, 3, null, new OptimizerDescription { Kind = "sgd" });
        hashes[1] = ParameterHash.Compute(second.Parameters);
        Assert.NotEqual(hashes[0], hashes[1]);
        KillAtEach(second, found => Assert.Contains(found.Manifest.ParameterHash, hashes));
        using CheckpointReader last = CheckpointReader.Open(_rig.Store.List().Single());
        Assert.Equal(hashes[1], last.Manifest.ParameterHash);
    }

    [Fact]
    public void A_disk_that_is_full_after_any_byte_gives_one_error_with_path_and_bytes_and_leaves_nothing()
    {
        using ShardRig older = CheckpointRig.Trained(1), newer = CheckpointRig.Trained(2);
        string old = _rig.Save(older);
        long size = Directory.GetFiles(old).Sum(file => new FileInfo(file).Length);
        for (long room = 0; room < size; room += 13)
        {
            var full = Assert.Throws<DistTrainerException>(() => _rig.Save(newer, disk: new FullDisk(room)));
            Assert.Equal(FailureKind.Disk, full.Kind);
            Assert.StartsWith(_rig.Target(newer).PartialFolder, full.Message, StringComparison.Ordinal);
            Assert.Matches(@"cannot be written with its \d+ bytes \(No space left on device\)", full.Message);
            Assert.Equal([old], Directory.GetFileSystemEntries(_rig.Checkpoints));
        }
        CheckpointRig.Verify(old);
        CheckpointRig.Verify(_rig.Save(newer, disk: new FullDisk(size + 100)));
    }

    [TinyDiskFact]
    public void A_real_full_disk_gives_one_error_with_path_and_bytes_and_leaves_nothing()
    {
        using TinyDisk disk = TinyDisk.TryMount()!;
        var folder = new CheckpointRig(disk.Folder);
        using ShardRig small = CheckpointRig.Trained(1),
            large = CheckpointRig.Trained(2, 2, ShardRig.MakeLayout((100, 100)));
        string old = folder.Save(small);
        var full = Assert.Throws<DistTrainerException>(() => folder.Save(large));
        Assert.Equal(FailureKind.Disk, full.Kind);
        Assert.Matches(@"parameters-000\d-of-0002.safetensors: cannot be written with its \d+ bytes \(", full.Message);
        Assert.Equal([old], Directory.GetFileSystemEntries(folder.Checkpoints));
        CheckpointRig.Verify(old);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named()
    {
        File.WriteAllText(_rig.Checkpoints, "a file where the folder should be");
        using ShardRig rig = CheckpointRig.Trained(1);
        var refused = Assert.Throws<DistTrainerException>(() => _rig.Save(rig));
        Assert.Equal(FailureKind.Disk, refused.Kind);
        Assert.StartsWith(_rig.Target(rig).PartialFolder, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_that_are_missing_changed_or_of_another_step_are_not_completed()
    {
        using ShardRig rig = CheckpointRig.Trained(3);
        CheckpointManifest manifest = CheckpointRig.Manifest(rig);
        using (CheckpointWriter writer = CheckpointWriter.Begin(_rig.Target(rig)))
        {
            IReadOnlyList<CheckpointFile> files = _rig.WriteParts(rig, CheckpointDisk.Real);
            Assert.Throws<ArgumentException>(() => writer.Complete(manifest, [files[0]]));
            Assert.Throws<ArgumentException>(() => writer.Complete(manifest with { Step = 4 }, files));
            Assert.Throws<ArgumentException>(() => writer.Complete(manifest with { Generation = 2 }, files));
            Assert.Throws<DistTrainerException>(() => writer.Complete(manifest, [files[0], files[0]]));
            Assert.Throws<DistTrainerException>(() => writer.Complete(manifest with { HasBest = true }, files));
            string part = Path.Combine(_rig.Target(rig).PartialFolder, files[0].Name);
            byte[] bytes = File.ReadAllBytes(part);
            bytes[^1] ^= 1;
            File.WriteAllBytes(part, bytes);
            Assert.StartsWith(
                part, Assert.Throws<DistTrainerException>(() => writer.Complete(manifest, files))
                .Message, StringComparison.Ordinal);
            File.Delete(part);
            Assert.StartsWith(
                part, Assert.Throws<DistTrainerException>(() => writer.Complete(manifest, files))
                .Message, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFileSystemEntries(_rig.Checkpoints));
        ParameterShardCopy copy = rig.Shards[0].MakeCopy();
        Assert.Throws<ArgumentException>(
            () => CheckpointWriter.WritePart(_rig.Target(rig), 0, rig.Blocks.Layout, copy));
    }

    public void Dispose() => _rig.Dispose();

    /// <summary>
    /// Kills a writer at each boundary, checks what a reload finds, and goes on as the next process would.
    /// </summary>
    /// <returns>How many boundaries there are.</returns>
    private int KillAtEach(ShardRig rig, Action<CheckpointReader> check)
    {
        for (int boundary = 0; ; boundary++)
        {
            var disk = new KillingDisk(boundary);
            bool isKilled = Record.Exception(() => SaveWithoutCleanUp(rig, disk)) is KilledException;
            Assert.Equal(isKilled, disk.HasKilled);
            CheckNewest(check);
            _rig.Store.CleanUp();
            CheckNewest(check);
            Assert.DoesNotContain(
                Directory.GetFileSystemEntries(_rig.Checkpoints), entry => Path.GetFileName(entry).StartsWith('.'));
            if (!isKilled)
                return boundary;
        }
    }

    private void CheckNewest(Action<CheckpointReader> check)
    {
        NewestCheckpoint newest = _rig.Store.OpenNewest();
        Assert.Empty(newest.Refused);
        using CheckpointReader reader = newest.Reader!;
        check(reader);
    }

    private void SaveWithoutCleanUp(ShardRig rig, CheckpointDisk disk)
    {
        CheckpointWriter writer = CheckpointWriter.Begin(_rig.Target(rig), disk);
        writer.Complete(CheckpointRig.Manifest(rig), _rig.WriteParts(rig, disk));
    }
}
