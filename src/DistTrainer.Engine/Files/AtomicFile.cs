namespace DistTrainer.Engine;

/// <summary>Files that appear whole or not at all.</summary>
public static class AtomicFile
{
    /// <summary>Writes to a temporary file beside <paramref name="path"/>, flushes it to the disk and renames it; on failure nothing is left.</summary>
    /// <param name="path">The file; replaced where it exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="DistTrainerException">The disk is full or the folder cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception failure)
        {
            TryDelete(temporary);
            if (failure is IOException or UnauthorizedAccessException)
                throw new DistTrainerException(FailureKind.Disk, $"{path}: cannot be written ({failure.Message}); free some space or name another folder.", failure);
            throw;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report.
        }
    }
}
