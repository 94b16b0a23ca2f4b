using System.Text.RegularExpressions;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.Cli.Tests.Resume;

/// <summary>Runs on the irises, 8 epochs of 7 steps, in a temporary folder, and ways to cut them off.</summary>
internal sealed class ResumeRig : IDisposable
{
    private static readonly string[] s_job =
        ["--data", "iris", "--epochs", "8", "--batch-size", "16", "--checkpoint-every-steps", "5",
        "--report-every", "3"];

    public string Folder { get; } = Directory.CreateTempSubdirectory("resume-").FullName;

    public string Run => Path.Combine(Folder, "run");

    public CheckpointStore Checkpoints => new(Path.Combine(Run, "checkpoints"));

    /// <summary>Trains to the end.</summary>
    public Task<CliRun> Train(params string[] more) =>
        CliRun.Of(new CliServices(), ["train", "--output", Run, .. Job(more)]);

    /// <summary>Trains, and does something after each step report.</summary>
    public Task<CliRun> Train(Action<StepReport> afterReport, StopSignals? signals = null) =>
        CliRun.Of(new CliServices { Train = Watched(afterReport) }, ["train", "--output", Run, .. Job()], signals);

    /// <summary>The hash of the same run without a cut.</summary>
    public async Task<string> WholeHash(params string[] more) =>
        Hash(await CliRun.Of(new CliServices(), ["train", "--output", Path.Combine(Folder, "whole"), .. Job(more)]));

    public Task<CliRun> Resume(params string[] more) =>
        CliRun.Of(new CliServices(), ["resume", Run, "--quiet", .. more]);

    public static string Hash(CliRun run)
    {
        Assert.Equal(0, run.Code);
        return Regex.Match(run.Output, "parameters sha256=(?<hash>[0-9a-f]{64})").Groups["hash"].Value;
    }

    /// <summary>Flips one bit in the middle of a checkpoint's first part.</summary>
    public static string Damage(string checkpoint)
    {
        string path = Directory.GetFiles(checkpoint, "*.safetensors").Order().First();
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    // An option may be given once.
    private static string[] Job(params string[] more) =>
        ["--quiet", .. s_job.Chunk(2).Where(option => !more.Contains(option[0])).SelectMany(option => option), .. more];

    /// <summary>Trains, and does something after each step report.</summary>
    public static TrainRun Watched(Action<StepReport> afterReport) =>
        (job, data, options, initial, observer, stop) =>
            LocalTrainer.RunAsync(job, data, options, initial, new Watcher(observer, afterReport), stop);

    private sealed class Watcher(ITrainingObserver inner, Action<StepReport> afterReport) : ITrainingObserver
    {
        public void OnStarted(int stepsPerEpoch, long totalSteps) => inner.OnStarted(stepsPerEpoch, totalSteps);

        public void OnStep(StepReport report)
        {
            inner.OnStep(report);
            afterReport(report);
        }

        public void OnEpoch(EpochReport report) => inner.OnEpoch(report);

        public void OnLedger(LedgerEntry entry) => inner.OnLedger(entry);

        public void OnCheckpoint(CheckpointReport report) => inner.OnCheckpoint(report);

        public void OnWentBack(long lastStep) => inner.OnWentBack(lastStep);
    }
}
