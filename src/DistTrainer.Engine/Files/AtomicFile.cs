using System.Globalization;
using System.Runtime.InteropServices;

namespace DistTrainer.Engine.Files;

/// <summary>Files that appear whole or not at all.</summary>
internal static partial class AtomicFile
{
    private const int InvalidArgument = 22;

    /// <summary>
    /// Writes to a temporary file beside <paramref name="path"/>, flushes it to the disk, renames it and flushes the
    /// folder; on failure nothing is left.
    /// </summary>
    /// <param name="path">The file; replaced where it exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="DistTrainerException">The disk is full or the folder cannot be written
    /// (<see cref="FailureKind.Disk"/>).</exception>
    public static void Write(string path, Action<Stream> write) => Write(path, 0, write);

    /// <summary>
    /// As <see cref="Write(string, Action{Stream})"/>, with the size known, so that a full disk shows at once.
    /// </summary>
    /// <param name="path">The file; replaced where it exists.</param>
    /// <param name="bytes">How long it will be; 0 if that is not known.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="DistTrainerException">The disk is full or the folder cannot be written
    /// (<see cref="FailureKind.Disk"/>); the message has path and bytes.</exception>
    public static void Write(string path, long bytes, Action<Stream> write)
    {
        string temporary = path + ".tmp";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                Share = FileShare.None,
                BufferSize = 1 << 16,
                PreallocationSize = bytes,
            };
            using (var stream = new FileStream(temporary, options))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception failure)
        {
            TryDelete(temporary);
            if (failure is not (IOException or UnauthorizedAccessException))
                throw;
            string size = bytes == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" with its {bytes} bytes");
            throw new DistTrainerException(
                FailureKind.Disk,
                $"{path}: cannot be written{size} ({failure.Message}); free some space or name another folder.",
                failure);
        }
    }

    /// <summary>
    /// Whether there is a file or folder. Unlike <see cref="File.Exists(string)"/> it does not take an error of the
    /// disk or network for a no.
    /// </summary>
    /// <param name="path">Its path.</param>
    /// <exception cref="IOException">It cannot be told.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be told, because a folder above may not be
    /// searched.</exception>
    public static bool IsThere(string path)
    {
        try
        {
            File.GetAttributes(path);
            return true;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    /// <summary>
    /// Makes the names in a folder (new, renamed and deleted files) survive a loss of power: fsync of the folder.
    /// Windows keeps names in its journal, and has no such call.
    /// </summary>
    /// <param name="folder">An existing folder.</param>
    /// <exception cref="IOException">The folder is not there or the disk has failed.</exception>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int handle = OpenReadOnly(folder, 0);
        int error = handle < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (handle >= 0)
        {
            error = Flush(handle) == 0 ? 0 : Marshal.GetLastPInvokeError();
            _ = Close(handle);
        }

        // EINVAL: the file system cannot flush folders, so there is nothing that could be lost by our fault.
        if (error is not 0 and not InvalidArgument)
            throw new IOException($"{folder}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenReadOnly(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

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
