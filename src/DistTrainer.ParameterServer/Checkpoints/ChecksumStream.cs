using System.Globalization;
using System.Security.Cryptography;
using DistTrainer.Engine.Files;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>Passes bytes on and computes their checksums on the way.</summary>
/// <param name="inner">Where they go; null if only the checksums are wanted.</param>
/// <param name="withSha">Whether the SHA-256 is wanted beside the CRC-32C.</param>
internal sealed class ChecksumStream(Stream? inner, bool withSha) : Stream
{
    private readonly IncrementalHash? _sha = withSha ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private uint _crc;
    private long _bytes;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _bytes;

    public override long Position { get => _bytes; set => throw new NotSupportedException(); }

    /// <summary>CRC-32C so far, 8 lower-case hex digits.</summary>
    public string Crc32CText => _crc.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>SHA-256 so far, in lower-case hex; null if it was not wanted.</summary>
    public string? Sha256Text => _sha is null ? null : Convert.ToHexStringLower(_sha.GetCurrentHash());

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner?.Write(buffer);
        _sha?.AppendData(buffer);
        _crc = Crc32C.Append(_crc, buffer);
        _bytes += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner?.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _sha?.Dispose();
        base.Dispose(disposing);
    }
}
