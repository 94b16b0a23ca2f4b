using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Fuzz;

/// <summary>Whole safetensors files.</summary>
internal sealed class SafeTensorsFuzz() : FuzzReader("safetensors", 100_000, 50)
{
    /// <inheritdoc/>
    public override void Read(string role, byte[] input)
    {
        using var stream = new MemoryStream(input, writable: false);
        SafeTensorsFile.Read(stream, role);
        stream.Position = 0;
        SafeTensorsFile.ReadIndex(stream, role);
    }
}

/// <summary>Manifests of checkpoints; those that are read are held against the files of the checkpoint.</summary>
internal sealed class ManifestFuzz() : FuzzReader("manifest", 200_000, 50)
{
    private static readonly int s_sealLength = Sealed([]).Length;

    /// <inheritdoc/>
    public override IReadOnlyList<Seed> Seeds() =>
        [new Seed(ManifestFile.Name, File.ReadAllBytes(Path.Combine(Checkpoints.Folder, ManifestFile.Name)))];

    /// <inheritdoc/>
    public override void Read(string role, byte[] input)
    {
        CheckpointManifest manifest = ManifestFile.Decode(input, role);
        using var reader = new CheckpointReader(Checkpoints.Folder, manifest);
        reader.Verify(withSha: true);
    }

    /// <inheritdoc/>
    public override byte[] Seal(string role, byte[] input) => Sealed(input[..Math.Max(0, input.Length - s_sealLength)]);

    private static byte[] Sealed(byte[] body) =>
        [.. body, .. ",\n  \"manifestSha256\": \""u8,
            .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(body))), .. "\"\n}\n"u8];
}

/// <summary>Parts of a checkpoint, each with a manifest that has its length and checksums right.</summary>
internal sealed class PartFuzz() : FuzzReader("part", 200_000, 50)
{
    private readonly CheckpointManifest _manifest = ManifestFile.Read(
        Path.Combine(Checkpoints.Folder, ManifestFile.Name));
    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Scratch.Folder, "parts")).FullName;

    /// <inheritdoc/>
    public override IReadOnlyList<Seed> Seeds() =>
        [.. _manifest.Files.Select(
            file => new Seed(file.Name, File.ReadAllBytes(Path.Combine(Checkpoints.Folder, file.Name))))];

    /// <inheritdoc/>
    public override void Read(string role, byte[] input)
    {
        File.WriteAllBytes(Path.Combine(_folder, role), input);
        CheckpointFile[] files = [.. _manifest.Files.Select(file => file.Name != role ? file : file with
        {
            Bytes = input.Length,
            Crc32C = Crc32C.Compute(input).ToString("x8", CultureInfo.InvariantCulture),
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(input)),
        })];
        CheckpointFile part = files.First(file => file.Name == role);
        using var reader = new CheckpointReader(_folder, _manifest with { Files = files });
        reader.Read(new ParameterShardCopy(part.Start, part.End, _manifest.Optimizer.Slots));
    }
}

/// <summary>The checkpoint of the corpus.</summary>
internal static class Checkpoints
{
    /// <summary>Its folder.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "corpus", "checkpoint");
}

/// <summary>Ledgers, line by line.</summary>
internal sealed class LedgerFuzz() : FuzzReader("ledger", 100_000, 100)
{
    private const long MostSamples = 1000;
    private static readonly TrainingDescription s_training = new() { BatchSize = 5, Seed = 7, Shuffle = true };

    /// <inheritdoc/>
    public override void Read(string role, byte[] input)
    {
        LedgerCheck? check = null;
        foreach (string line in Encoding.UTF8.GetString(input).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (check is null)
                check = new LedgerCheck(LedgerFile.ReadHeader(line, MostSamples).TrainingSamples, s_training);
            else
                check.Add(LedgerFile.ReadEntry(line));
        }
    }

    /// <inheritdoc/>
    public override bool IsRefusal(Exception failure) =>
        failure is FormatException && !failure.Message.Contains('\n', StringComparison.Ordinal);
}
