using System.Security.Cryptography;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// A checkpoint, open for reading by any number of parameter shards: each reads its own stretch, whatever the cut was
/// when it was written. A part is checked whole (length, CRC-32C, SHA-256, names and shapes) when it is first touched,
/// and a parameter shard touches only the parts that overlap its own. Not thread-safe.
/// </summary>
internal sealed class CheckpointReader : IDisposable
{
    private readonly ParameterLayout _layout;
    private readonly PartReader?[] _parts;

    /// <summary>Takes a manifest that was checked.</summary>
    internal CheckpointReader(string folder, CheckpointManifest manifest)
    {
        (Folder, Manifest, _layout) = (folder, manifest, manifest.ToLayout());
        _parts = new PartReader?[manifest.Files.Count];
    }

    /// <summary>The checkpoint's folder.</summary>
    public string Folder { get; }

    /// <summary>Where the run stood.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>
    /// Opens a checkpoint: the manifest is whole, and the folder has the files it names, in their lengths, and no
    /// other.
    /// </summary>
    /// <param name="folder">The checkpoint's folder, e.g. <c>checkpoints/step-000001200</c>.</param>
    /// <exception cref="DistTrainerException">It is not (<see cref="FailureKind.ModelFile"/>); the message names file
    /// and reason.</exception>
    public static CheckpointReader Open(string folder)
    {
        string path = Path.Combine(folder, ManifestFile.Name);
        CheckpointManifest manifest = ManifestFile.Read(path);
        try
        {
            CheckFolder(folder, manifest);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ManifestFile.Refused(folder, $"cannot be read ({failure.Message})", failure);
        }
        return new CheckpointReader(folder, manifest);
    }

    /// <summary>Checks every byte of every part, and the hash of the parameters.</summary>
    /// <exception cref="DistTrainerException">Something is not what the manifest says
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public void Verify() => Verify(withSha: true);

    /// <summary>
    /// As the public one; without SHA-256 of the parts it is several times as fast and finds all but attacks.
    /// </summary>
    internal void Verify(bool withSha)
    {
        string hash = HashParameters(withSha);
        if (hash != Manifest.ParameterHash)
            throw ManifestFile.Refused(
                Folder, $"has parameters of hash {hash}; the manifest says {PartFormat.Show(Manifest.ParameterHash)}");
    }

    /// <summary>Requires that a job can go on from here.</summary>
    /// <param name="layout">The job's layout.</param>
    /// <param name="job">The job.</param>
    /// <exception cref="DistTrainerException">Tensors, or the optimizer or its slots, are others
    /// (<see cref="FailureKind.ModelFile"/>); both are named.</exception>
    public void RequireFit(ParameterLayout layout, JobDescription job)
    {
        for (int i = 0; i < Math.Max(layout.Tensors.Count, _layout.Tensors.Count); i++)
        {
            ParameterTensor? wanted = layout.Tensors.ElementAtOrDefault(i),
                found = _layout.Tensors.ElementAtOrDefault(i);
            if (wanted?.Name != found?.Name || wanted?.Kind != found?.Kind
                || !wanted!.Shape.SequenceEqual(found!.Shape))
                throw ManifestFile.Refused(
                    Folder,
                    $"has {Describe(found)}; the job has {Describe(wanted)} there: resume with the job it was written "
                    + "by, or begin anew");
        }
        var rule = CheckpointOptimizer.Of(job);
        if (rule.Kind != Manifest.Optimizer.Kind || !rule.Slots.SequenceEqual(Manifest.Optimizer.Slots))
            throw ManifestFile.Refused(
                Folder,
                $"has the optimizer {Manifest.Optimizer}; the job has {rule}: resume with the job it was written by, "
                + "or begin anew");
    }

    /// <summary>Requires that the data are those that the run was begun with.</summary>
    /// <param name="dataHash">Hash of the data at hand; see <see cref="DataParts.Hash"/>.</param>
    /// <exception cref="DistTrainerException">They are others (<see cref="FailureKind.Data"/>); both hashes are
    /// named.</exception>
    public void RequireData(string dataHash)
    {
        if (Manifest.DataHash != dataHash)
            throw new DistTrainerException(
                FailureKind.Data,
                $"{Folder}: was written with data of hash {Manifest.DataHash}; the data here have {dataHash}: resume "
                + "with the same files, or begin anew with --init-from.");
    }

