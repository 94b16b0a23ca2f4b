using System.Globalization;
using System.Text.Json;
using DistTrainer.Cluster;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>What <c>inspect</c> proves of a run folder: its checkpoints and its ledger.</summary>
internal static class RunChecks
{
    /// <summary>Checks every byte of every checkpoint, and of the model where there is one.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="output">A line each.</param>
    /// <exception cref="DistTrainerException">One is damaged, or there is nothing to check (<see cref="FailureKind.ModelFile"/>).</exception>
    public static void Verify(string folder, TextWriter output)
    {
        int damaged = 0, checkedFiles = 0;
        void Check(string name, Action work)
        {
            checkedFiles++;
            try
            {
                work();
                output.WriteLine($"good     {name}");
            }
            catch (DistTrainerException failure)
            {
                damaged++;
                output.WriteLine($"damaged  {name}: {failure.Message}");
            }
        }

        foreach (string checkpoint in new CheckpointStore(Path.Combine(folder, "checkpoints")).List())
        {
            Check(checkpoint, () =>
            {
                using CheckpointReader reader = CheckpointReader.Open(checkpoint);
                reader.Verify();
            });
        }
        string model = Path.Combine(folder, RunFolder.ModelName);
        if (File.Exists(model))
            Check(model, () => ModelFile.Load(model));
        if (checkedFiles == 0)
            throw new DistTrainerException(FailureKind.ModelFile, $"{folder}: has no checkpoint and no {RunFolder.ModelName}; name a run folder.");
        if (damaged > 0)
            throw new DistTrainerException(FailureKind.ModelFile, $"{folder}: {Numbers.Text(damaged)} of {Numbers.Text(checkedFiles)} are damaged; `disttrainer resume` takes the newest good checkpoint.");
    }

    /// <summary>Proves that each sample was counted once an epoch.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="output">A line for the whole epochs, and one for the rest.</param>
    /// <exception cref="DistTrainerException">The ledger says otherwise, or is not there (<see cref="FailureKind.ModelFile"/>).</exception>
    public static void CheckLedger(string folder, TextWriter output)
    {
        string path = Path.Combine(folder, RunRecorder.LedgerName);
        JobDescription job = JobFile.Read(JobSource.FromFile(Path.Combine(folder, "job.conf"))).Job;
        LedgerCheck? check = null;
        foreach (JsonElement line in JsonLines.Read(path))
        {
            if (check is null)
            {
                int samples = Field(line, "samplesPerEpoch", path).GetInt32();
                if (samples < 1)
                    throw Wrong(path, $"samplesPerEpoch is {Numbers.Text(samples)}; it is at least 1");
                check = new LedgerCheck(new EpochSampler(samples, job.Training.BatchSize, job.Training.Seed, job.Training.Shuffle), samples);
                continue;
            }
            var entry = new LedgerEntry(
                Field(line, "epoch", path).GetInt32(), Field(line, "firstStep", path).GetInt64(), Field(line, "lastStep", path).GetInt64(), Field(line, "samples", path).GetInt64(),
                ulong.TryParse(Field(line, "hash", path).GetString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong hash) ? hash : throw Wrong(path, "a hash is not 16 hexadecimal digits"));
            if (check.Take(entry) is { } wrong)
                throw Wrong(path, wrong);
        }
        if (check is null)
            throw Wrong(path, "there is no ledger");
        output.WriteLine($"ledger   {Numbers.Text(check.LastStep)} steps, each once and in order");
        output.WriteLine($"epochs   {Numbers.Text(check.WholeEpochs)} whole, each sample counted once in each{(check.OpenSamples > 0 ? $"; {Numbers.Text(check.OpenSamples)} samples of the next, each once" : "")}");
    }

    private static JsonElement Field(JsonElement line, string name, string path) =>
        line.TryGetProperty(name, out JsonElement value) ? value : throw Wrong(path, $"a line has no {name}");

    private static DistTrainerException Wrong(string path, string what) => new(FailureKind.ModelFile, $"{path}: {what}.");
}
