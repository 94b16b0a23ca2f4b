using System.Diagnostics;
using System.Text.Json;
using DistTrainer.Engine.Files;

namespace DistTrainer.Benchmarks;

/// <summary>CRC-32C of one chunk, again and again: a JSON line in GB/s.</summary>
internal static class CrcBenchmark
{
    public static void Run(double seconds)
    {
        var chunk = new byte[256 << 10];
        double best = double.MaxValue;
        uint checksum = Crc32C.Compute(chunk);
        for (long end = Stopwatch.GetTimestamp()
            + (long)(seconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
        {
            var watch = Stopwatch.StartNew();
            checksum = Crc32C.Append(checksum, chunk);
            best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }
        Console.WriteLine(
            JsonSerializer.Serialize(
                new { test = "crc32c", bestGBs = Math.Round(chunk.Length / best / 1e9, 1), checksum }));
    }
}
