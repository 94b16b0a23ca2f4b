using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// Philox4x32 with 10 rounds: a keyed bijection on 128-bit counters. One round turns (x₀, x₁, x₂, x₃) with key (k₀, k₁)
/// into (hi(M₁x₂) ⊕ x₁ ⊕ k₀, lo(M₁x₂), hi(M₀x₀) ⊕ x₃ ⊕ k₁, lo(M₀x₀)); after each round the key goes on by the Weyl
/// constants. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// </summary>
internal static class Philox4x32
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>One block of four words.</summary>
    public static RandomBlock Block(uint x0, uint x1, uint x2, uint x3, ulong key)
    {
        uint k0 = (uint)key;
        uint k1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong p0 = (ulong)Multiplier0 * x0;
            ulong p1 = (ulong)Multiplier1 * x2;
            x0 = (uint)(p1 >> 32) ^ x1 ^ k0;
            x2 = (uint)(p0 >> 32) ^ x3 ^ k1;
            x1 = (uint)p1;
            x3 = (uint)p0;
            k0 += Weyl0;
            k1 += Weyl1;
        }
        return new RandomBlock(x0, x1, x2, x3);
    }

    /// <summary>Eight blocks at once, one in each lane; the counters are replaced by the words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Blocks(
        ref Vector256<uint> x0, ref Vector256<uint> x1, ref Vector256<uint> x2, ref Vector256<uint> x3, ulong key)
    {
        // A word lives in the lower half of a 64-bit lane. The upper halves hold garbage that no product reads.
        Vector256<ulong> a0 = x0.AsUInt64(), a1 = x1.AsUInt64(), a2 = x2.AsUInt64(), a3 = x3.AsUInt64();
        Vector256<ulong> b0 = a0 >> 32, b1 = a1 >> 32, b2 = a2 >> 32, b3 = a3 >> 32;
        uint k0 = (uint)key;
        uint k1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            Vector256<ulong> key0 = Vector256.Create((ulong)k0);
            Vector256<ulong> key1 = Vector256.Create((ulong)k1);
            Round(ref a0, ref a1, ref a2, ref a3, key0, key1);
            Round(ref b0, ref b1, ref b2, ref b3, key0, key1);
            k0 += Weyl0;
            k1 += Weyl1;
        }
        x0 = Interleave(a0, b0);
        x1 = Interleave(a1, b1);
        x2 = Interleave(a2, b2);
        x3 = Interleave(a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector256<ulong> x0, ref Vector256<ulong> x1, ref Vector256<ulong> x2, ref Vector256<ulong> x3,
        Vector256<ulong> key0, Vector256<ulong> key1)
    {
        Vector256<ulong> p0 = MultiplyLow(x0, Multiplier0);
        Vector256<ulong> p1 = MultiplyLow(x2, Multiplier1);
        x0 = (p1 >> 32) ^ x1 ^ key0;
        x2 = (p0 >> 32) ^ x3 ^ key1;
        x1 = p1;
        x3 = p0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> MultiplyLow(Vector256<ulong> x, uint multiplier) => Avx2.IsSupported
        ? Avx2.Multiply(x.AsUInt32(), Vector256.Create((ulong)multiplier).AsUInt32())
        : (x & Vector256.Create((ulong)uint.MaxValue)) * Vector256.Create((ulong)multiplier);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Interleave(Vector256<ulong> even, Vector256<ulong> odd) =>
        ((even & Vector256.Create((ulong)uint.MaxValue)) | (odd << 32)).AsUInt32();
}
