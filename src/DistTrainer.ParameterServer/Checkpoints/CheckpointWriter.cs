using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// Writes one checkpoint: <see cref="Begin(CheckpointTarget)"/> makes a temporary folder, each parameter shard's
/// process writes its part into it
/// (<see cref="WritePart(CheckpointTarget, int, ParameterLayout, ParameterShardCopy)"/>), and <see cref="Complete"/>
/// reads the parts back, writes the manifest and renames the folder. Files and folders are flushed to the disk before
/// that, so a checkpoint with its final name is whole. Disposed before that, nothing is left.
/// </summary>
internal sealed class CheckpointWriter : IDisposable
{
    private readonly CheckpointTarget _target;
    private readonly CheckpointDisk _disk;
    private bool _isComplete;

    private CheckpointWriter(CheckpointTarget target, CheckpointDisk disk) => (_target, _disk) = (target, disk);

    /// <summary>Makes the temporary folder, empty.</summary>
    /// <param name="target">Which checkpoint, and where.</param>
    /// <exception cref="DistTrainerException">It cannot be made (<see cref="FailureKind.Disk"/>).</exception>
    public static CheckpointWriter Begin(CheckpointTarget target) => Begin(target, CheckpointDisk.Real);

    /// <summary>
    /// Writes one part into the temporary folder; any process may, after <see cref="Begin(CheckpointTarget)"/>.
    /// </summary>
    /// <param name="target">Which checkpoint, and where.</param>
    /// <param name="index">Number of the part in the order of the flat vector, from 0.</param>
    /// <param name="layout">The model's layout.</param>
    /// <param name="copy">The part, cut at whole rows; not to be changed meanwhile.</param>
    /// <returns>What the manifest must say of the file.</returns>
    /// <exception cref="ArgumentException">The copy is of another step, or cuts a row.</exception>
    /// <exception cref="DistTrainerException">It cannot be written (<see cref="FailureKind.Disk"/>); nothing of it is
    /// left.</exception>
    public static CheckpointFile WritePart(
        CheckpointTarget target, int index, ParameterLayout layout, ParameterShardCopy copy) =>
        WritePart(target, index, layout, copy, CheckpointDisk.Real);

    /// <summary>As the public one, on any disk.</summary>
    internal static CheckpointWriter Begin(CheckpointTarget target, CheckpointDisk disk)
    {
        CheckpointDisk.Try(target.PartialFolder, () =>
        {
            disk.Delete(target.PartialFolder);
            disk.MakeFolder(target.PartialFolder);
        });
        return new CheckpointWriter(target, disk);
    }

    /// <summary>As the public one, on any disk.</summary>
    internal static CheckpointFile WritePart(
        CheckpointTarget target, int index, ParameterLayout layout, ParameterShardCopy copy, CheckpointDisk disk)
    {
        if (copy.Step != target.Step)
            throw new ArgumentException(
                $"The copy is of step {copy.Step}; the checkpoint is of step {target.Step}.", nameof(copy));
        SafeTensors content = PartFormat.Content(target, layout, copy);
        string name = target.PartName(index);
        CheckpointFile? file = null;
        disk.Write(Path.Combine(target.PartialFolder, name), SafeTensorsFile.SizeOf(content), stream =>
        {
            using var checksums = new ChecksumStream(stream, withSha: true);
            SafeTensorsFile.Write(checksums, content);
            file = new CheckpointFile(
                name, copy.Start, copy.End, checksums.Length, checksums.Crc32CText, checksums.Sha256Text!);
        });
        return file!;
    }

    /// <summary>
    /// Reads all parts back, writes the manifest and gives the folder its final name. An older checkpoint of the same
    /// step is replaced.
    /// </summary>
    /// <param name="manifest">All but files and hash, which are filled in.</param>
    /// <param name="files">What the writers of the parts returned, in any order.</param>
    /// <returns>The manifest as written.</returns>
    /// <exception cref="ArgumentException">The manifest is of another run, step or generation.</exception>
    /// <exception cref="DistTrainerException">A part is missing or not what its writer said
    /// (<see cref="FailureKind.ModelFile"/>), or the disk is full (<see cref="FailureKind.Disk"/>).</exception>
    public CheckpointManifest Complete(CheckpointManifest manifest, IReadOnlyList<CheckpointFile> files)
    {
        if ((manifest.Run, manifest.Step, manifest.Generation, files.Count) != (_target.Run, _target.Step,
            _target.Generation, _target.Parts))
            throw new ArgumentException(
                $"The manifest is of run {manifest.Run}, step {manifest.Step}, generation {manifest.Generation} with "
                + $"{files.Count} parts; the checkpoint is {_target}.", nameof(manifest));
        manifest = manifest with
        {
            FormatVersion = CheckpointManifest.CurrentFormat,
            Files = [.. files.OrderBy(file => file.Start)],
        };
        string path = Path.Combine(_target.PartialFolder, ManifestFile.Name);
        ManifestChecks.Check(manifest, path);
        CheckpointReader.CheckFolder(_target.PartialFolder, manifest);
        using (var parts = new CheckpointReader(_target.PartialFolder, manifest))
            manifest = manifest with { ParameterHash = parts.HashParameters(withSha: false) };

        byte[] bytes = ManifestFile.Encode(manifest);
        if (bytes.Length > ManifestFile.Longest)
            throw ManifestFile.Refused(
                path, $"would have {bytes.Length} bytes; a manifest has at most {ManifestFile.Longest}");
        _disk.Write(path, bytes.Length, stream => stream.Write(bytes));
        CheckpointDisk.Try(_target.Folder, () =>
        {
            string old = _target.Folder + CheckpointTarget.OldSuffix;
            if (Directory.Exists(_target.Folder))
            {
                _disk.Delete(old);
                _disk.Rename(_target.Folder, old);
            }
            _disk.Rename(_target.PartialFolder, _target.Folder);
            _isComplete = true;
            _disk.Delete(old);
        });
        return manifest;
    }

    /// <summary>Deletes the temporary folder unless the checkpoint is complete.</summary>
    public void Dispose()
    {
        if (_isComplete)
            return;
        try
        {
            _disk.Delete(_target.PartialFolder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The failure that led here is the one to report; the next start cleans up.
        }
    }
}