    /// <summary>Reads a parameter shard's stretch of everything.</summary>
    /// <param name="copy">Filled; its stretch lies within the layout, its slots are the checkpoint's.</param>
    /// <exception cref="ArgumentException">They are not; see <see cref="RequireFit"/>.</exception>
    /// <exception cref="DistTrainerException">A part is damaged (<see cref="FailureKind.ModelFile"/>).</exception>
    public void Read(ParameterShardCopy copy)
    {
        if (!copy.SlotNames.SequenceEqual(Manifest.Optimizer.Slots))
            throw new ArgumentException(
                $"The copy has the slots {string.Join(", ", copy.SlotNames)}; the checkpoint has "
                + $"{string.Join(", ", Manifest.Optimizer.Slots)}.", nameof(copy));
        copy.SetBest(Manifest.HasBest);
        int vector = 0;
        foreach (float[] values in copy.Vectors())
            Read(vector++, copy.Start, values);
        copy.Step = Manifest.Step;
    }

    /// <summary>Reads a stretch of the parameters only.</summary>
    /// <param name="start">First element in the flat vector.</param>
    /// <param name="parameters">Filled.</param>
    /// <exception cref="ArgumentException">The stretch is not within the layout.</exception>
    /// <exception cref="DistTrainerException">A part is damaged (<see cref="FailureKind.ModelFile"/>).</exception>
    public void ReadParameters(int start, Span<float> parameters) => Read(0, start, parameters);

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (PartReader? part in _parts)
            part?.Dispose();
    }

    /// <summary>The hash of the parameters, from the files.</summary>
    internal string HashParameters(bool withSha)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < _parts.Length; i++)
            Part(i, withSha).CopyParameters(bytes => hash.AppendData(bytes));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Requires that a folder has the listed files and no others, but perhaps a manifest.</summary>
    internal static void CheckFolder(string folder, CheckpointManifest manifest)
    {
        Dictionary<string, long> expected = manifest.Files.ToDictionary(file => file.Name, file => file.Bytes);
        foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
        {
            if (entry is not FileInfo file || entry.LinkTarget is not null)
                throw ManifestFile.Refused(entry.FullName, "is no plain file; a checkpoint has nothing else");
            if (entry.Name == ManifestFile.Name)
                continue;
            if (!expected.Remove(entry.Name, out long bytes))
                throw ManifestFile.Refused(
                    entry.FullName,
                    "is not listed in the manifest; move it away if it does not belong to the checkpoint");
            if (file.Length != bytes)
                throw ManifestFile.Refused(
                    entry.FullName, $"has {file.Length} bytes; the manifest says {bytes}: it was cut off or changed");
        }
        foreach (string name in expected.Keys)
            throw ManifestFile.Refused(Path.Combine(folder, name), "is missing; the manifest lists it");
    }

    private static string Describe(ParameterTensor? tensor) =>
        tensor is null ? "no tensor"
            : $"{tensor.Kind.ToString().ToLowerInvariant()} tensor {tensor.Name} of shape {tensor.ShapeText}";

    private void Read(int vector, int start, Span<float> values)
    {
        if (start < 0 || start > _layout.Length - values.Length)
            throw new ArgumentException(
                $"Elements {start} to {(long)start + values.Length} are not within the {_layout.Length} of the "
                + "checkpoint.", nameof(start));
        for (int i = 0; i < _parts.Length && !values.IsEmpty; i++)
        {
            if (start >= Manifest.Files[i].End)
                continue;
            int length = Math.Min(values.Length, Manifest.Files[i].End - start);
            Part(i, withSha: true).Read(vector, start, values[..length]);
            start += length;
            values = values[length..];
        }
    }

    private PartReader Part(int index, bool withSha) =>
        _parts[index] ??= PartReader.Open(Folder, Manifest, _layout, index, withSha);
}
