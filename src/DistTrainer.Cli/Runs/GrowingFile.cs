using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>
/// A file of the run folder that grows by whole pieces. A piece is handed to the system at once, so that a killed
/// process loses none. While the folder is away, or the disk full, pieces wait in memory, and are written in their
/// order when it is back. None of that must reach the coordinator as an exception: what cannot be mended is kept, and
/// reported when training is over.
/// </summary>
internal sealed class GrowingFile : IDisposable
{
    private const long MostWaiting = 32 << 20;
    private readonly string path;
    private readonly Func<Hold> look;
    private readonly Queue<(byte[] Piece, Action<Stream>? Replacement)> waiting = [];
    private FileStream stream;
    private long length;
    private long bytesWaiting;
    private bool isStale;
    private bool isClosed;
    private Exception? problem;

    /// <summary>Opens a file, new or as it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="look">Whether its folder may be written at the moment.</param>
    /// <exception cref="DistTrainerException">It cannot be opened (<see cref="FailureKind.Disk"/>).</exception>
    public GrowingFile(string path, Func<Hold> look)
    {
        (this.path, this.look) = (path, look);
        try
        {
            stream = Open(FileMode.OpenOrCreate);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(failure);
        }
        length = stream.Length;
        stream.Position = length;
    }

    /// <summary>Why not all of it could be written; null while all is well.</summary>
    public DistTrainerException? Failure { get; private set; }

    /// <summary>Whether nothing is in it, nor will be.</summary>
    public bool IsEmpty => length == 0 && waiting.Count == 0;

    /// <summary>Adds a piece.</summary>
    public void Add(byte[] piece) => Enqueue(piece, null);

    /// <summary>Takes another content in the place of the present one, whole or not at all.</summary>
    /// <param name="write">Writes it.</param>
    public void Replace(Action<Stream> write) => Enqueue([], write);

    /// <summary>Brings all pieces down to the disk.</summary>
    public void Flush()
    {
        Write();
        try
        {
            if (waiting.Count == 0 && !isStale && !isClosed)
                stream.Flush(flushToDisk: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            (isStale, problem) = (true, failure);
        }
    }

    /// <summary>Closes the file, and sees whether it has all that was written.</summary>
    public void Dispose()
    {
        if (isClosed)
            return;
        Write();
        if (waiting.Count > 0)
            Failure ??= NotWritten(problem);
        stream.Dispose();
        isClosed = true;
        try
        {
            if (Failure is null && look() == Hold.Mine)
                Failure = Difference();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Failure = NotWritten(failure);
        }
    }

    private FileStream Open(FileMode mode) => new(path, mode, FileAccess.Write, FileShare.Read, bufferSize: 0);

    private void Enqueue(byte[] piece, Action<Stream>? replacement)
    {
        if (Failure is not null || isClosed)
            return;
        waiting.Enqueue((piece, replacement));
        bytesWaiting += piece.Length;
        Write();
        if (bytesWaiting > MostWaiting)
        {
            Failure = NotWritten(problem);
            Forget();
        }
    }

    /// <summary>Writes what waits, if it may.</summary>
    private void Write()
    {
        if (waiting.Count == 0 || isClosed || Failure is not null)
            return;
        Hold hold = look();
        if (hold == Hold.Another)
            Forget();
        else if (hold != Hold.Mine)
            isStale = true;
        else
            WriteAll();
    }

    private void WriteAll()
    {
        try
        {
            if (isStale)
                Reopen();
            while (Failure is null && waiting.TryPeek(out (byte[] Piece, Action<Stream>? Replacement) next))
            {
                if (next.Replacement is { } write)
                    ReplaceNow(write);
                stream.Write(next.Piece);
                length += next.Piece.Length;
                bytesWaiting -= next.Piece.Length;
                waiting.Dequeue();
            }
            (isStale, problem) = (false, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or DistTrainerException)
        {
            (isStale, problem) = (true, failure);
        }
    }

    private void ReplaceNow(Action<Stream> write)
    {
        stream.Dispose();
        isStale = true;
        AtomicFile.Write(path, write);
        stream = Open(FileMode.Open);
        length = stream.Length;
        stream.Position = length;
    }

    /// <summary>What was open may be a file that is no more under this name; a half of a piece is cut off.</summary>
    private void Reopen()
    {
        if (length > 0 && (Failure = Difference(mayBeLonger: true)) is not null)
            return;
        stream.Dispose();
        stream = Open(FileMode.OpenOrCreate);
        stream.SetLength(length);
        stream.Position = length;
    }

    /// <summary>What is wrong with the file that is there now; null where it is what was written.</summary>
    private DistTrainerException? Difference(bool mayBeLonger = false)
    {
        bool isThere = AtomicFile.IsThere(path);
        long now = isThere ? new FileInfo(path).Length : 0;
        if (isThere && (now == length || (mayBeLonger && now > length)))
            return null;
        string what = isThere ? "changed while the run went on, and is not whole"
            : "removed while the run went on; what was in it is lost";
        return new DistTrainerException(FailureKind.Disk, $"{path}: was {what}.");
    }

    private void Forget()
    {
        waiting.Clear();
        bytesWaiting = 0;
    }

    private DistTrainerException NotWritten(Exception? cause) =>
        cause as DistTrainerException ?? new DistTrainerException(
        FailureKind.Disk,
        cause is null
            ? $"{path}: ends before the run does, because the run folder was away."
            : $"{path}: cannot be written ({cause.Message}); free some space or name another folder.",
        cause);
}
