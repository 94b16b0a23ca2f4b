using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cli.Runs;

/// <summary>Checks what a run has left.</summary>
internal static class RunInspection
{
    /// <summary>Checks every byte of the model and the checkpoints; a line each.</summary>
    /// <param name="modelOrRun">A model's file, or a run folder.</param>
    /// <param name="output">Takes the lines.</param>
    /// <exception cref="DistTrainerException">The model or the newest checkpoint is damaged, or there is neither
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static void Verify(string modelOrRun, TextWriter output)
    {
        string model = RunFolder.ModelOf(modelOrRun);
        CheckedCheckpoint[] checkpoints = Directory.Exists(modelOrRun)
            ? [.. RunFolder.CheckpointsOf(modelOrRun).CheckAll()] : [];
        string? damage = checkpoints.FirstOrDefault()?.Refused;
        foreach (CheckedCheckpoint found in checkpoints)
        {
            output.WriteLine(found.Manifest is { } manifest
                ? $"{found.Folder} fine: step={Numbers.Text(manifest.Step)} "
                    + $"epoch={Numbers.Text(manifest.Position.Epoch)} files={Numbers.Text(manifest.Files.Count)} "
                    + $"bytes={Numbers.Text(manifest.Files.Sum(file => file.Bytes))} parameters "
                    + $"sha256={manifest.ParameterHash}"
                : $"{found.Folder} refused: {found.Refused}");
        }
        if (checkpoints.Length == 0 || AtomicFile.IsThere(model))
            damage = VerifyModel(model, Directory.Exists(modelOrRun) ? modelOrRun : null, output) ?? damage;
        if (damage is not null)
            throw new DistTrainerException(FailureKind.ModelFile, damage);
    }

    /// <summary>Proves from the ledger that each sample was counted once an epoch; a line an epoch.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="output">Takes the lines.</param>
    /// <exception cref="DistTrainerException">It was not, or the ledger does not say so
    /// (<see cref="FailureKind.ModelFile"/>); the step is named.</exception>
    public static void CheckLedger(string run, TextWriter output)
    {
        string path = Path.Combine(run, LedgerFile.Name);
        if (!AtomicFile.IsThere(path))
            throw new DistTrainerException(
                FailureKind.ModelFile, $"{path}: is not there; name a run folder that has a ledger.");
        TrainingDescription training =
            JobFile.Read(JobSource.FromFile(Path.Combine(run, RunFolder.JobName))).Job.Training;
        LedgerCheck? check = null;
        int line = 0;
        int epochs = 0;
        foreach (string text in LineFile.WholeLines(path))
        {
            line++;
            try
            {
                if (check is null)
                    check = new LedgerCheck(
                        LedgerFile.ReadHeader(text, MostSamples(run, training)).TrainingSamples, training);
                else if (check.Add(LedgerFile.ReadEntry(text)) is { } epoch)
                    output.WriteLine(
                        $"epoch {Numbers.Text(++epochs)}: {Numbers.Text(epoch.Samples)} samples, each counted once");
            }
            catch (FormatException failure)
            {
                throw new DistTrainerException(
                    FailureKind.ModelFile, $"{path}:{Numbers.Text(line)}: {failure.Message}.", failure);
            }
        }
        if (check is null)
            throw new DistTrainerException(FailureKind.ModelFile, $"{path}: is empty.");
        if (check.OpenEpoch is { } open)
            output.WriteLine(
                $"epoch {Numbers.Text(open.Epoch)}: {Numbers.Text(open.Samples)} samples up to step "
                + $"{Numbers.Text(open.LastStep)}, none twice");
        if (RunSummary.Read(run) is { } ended && ended.Steps != check.LastStep)
            throw new DistTrainerException(
                FailureKind.ModelFile,
                $"{path}: ends with step {Numbers.Text(check.LastStep)}; {RunSummary.Name} says "
                + $"{Numbers.Text(ended.Steps)} steps: step {Numbers.Text(Math.Min(check.LastStep, ended.Steps) + 1)} "
                + $"is {(check.LastStep < ended.Steps ? "missing" : "too many")}.");
        output.WriteLine(
            $"ledger fine: steps={Numbers.Text(check.LastStep)} whole-epochs={Numbers.Text(epochs)}, every step "
            + "counted once and in order");
    }

    // A checkpoint says how many steps an epoch has; without one, what the machine can hold is the limit.
    private static long MostSamples(string run, TrainingDescription training)
    {
        long most = Math.Min(Array.MaxLength, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (4 * sizeof(int)));
        CheckedCheckpoint? newest = RunFolder.CheckpointsOf(run).CheckAll()
            .FirstOrDefault(found => found.Manifest is not null);
        return newest?.Manifest is { } manifest
            ? Math.Min(most, (long)manifest.Position.StepsPerEpoch * training.BatchSize) : most;
    }

    private static string? VerifyModel(string path, string? run, TextWriter output)
    {
        try
        {
            string hash = ModelFile.Load(path).ParameterHash;
            if (run is not null && RunSummary.Read(run) is { } ended && ended.ParameterHash != hash)
                throw new DistTrainerException(
                    FailureKind.ModelFile,
                    $"{path}: has parameters of hash {hash}; {RunSummary.Name} says {ended.ParameterHash}: they are "
                    + "of different runs.");
            output.WriteLine($"{path} fine: parameters sha256={hash}");
            return null;
        }
        catch (DistTrainerException failure)
        {
            output.WriteLine($"{path} refused: {failure.Message}");
            return failure.Message;
        }
    }
}
