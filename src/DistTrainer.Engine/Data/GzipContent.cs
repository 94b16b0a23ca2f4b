using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Unpacks gzip: all members, one after the other (RFC 1952, 2.2), each held against its checksum and length. The
/// runtime's own stream just ends where a file is cut off or where something else follows, and rows would be lost
/// without a word.
/// </summary>
internal sealed class GzipContent : Stream
{
    private const int TrailerLength = 8;

    private readonly Stream _file;
    private readonly string _path;
    private readonly MemberInput _input;
    private readonly Crc32 _checksum = new();
    private DeflateStream? _member;
    private uint _memberLength;
    private long _read;

    /// <summary>Begins at the file's first member.</summary>
    /// <param name="file">The packed file at its beginning; it can be positioned, and is closed with this
    /// stream.</param>
    /// <param name="path">What errors call it.</param>
    public GzipContent(Stream file, string path) => (_file, _path, _input) = (file, path, new MemberInput(file));

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    /// <summary>The first two bytes of every member; the method deflate is the third.</summary>
    private static ReadOnlySpan<byte> Magic => [0x1F, 0x8B, 8];

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_member is null)
            {
                if (_file.Position == _file.Length)
                    break;
                BeginMember();
            }
            int read = _member!.Read(buffer);
            if (read == 0)
            {
                EndMember();
                continue;
            }
            _checksum.Append(buffer[..read]);
            (_memberLength, _read) = (_memberLength + (uint)read, _read + read);
            if (_read > InputFile.LargestUnpacked(_file.Length))
                throw InputFile.ExpandsTooFar(
                    _path, _file.Length, "if it is meant, unpack it (gunzip) and give the file.");
            return read;
        }
        return 0;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _member?.Dispose();
            _file.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>Reads a member's header (RFC 1952, 2.3): what stands in it does not count.</summary>
    private void BeginMember()
    {
        const int Extra = 4, Name = 8, Comment = 16, HeaderCrc = 2, Reserved = 0xE0;
        Span<byte> start = stackalloc byte[10], length = stackalloc byte[2];
        ReadHeader(start);
        byte flags = start[3];
        if (!start.StartsWith(Magic) || (flags & Reserved) != 0)
            throw new InvalidDataException("the gzip's header is not one of RFC 1952");
        if ((flags & Extra) != 0)
        {
            ReadHeader(length);
            _file.Position = Math.Min(
                _file.Length, _file.Position + BinaryPrimitives.ReadUInt16LittleEndian(length));
        }
        SkipText((flags & Name) != 0);
        SkipText((flags & Comment) != 0);
        if ((flags & HeaderCrc) != 0)
            ReadHeader(length);
        _input.Begin();
        (_member, _memberLength) = (new(_input, CompressionMode.Decompress, leaveOpen: true), 0);
        _checksum.Reset();
    }

    private void SkipText(bool isThere)
    {
        Span<byte> character = stackalloc byte[1];
        while (isThere)
        {
            ReadHeader(character);
            isThere = character[0] != 0;
        }
    }

    private void ReadHeader(Span<byte> bytes)
    {
        if (_file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new InvalidDataException("the gzip ends within a header");
    }

    /// <summary>
    /// Goes to the end of the member. The runtime takes more of the file than the member has and does not say where
    /// that ends, but its last bytes are known: the checksum and the length of what was unpacked.
    /// </summary>
    private void EndMember()
    {
        _member!.Dispose();
        _member = null;
        Span<byte> trailer = stackalloc byte[TrailerLength];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _checksum.GetCurrentHashAsUInt32());
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], _memberLength);
        (long first, long last) = _input.Window;
        byte[] window = new byte[Math.Min(_file.Length, last + TrailerLength + Magic.Length) - first];
        _file.Position = first;
        _file.ReadExactly(window);
        for (int at = 0; window.AsSpan(at).IndexOf(trailer) is var found and >= 0; at++)
        {
            at += found;
            // Where all of the member is at hand, a member of the same content may be there too, or zeros that look
            // like the end of one without content.
            if (first == _input.Start && (at == 0 || !AsksForMore(window, at - 1) || AsksForMore(window, at)))
                continue;
            long end = first + at + TrailerLength;
            if (end < _file.Length && !window.AsSpan(at + TrailerLength).StartsWith(Magic))
                throw DataError.Of(
                    $"{_path}: {_file.Length - end} bytes that are no gzip follow the gzip, which ends after {end} "
                    + "bytes; get the file again, or take them off.");
            _file.Position = end;
            return;
        }
        throw new InvalidDataException(
            $"after {_read} unpacked bytes the gzip does not end as it must, in their checksum and length");
    }

    /// <summary>Whether the packed content goes on behind its first bytes.</summary>
    private static bool AsksForMore(byte[] packed, int length)
    {
        var input = new MemberInput(new MemoryStream(packed, 0, length));
        using var content = new DeflateStream(input, CompressionMode.Decompress);
        Span<byte> buffer = stackalloc byte[1 << 12];
        while (content.Read(buffer) > 0)
        {
        }
        return input.IsAtEnd;
    }

    /// <summary>Hands a file's bytes to the runtime's stream, and keeps where the last ones stood.</summary>
    private sealed class MemberInput(Stream file) : Stream
    {
        private const int LargestRead = 4096;
        private long _last;

        /// <summary>Where the last two reads began and ended: a member's end is there, or just behind.</summary>
        public (long First, long Last) Window { get; private set; }

        /// <summary>Where the member's content begins.</summary>
        public long Start { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>Whether more was asked for than there is.</summary>
        public bool IsAtEnd { get; private set; }

        public void Begin()
        {
            Start = file.Position;
            (Window, _last) = ((Start, Start), Start);
        }

        public override int Read(Span<byte> buffer)
        {
            long start = file.Position;
            // Small reads leave little to search for the end.
            int read = file.Read(buffer[..Math.Min(buffer.Length, LargestRead)]);
            if (read > 0)
                (Window, _last) = ((_last, start + read), start);
            else
                IsAtEnd = true;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
