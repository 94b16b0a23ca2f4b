using System.Buffers.Binary;
using System.Text;
using CsCheck;
using DistTrainer.Engine.Data;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>Gzip of several members (RFC 1952, 2.2), and gzip that is not whole.</summary>
public sealed class GzipTests : IDisposable
{
    /// <summary>A member of nothing, which the runtime's stream does not write.</summary>
    private static readonly byte[] s_nothing = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private static byte[] Unpack(byte[] packed)
    {
        using var stream = new GzipContent(new MemoryStream(packed), "a.gz");
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    /// <summary>A member as bgzip writes it: with its size in an extra field, and here with texts and a checksum of
    /// the header too.</summary>
    private static byte[] Block(byte[] content)
    {
        byte[] plain = content.Length == 0 ? [.. s_nothing] : DataTestFiles.Gzip(content);
        byte[] extra = [(byte)'B', (byte)'C', 2, 0, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(extra.AsSpan(4), (ushort)(plain.Length + 40));
        return [.. plain[..3], 4 + 8 + 16 + 2, .. plain[4..10], 6, 0, .. extra, .. "a.csv\0"u8, .. "words\0"u8, 1, 2,
            .. plain[10..]];
    }

    [Fact]
    public void All_members_are_read() =>
        Gen.Byte.Array[0, 300].SelectMany(seed => Gen.Int[0, 40_000].Select(repeats => (seed, repeats)))
            .Array[1, 6].Sample(parts =>
            {
                // Now a text that shrinks, now one that does not, and a block of nothing: as long as one likes.
                byte[][] contents = [.. parts.Select(part => part.repeats % 2 == 0 ? part.seed
                    : [.. Enumerable.Range(0, part.repeats).Select(i => (byte)(i * i * 31 >> (i & 7)))])];
                byte[] packed =
                    [.. contents.SelectMany((part, i) => i % 2 == 0 ? DataTestFiles.Gzip(part) : Block(part))];
                Assert.Equal(contents.SelectMany(part => part), Unpack(packed));
                Assert.Equal(contents.SelectMany(part => part), Unpack([.. packed, .. Block([])]));
            }, iter: 200, threads: 1);

    [Fact]
    public void A_file_cut_off_anywhere_but_between_members_is_refused()
    {
        byte[] first = DataTestFiles.Gzip(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 300)))),
            second = Block("hello hello"u8.ToArray()), third = Block([]);
        byte[] packed = [.. first, .. second, .. third];
        int[] ends = [first.Length, first.Length + second.Length, packed.Length];
        for (int length = 1; length < packed.Length; length++)
        {
            if (ends.Contains(length))
                Unpack(packed[..length]);
            else
                Assert.ThrowsAny<Exception>(() => Unpack(packed[..length]));
        }
    }

    [Fact]
    public void A_changed_bit_never_gives_other_content_without_a_word()
    {
        byte[] content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 60)));
        byte[] packed = [.. DataTestFiles.Gzip(content), .. Block(content)];
        for (int bit = 0; bit < 8 * packed.Length; bit++)
        {
            byte[] damaged = [.. packed];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal([.. content, .. content], Unpack(damaged));
            }
            catch (Exception failure) when (failure is InvalidDataException or DistTrainerException)
            {
            }
        }
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, 3)]
    [InlineData(new byte[] { 0x1F }, 1)]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 10)]
    public void What_follows_the_last_member_and_is_no_gzip_is_refused_as_such(byte[] more, int count)
    {
        byte[] packed = DataTestFiles.Gzip("a,y\n1,2\n3,4\n"u8.ToArray());
        string path = _files.Write("a.csv.gz", [.. packed, .. more]);
        Assert.Equal(
            $"{path}: {count} bytes that are no gzip follow the gzip, which ends after {packed.Length} bytes; get the "
            + "file again, or take them off.",
            DataTestFiles.Error(() => DataLoader.Load(DataTestFiles.Whole(path), DataTestFiles.Squared)));
    }

    [Fact]
    public void Csv_and_idx_in_several_members_give_all_rows()
    {
        string csv = _files.Write("a.csv.gz",
            [.. DataTestFiles.Gzip("a,y\n1,2\n3,"u8.ToArray()), .. DataTestFiles.Gzip("4\n5,6\n"u8.ToArray()),
            .. Block([])]);
        Assert.Equal(
            [1f, 3f, 5f], DataLoader.Load(DataTestFiles.Whole(csv), DataTestFiles.Squared).Train.Features);
        byte[] images = DataTestFiles.Idx([1, 2, 3, 4], 2, 2, 1);
        string idx = _files.Write("images-idx3-ubyte.gz",
            [.. DataTestFiles.Gzip(images[..9]), .. DataTestFiles.Gzip(images[9..])]);
        _files.Write("labels-idx1-ubyte.gz", DataTestFiles.Gzip(DataTestFiles.Idx([0, 1], 2)));
        Assert.Equal(
            [1f, 2f, 3f, 4f], DataLoader.Load(DataTestFiles.Whole(idx), DataTestFiles.CrossEntropy).Train.Features);
    }
}
