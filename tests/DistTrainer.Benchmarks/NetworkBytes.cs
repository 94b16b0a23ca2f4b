using System.Globalization;

namespace DistTrainer.Benchmarks;

/// <summary>
/// What this process's network namespace has sent and received: the kernel's own count, with all headers.
/// </summary>
internal static class NetworkBytes
{
    private const int Received = 0;
    private const int Sent = 8;

    /// <summary>Bytes that all devices but loopback have sent since they are there.</summary>
    public static long Out() => Sum(Sent);

    /// <summary>Bytes that they have received.</summary>
    public static long In() => Sum(Received);

    private static long Sum(int column) => File.ReadLines("/proc/self/net/dev").Skip(2)
        .Select(line => line.Split(':'))
        .Where(device => device[0].Trim() != "lo")
        .Sum(device => long.Parse(
            device[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[column], CultureInfo.InvariantCulture));
}
