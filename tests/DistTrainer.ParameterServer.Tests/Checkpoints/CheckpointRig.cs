using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

/// <summary>A run's folder of checkpoints in a temporary place, and ways to fill it.</summary>
internal sealed class CheckpointRig : IDisposable
{
    /// <summary>Eleven parameters, so that every bit of a checkpoint can be tried.</summary>
    public static readonly ParameterLayout Tiny = ShardRig.MakeLayout((2, 3), (1, 2));

    public CheckpointRig(string? parent = null) =>
        Checkpoints = Path.Combine(parent ?? Directory.CreateTempSubdirectory("checkpoints-").FullName, "checkpoints");

    public string Checkpoints { get; }

    public CheckpointStore Store => new(Checkpoints);

    public CheckpointTarget Target(ShardRig rig) =>
        new(Checkpoints, "a-run", rig.Shards[0].OpenStep - 1, 1, rig.Shards.Count);

    /// <summary>What a coordinator knows; values that need all their digits.</summary>
    public static CheckpointManifest Manifest(ShardRig rig, double? validationLoss = null) => new()
    {
        Run = "a-run",
        Step = rig.Shards[0].OpenStep - 1,
        Generation = 1,
        Position = new CheckpointPosition(1, 30, 100, 0, new Dictionary<string, double> { ["loss"] = 0.1 + 0.2 }),
        Seeds = new CheckpointSeeds(ulong.MaxValue, 7),
        Rate = new CheckpointRate(null, 0.1, double.PositiveInfinity, 0),
        EarlyStopping = new CheckpointStopping(0, double.PositiveInfinity, 0),
        ValidationLoss = validationLoss,
        HasBest = rig.Shards[0].HasBest,
        Job = "training { epochs = 3 } # größer als „nichts“\n",
        DataHash = new string('0', 64),
        Optimizer = CheckpointOptimizer.Of(rig.Job),
        Layout = CheckpointManifest.Describe(rig.Blocks.Layout),
    };

    /// <summary>Writes a checkpoint of where the parameter shards stand.</summary>
    /// <returns>Its folder.</returns>
    public string Save(ShardRig rig, double? validationLoss = null, CheckpointDisk? disk = null)
    {
        CheckpointTarget target = Target(rig);
        using CheckpointWriter writer = CheckpointWriter.Begin(target, disk ?? CheckpointDisk.Real);
        writer.Complete(Manifest(rig, validationLoss), WriteParts(rig, disk ?? CheckpointDisk.Real));
        return target.Folder;
    }

    /// <summary>Writes all parts, the last one first: their order is nobody's business.</summary>
    public IReadOnlyList<CheckpointFile> WriteParts(ShardRig rig, CheckpointDisk disk)
    {
        var files = new List<CheckpointFile>();
        foreach (ParameterShard shard in rig.Shards.Reverse())
        {
            ParameterShardCopy copy = shard.MakeCopy();
            shard.CopyTo(copy);
            files.Add(CheckpointWriter.WritePart(Target(rig), shard.Range.Index, rig.Blocks.Layout, copy, disk));
        }
        return files;
    }

    /// <summary>Takes a checkpoint into parameter shards of any cut.</summary>
    public static void Load(string folder, ShardRig rig)
    {
        foreach (ParameterShard shard in rig.Shards)
        {
            using CheckpointReader reader = CheckpointReader.Open(folder);
            reader.RequireFit(rig.Blocks.Layout, rig.Job);
            ParameterShardCopy copy = shard.MakeCopy();
            reader.Read(copy);
            shard.Restore(copy);
        }
    }

    /// <summary>A tiny model after some steps.</summary>
    public static ShardRig Trained(
        int steps, int parameterShards = 2, ParameterLayout? layout = null, OptimizerDescription? optimizer = null)
    {
        var rig = new ShardRig(ShardRig.MakeJob(1, optimizer), parameterShards, layout ?? Tiny);
        for (int step = 1; step <= steps; step++)
            rig.Step(step, [new TreeNode(0, 1)]);
        return rig;
    }

    /// <summary>Opens and checks every byte.</summary>
    public static void Verify(string folder)
    {
        using CheckpointReader reader = CheckpointReader.Open(folder);
        reader.Verify();
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(Checkpoints)!, recursive: true);
}
