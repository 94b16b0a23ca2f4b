using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace DistTrainer.Cli;

/// <summary>What this program runs on.</summary>
internal static class Machine
{
    /// <summary>This program's version.</summary>
    public static string Version { get; } =
        typeof(Machine)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "0.0.0";

    /// <summary>The processor's name.</summary>
    public static string Processor { get; } = FindProcessor();

    /// <summary>The vector instructions that this program may use.</summary>
    public static string Simd => string.Join(", ", new (string Name, bool IsThere)[]
    {
        ("AVX-512", Avx512F.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported),
            ("SSE4.2", Sse42.IsSupported),
        ("AdvSimd", AdvSimd.IsSupported), ("256-bit vectors in hardware", Vector256.IsHardwareAccelerated),
    }.Where(entry => entry.IsThere).Select(entry => entry.Name).DefaultIfEmpty("none"));

    /// <summary>All in one line.</summary>
    public static string Text =>
        $"{Processor}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription.Trim()} "
        + $"{RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}";

    private static string FindProcessor()
    {
        try
        {
            string? line = File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null)
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Other systems keep it elsewhere.
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
