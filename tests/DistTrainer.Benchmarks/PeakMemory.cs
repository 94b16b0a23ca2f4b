using System.Globalization;

namespace DistTrainer.Benchmarks;

/// <summary>The most memory that this process has had resident.</summary>
internal static class PeakMemory
{
    public static double Mebibytes()
    {
        string line = File.ReadLines("/proc/self/status")
            .First(line => line.StartsWith("VmHWM", StringComparison.Ordinal));
        return Math.Round(
            double.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) / 1024, 1);
    }
}
