using DistTrainer.Engine.Files;
using DistTrainer.Engine.Optimizers;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

/// <summary>The committed checkpoint of format 1; each later version must read it.</summary>
public class CheckpointGoldenTests
{
    private static readonly string s_golden = Path.Combine(
        AppContext.BaseDirectory, "Checkpoints", "golden", "step-000000003");

    [Fact]
    public void The_committed_checkpoint_can_be_read()
    {
        using CheckpointReader reader = CheckpointReader.Open(s_golden);
        reader.Verify();
        reader.RequireFit(CheckpointRig.Tiny, ShardRig.MakeJob(1) with { Optimizer = new OptimizerDescription() });
        Assert.Equal((3L, 1, "a-run"), (reader.Manifest.Step, reader.Manifest.Generation, reader.Manifest.Run));
        Assert.True(reader.Manifest.HasBest);
        float[] parameters = new float[CheckpointRig.Tiny.Length];
        reader.ReadParameters(0, parameters);
        Assert.Equal(reader.Manifest.ParameterHash, ParameterHash.Compute(parameters));
        Assert.Equal("e048ac53e56d5019e6427b002d8f73def1eac27ca3a28a2f6749bc35067ac4b0", reader.Manifest.ParameterHash);
    }

    [Fact]
    public void The_same_state_gives_the_same_bytes_today()
    {
        using var folder = new CheckpointRig();
        string written = Write(folder);
        foreach (string file in Directory.GetFiles(s_golden))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(written, Path.GetFileName(file))));
        Assert.Equal(Directory.GetFiles(s_golden).Length, Directory.GetFiles(written).Length);
    }

    /// <summary>Values that are exact, whatever the optimizer does to them.</summary>
    private static string Write(CheckpointRig folder)
    {
        using var rig = new ShardRig(ShardRig.MakeJob(1), 2, CheckpointRig.Tiny);
        foreach (ParameterShard shard in rig.Shards)
        {
            ParameterShardCopy copy = shard.MakeCopy();
            copy.Step = 3;
            for (int vector = 0; vector < 4; vector++)
            {
                Span<float> values =
                    vector switch { 0 => copy.Parameters, 3 => copy.SetBest(true), _ => copy.Slot(vector - 1) };
                for (int i = 0; i < copy.Length; i++)
                    values[i] = 100 * vector + copy.Start + i + 0.5f;
            }
            shard.Restore(copy);
        }
        return folder.Save(rig, validationLoss: 0.25);
    }
}
