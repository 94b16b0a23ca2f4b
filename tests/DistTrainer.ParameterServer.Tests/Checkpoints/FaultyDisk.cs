using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

/// <summary>The process is killed: nothing runs after it, so nothing is cleaned up.</summary>
internal sealed class KilledException : Exception;

/// <summary>
/// Kills the writer at its n-th boundary: before each write to a file (of which half arrives), each rename, each new
/// folder and each deletion. What it left lies there as after a real kill.
/// </summary>
/// <param name="boundary">Which one, from 0.</param>
internal sealed class KillingDisk(int boundary) : CheckpointDisk
{
    private readonly int _boundary = boundary;
    private int _count;

    /// <summary>Whether it came so far.</summary>
    public bool HasKilled => _count > _boundary;

    public override void MakeFolder(string folder) => Cross(() => base.MakeFolder(folder));

    public override void Rename(string from, string to) => Cross(() => base.Rename(from, to));

    public override void Delete(string folder) => Cross(() => base.Delete(folder));

    public override void Write(string path, long bytes, Action<Stream> write)
    {
        // As AtomicFile does it, but without its cleaning up.
        Cross(() => File.WriteAllBytes(path + ".tmp", []));
        using (FileStream file = File.OpenWrite(path + ".tmp"))
            write(new HalvingStream(file, this));
        Cross(() => File.Move(path + ".tmp", path, overwrite: true));
    }

    private void Cross(Action work)
    {
        if (_count++ >= _boundary)
            throw new KilledException();
        work();
    }

    private sealed class HalvingStream(Stream inner, KillingDisk disk) : PassingStream(inner)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (disk._count++ >= disk._boundary)
            {
                Inner.Write(buffer[..(buffer.Length / 2)]);
                Inner.Flush();
                throw new KilledException();
            }
            Inner.Write(buffer);
        }
    }
}

/// <summary>A disk that is full after some bytes.</summary>
/// <param name="room">Bytes that fit.</param>
internal sealed class FullDisk(long room) : CheckpointDisk
{
    private long _room = room;

    public override void Write(string path, long bytes, Action<Stream> write) =>
        base.Write(path, bytes, stream => write(new FillingStream(stream, this)));

    private sealed class FillingStream(Stream inner, FullDisk disk) : PassingStream(inner)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            int fits = (int)Math.Min(buffer.Length, disk._room);
            Inner.Write(buffer[..fits]);
            disk._room -= fits;
            if (fits < buffer.Length)
                throw new IOException("No space left on device");
        }
    }
}

/// <summary>A stream that only takes bytes.</summary>
internal abstract class PassingStream(Stream inner) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => Inner.Length;

    public override long Position { get => Inner.Position; set => throw new NotSupportedException(); }

    protected Stream Inner { get; } = inner;

    public abstract override void Write(ReadOnlySpan<byte> buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => Inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
