using System.Runtime.InteropServices;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Numerics;

public sealed class Bfloat16KernelTests
{
    [Fact]
    public void A_value_goes_to_the_nearest_and_of_two_as_near_to_the_even_one()
    {
        var random = new Random(4);
        float[] values =
            [.. Enumerable.Range(0, 100_003).Select(_ => BitConverter.Int32BitsToSingle(random.Next() << 1))];
        values[0] = BitConverter.UInt32BitsToSingle(0x3f808000); // half way, above an even one
        values[1] = BitConverter.UInt32BitsToSingle(0x3f818000); // half way, above an odd one
        values[2] = -0f;
        float[] rounded = new float[values.Length];
        Bfloat16.Round(values, rounded);
        for (int i = 0; i < values.Length; i++)
            Assert.Equal(Bits(Nearest(values[i])), Bits(rounded[i]));
        Assert.Equal((0x3f800000u, 0x3f820000u, 0x80000000u), (Bits(rounded[0]), Bits(rounded[1]), Bits(rounded[2])));
        Bfloat16.Round(values, values);
        Assert.Equal(rounded.Select(Bits), values.Select(Bits));
    }

    [Theory]
    [InlineData(0x7f7fffffu, 0x7f7f0000u)] // what is finite stays finite
    [InlineData(0xff7fffffu, 0xff7f0000u)]
    [InlineData(0x7f800000u, 0x7f800000u)] // infinity
    [InlineData(0xff800000u, 0xff800000u)]
    [InlineData(0x7f800001u, 0x7fc00000u)] // NaN whose mantissa would be lost
    [InlineData(0xffc12345u, 0xffc10000u)]
    [InlineData(0x00000001u, 0x00000000u)] // the smallest
    [InlineData(0x0000ffffu, 0x00010000u)]
    public void The_ends_of_the_range_are_what_they_were(uint value, uint expected)
    {
        float[] values = [.. Enumerable.Repeat(BitConverter.UInt32BitsToSingle(value), 9)];
        Bfloat16.Round(values, values);
        Assert.All(values, rounded => Assert.Equal(expected, Bits(rounded)));
    }

    [Fact]
    public void What_was_rounded_comes_back_from_its_upper_halves_whatever_its_length()
    {
        for (int length = 0; length < 100; length++)
        {
            float[] values =
                [.. Enumerable.Range(0, length).Select(i => MathF.ScaleB((i * 37 % 101) - 50, (i % 40) - 20))];
            Bfloat16.Round(values, values);
            byte[] halves = new byte[2 * length];
            Bfloat16.Encode(values, halves);
            float[] back = new float[length];
            halves.CopyTo(MemoryMarshal.AsBytes(back.AsSpan())[halves.Length..]);
            Bfloat16.DecodeInPlace(back);
            Assert.Equal(values, back);
        }
    }

    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    /// <summary>By trying both neighbours, in double.</summary>
    private static float Nearest(float value)
    {
        if (!float.IsFinite(value))
            return value is float.NaN ? BitConverter.UInt32BitsToSingle((Bits(value) & 0xffff0000) | 0x400000) : value;
        uint below = Bits(value) & 0xffff0000, above = below + 0x10000;
        float near = BitConverter.UInt32BitsToSingle(below), far = BitConverter.UInt32BitsToSingle(above);
        if (!float.IsFinite(far))
            return near;
        double toNear = Math.Abs((double)value - near), toFar = Math.Abs((double)value - far);
        return toNear < toFar || (toNear == toFar && (below & 0x10000) == 0) ? near : far;
    }
}
