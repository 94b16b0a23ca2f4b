using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace DistTrainer.Engine.Files;

/// <summary>The fingerprint by which two runs are compared.</summary>
public static class ParameterHash
{
    private const int ChunkLength = 1 << 20;

    /// <summary>SHA-256, in lower-case hex, of the floats as little-endian bytes in order.</summary>
    public static string Compute(ReadOnlySpan<float> parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (; !parameters.IsEmpty; parameters = parameters[Math.Min(ChunkLength, parameters.Length)..])
        {
            ReadOnlySpan<float> chunk = parameters[..Math.Min(ChunkLength, parameters.Length)];
            if (BitConverter.IsLittleEndian)
            {
                hash.AppendData(MemoryMarshal.AsBytes(chunk));
                continue;
            }
            int[] reversed = new int[chunk.Length];
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<float, int>(chunk), reversed);
            hash.AppendData(MemoryMarshal.AsBytes<int>(reversed));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
