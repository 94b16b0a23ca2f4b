using DistTrainer.Engine;
using DistTrainer.Engine.Files;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// A file of the run folder that grows by whole pieces. A piece is handed to the system at once, so that a killed
/// process loses none. While the folder is away, or the disk full, pieces wait in memory, and are written in their
/// order when it is back. None of that must reach the coordinator as an exception: what cannot be mended is kept, and
/// reported when training is over.
/// </summary>
internal sealed class GrowingFile : IDisposable
{
    private const long MostWaiting = 32 << 20;
    private readonly string _path;
    private readonly Func<FolderOwner> _look;
    private readonly Queue<(byte[] Piece, Action<Stream>? Replacement)> _waiting = [];
    private FileStream _stream;
    private long _length;
    private long _bytesWaiting;
    private bool _isStale;
    private bool _isClosed;
    private Exception? _problem;

    /// <summary>Opens a file, new or as it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="look">Whether its folder may be written at the moment.</param>
    /// <exception cref="DistTrainerException">It cannot be opened (<see cref="FailureKind.Disk"/>).</exception>
    public GrowingFile(string path, Func<FolderOwner> look)
    {
        (_path, _look) = (path, look);
        try
        {
            _stream = Open(FileMode.OpenOrCreate);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(failure);
        }
        _length = _stream.Length;
        _stream.Position = _length;
    }

    /// <summary>Why not all of it could be written; null while all is well.</summary>
    public DistTrainerException? Failure { get; private set; }

    /// <summary>Whether nothing is in it, nor will be.</summary>
    public bool IsEmpty => _length == 0 && _waiting.Count == 0;

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
            if (_waiting.Count == 0 && !_isStale && !_isClosed)
                _stream.Flush(flushToDisk: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            (_isStale, _problem) = (true, failure);
        }
    }

    /// <summary>Closes the file, and sees whether it has all that was written.</summary>
    public void Dispose()
    {
        if (_isClosed)
            return;
        Write();
        if (_waiting.Count > 0)
            Failure ??= NotWritten(_problem);
        _stream.Dispose();
        _isClosed = true;
        try
        {
            if (Failure is null && _look() == FolderOwner.Mine)
                Failure = Difference();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Failure = NotWritten(failure);
        }
    }

    private FileStream Open(FileMode mode) => new(_path, mode, FileAccess.Write, FileShare.Read, bufferSize: 0);

    private void Enqueue(byte[] piece, Action<Stream>? replacement)
    {
        if (Failure is not null || _isClosed)
            return;
        _waiting.Enqueue((piece, replacement));
        _bytesWaiting += piece.Length;
        Write();
        if (_bytesWaiting > MostWaiting)
        {
            Failure = NotWritten(_problem);
            Forget();
        }
    }

    /// <summary>Writes what waits, if it may.</summary>
    private void Write()
    {
        if (_waiting.Count == 0 || _isClosed || Failure is not null)
            return;
        FolderOwner hold = _look();
        if (hold == FolderOwner.Another)
            Forget();
        else if (hold != FolderOwner.Mine)
            _isStale = true;
        else
            WriteAll();
    }

    private void WriteAll()
    {
        try
        {
            if (_isStale)
                Reopen();
            while (Failure is null && _waiting.TryPeek(out (byte[] Piece, Action<Stream>? Replacement) next))
            {
                if (next.Replacement is { } write)
                    ReplaceNow(write);
                _stream.Write(next.Piece);
                _length += next.Piece.Length;
                _bytesWaiting -= next.Piece.Length;
                _waiting.Dequeue();
            }
            (_isStale, _problem) = (false, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or DistTrainerException)
        {
            (_isStale, _problem) = (true, failure);
        }
    }

    private void ReplaceNow(Action<Stream> write)
    {
        _stream.Dispose();
        _isStale = true;
        AtomicFile.Write(_path, write);
        _stream = Open(FileMode.Open);
        _length = _stream.Length;
        _stream.Position = _length;
    }

    /// <summary>What was open may be a file that is no more under this name; a half of a piece is cut off.</summary>
    private void Reopen()
    {
        if (_length > 0 && (Failure = Difference(mayBeLonger: true)) is not null)
            return;
        _stream.Dispose();
        _stream = Open(FileMode.OpenOrCreate);
        _stream.SetLength(_length);
        _stream.Position = _length;
    }

    /// <summary>What is wrong with the file that is there now; null where it is what was written.</summary>
    private DistTrainerException? Difference(bool mayBeLonger = false)
    {
        bool isThere = AtomicFile.IsThere(_path);
        long now = isThere ? new FileInfo(_path).Length : 0;
        if (isThere && (now == _length || (mayBeLonger && now > _length)))
            return null;
        string what = isThere ? "changed while the run went on, and is not whole"
            : "removed while the run went on; what was in it is lost";
        return new DistTrainerException(FailureKind.Disk, $"{_path}: was {what}.");
    }

    private void Forget()
    {
        _waiting.Clear();
        _bytesWaiting = 0;
    }

    private DistTrainerException NotWritten(Exception? cause) =>
        cause as DistTrainerException ?? new DistTrainerException(
        FailureKind.Disk,
        cause is null
            ? $"{_path}: ends before the run does, because the run folder was away."
            : $"{_path}: cannot be written ({cause.Message}); free some space or name another folder.",
        cause);
}
