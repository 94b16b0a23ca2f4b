using System.Runtime.InteropServices;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// How much a thread of this process gives way to others (Linux's nice values, 0–19; .NET's own priorities do nothing
/// there). Compute gives way to heartbeats and control messages, which need little and need it at once: with many
/// workers on few cores nodes would else take each other for dead.
/// </summary>
/// <remarks>
/// On Linux a thread begins with the value of the thread that starts it, and without privileges none ever goes back. So
/// threads that give way should start no others, not even by queueing work to the thread pool.
/// </remarks>
internal static partial class ThreadNice
{
    /// <summary>Of threads that compute or move floats: a third of the share of others.</summary>
    public const int Compute = 5;

    /// <summary>Of work that nobody waits for: it takes what cores have left over.</summary>
    public const int Leftovers = 19;

    private const int OfThread = 0;

    /// <summary>
    /// Lets the calling thread give way to this process's others. Once a thread. Elsewhere than on Linux it sets .NET's
    /// priority.
    /// </summary>
    /// <param name="nice">Added to the process's own value, from 0 to 19; 19 is the most there is.</param>
    public static void Add(int nice)
    {
        // 0 is the calling thread.
        if (OperatingSystem.IsLinux())
            _ = SetPriority(
                OfThread, 0, Math.Min(GetPriority(OfThread, (uint)Environment.ProcessId) + nice, Leftovers));
        else
            Thread.CurrentThread.Priority = nice >= Leftovers ? ThreadPriority.Lowest : ThreadPriority.BelowNormal;
    }

    [LibraryImport("libc", EntryPoint = "getpriority")]
    private static partial int GetPriority(int which, uint who);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int nice);
}
