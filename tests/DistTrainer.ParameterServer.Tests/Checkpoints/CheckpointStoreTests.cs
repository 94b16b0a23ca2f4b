using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly CheckpointRig _rig = new();

    [Fact]
    public void Without_a_folder_there_are_no_checkpoints()
    {
        Assert.Empty(_rig.Store.List());
        Assert.Null(_rig.Store.OpenNewest().Reader);
        Assert.Empty(_rig.Store.Retain(1, 0));
        _rig.Store.CleanUp();
        Assert.False(Directory.Exists(_rig.Checkpoints));
    }

    [Fact]
    public void Checkpoints_are_listed_by_step_and_other_folders_are_not()
    {
        foreach (string name in new[] { "step-000000009", "step-000000010", "step-1234567890", "step-000000010-old",
            "step-10", "step-00000001x", "steps", ".step-000000011-generation-1.partial", "step--00000001" })
            Directory.CreateDirectory(Path.Combine(_rig.Checkpoints, name));
        Assert.Equal(
            ["step-1234567890", "step-000000010", "step-000000010-old", "step-000000009"],
            _rig.Store.List().Select(Path.GetFileName));
    }

    [Fact]
    public void The_last_and_the_best_are_kept()
    {
        double?[] losses = [0.5, 0.2, null, double.NaN, 0.3, 0.4, 0.9];
        string[] folders = SaveAll(losses);
        IReadOnlyList<string> deleted = _rig.Store.Retain(2, 2);
        Assert.Equal([folders[6], folders[5], folders[4], folders[1]], _rig.Store.List());
        Assert.Equal([folders[3], folders[2], folders[0]], deleted);
        Assert.Equal(4, Directory.GetFileSystemEntries(_rig.Checkpoints).Length);
        Assert.Empty(_rig.Store.Retain(2, 2));
        _rig.Store.Retain(1, 0);
        Assert.Equal([folders[6]], _rig.Store.List());
    }

    [Fact]
    public void The_newest_one_of_a_regular_step_is_found_and_stays_although_others_were_written_since()
    {
        string[] folders = SaveAll(null, null, null, null, null); // steps 1 to 5
        _rig.Store.Retain(1, 0, isRegular: step => step % 2 == 0);
        Assert.Equal([folders[4], folders[3]], _rig.Store.List());
        using (CheckpointReader regular = _rig.Store.OpenNewest(step => step % 2 == 0).Reader!)
            Assert.Equal(4, regular.Manifest.Step);
        Assert.Null(_rig.Store.OpenNewest(step => step % 3 == 0 && step > 3).Reader);
    }

    [Fact]
    public void The_newest_valid_one_is_never_deleted()
    {
        string[] folders = SaveAll(null, null, null, null, null);
        Damage(folders[4]);
        Damage(folders[3]);
        _rig.Store.Retain(1, 0);
        Assert.Equal([folders[4], folders[3], folders[2]], _rig.Store.List());
        Damage(folders[2]);
        Assert.Empty(_rig.Store.Retain(1, 0)); // none is valid: nothing is deleted
        Assert.Equal(3, _rig.Store.List().Count);
    }

    [Fact]
    public void What_cannot_be_read_at_the_moment_is_not_deleted()
    {
        string[] folders = SaveAll(0.1, 0.5, null, null);
        string best = Path.Combine(folders[0], "checkpoint.json"), other = Path.Combine(folders[1], "checkpoint.json");
        File.Delete(other);
        File.Delete(best);
        Directory.CreateDirectory(best); // as good as a disk that gives an error
        _rig.Store.Retain(1, 0);
        Assert.Equal([folders[3], folders[0]], _rig.Store.List());
        Assert.Equal(
            $"{best}: cannot be read (Access to the path '{best}' is denied.).", _rig.Store.CheckAll().Last().Refused);
    }

    [Fact]
    public void The_reasons_of_all_newer_ones_are_given()
    {
        string[] folders = SaveAll(null, null, null);
        Damage(folders[2]);
        Directory.Delete(folders[1], recursive: true);
        Directory.CreateDirectory(folders[1]);
        NewestCheckpoint newest = _rig.Store.OpenNewest();
        using CheckpointReader reader = newest.Reader!;
        Assert.Equal(folders[0], reader.Folder);
        Assert.Equal([folders[2], folders[1]], newest.Refused.Select(refused => refused.Folder));
        Assert.Contains("CRC-32C", newest.Refused[0].Reason, StringComparison.Ordinal);
        Assert.Contains(
            "checkpoint.json: is missing, so the checkpoint is not complete.", newest.Refused[1]
            .Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Keeping_none_is_not_possible()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _rig.Store.Retain(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _rig.Store.Retain(1, -1));
    }

    public void Dispose() => _rig.Dispose();

    private static void Damage(string folder)
    {
        using FileStream file = File.OpenWrite(Directory.GetFiles(folder, "*.safetensors")[0]);
        file.Seek(-1, SeekOrigin.End);
        file.WriteByte(0xee);
    }

    private string[] SaveAll(params double?[] losses)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_rig.Checkpoints)!);
        using ShardRig rig = CheckpointRig.Trained(0);
        var folders = new List<string>();
        foreach (double? loss in losses)
        {
            rig.Step(folders.Count + 1, [new TreeNode(0, 1)]);
            folders.Add(_rig.Save(rig, loss));
        }
        return [.. folders];
    }
}
