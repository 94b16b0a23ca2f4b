using System.Diagnostics;
using System.Runtime.InteropServices;

namespace DistTrainer.Cli;

/// <summary>
/// A node that <c>launch</c> has started. Ctrl+C goes to all processes of a terminal at once; this one leaves the
/// terminal, so that <c>launch</c> alone says in which order nodes end. And it ends at once when <c>launch</c> is gone,
/// however that ended.
/// </summary>
internal static partial class LaunchedNode
{
    /// <summary>Begins, before anything else.</summary>
    public static void Begin()
    {
        if (!OperatingSystem.IsWindows())
            _ = SetSession();
        new Thread(EndWithInput) { IsBackground = true, Name = "launched" }.Start();
    }

    private static void EndWithInput()
    {
        using Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[256];
        while (input.Read(buffer) > 0)
        {
            // Nobody writes there.
        }
        Process.GetCurrentProcess().Kill();
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();
}
