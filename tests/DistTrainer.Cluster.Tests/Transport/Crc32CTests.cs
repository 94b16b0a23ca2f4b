using System.Text;
using CsCheck;
using DistTrainer.Engine.Files;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

public sealed class Crc32CTests
{
    // RFC 3720, appendix B.4; the third is the usual check value of CRC catalogues.
    public static TheoryData<byte[], uint> Golden => new()
    {
        { new byte[32], 0x8a9136aa },
        { Enumerable.Repeat((byte)0xff, 32).ToArray(), 0x62a8ab43 },
        { Encoding.ASCII.GetBytes("123456789"), 0xe3069283 },
        { Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), 0x46dd794e },
        { Enumerable.Range(0, 32).Select(i => (byte)(31 - i)).ToArray(), 0x113fdb5c },
        { Convert.FromHexString(
            "01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000"),
            0xd9963a56 },
        { [], 0 },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void The_published_vectors_come_out(byte[] data, uint expected) =>
        Assert.Equal(expected, Crc32C.Compute(data));

    [Fact]
    public void Any_length_and_any_cut_give_what_the_bitwise_definition_gives() =>
        Gen.Select(Gen.Byte.Array[0, 20_000], Gen.Double[0, 1]).Sample(
            (data, at) =>
            {
                int cut = (int)(at * data.Length);
                Assert.Equal(Bitwise(data), Crc32C.Compute(data));
                Assert.Equal(
                    Crc32C.Compute(data), Crc32C.Append(Crc32C.Compute(data.AsSpan(0, cut)), data.AsSpan(cut)));
            },
            iter: 100);

    private static uint Bitwise(byte[] data)
    {
        uint state = uint.MaxValue;
        foreach (byte value in data)
        {
            state ^= value;
            for (int bit = 0; bit < 8; bit++)
                state = (state >> 1) ^ ((state & 1) * 0x82f63b78);
        }
        return ~state;
    }
}
