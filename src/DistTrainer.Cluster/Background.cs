using System.Runtime.InteropServices;

namespace DistTrainer.Cluster;

/// <summary>Where an actor lets work run that blocks or takes long; a test may run it in an order of its own.</summary>
internal interface IBackground
{
    /// <summary>Begins the work.</summary>
    /// <param name="work">What to do; not on the actor's thread.</param>
    /// <param name="yields">Whether compute goes before it: it takes what cores have left over.</param>
    Task<T> Run<T>(Func<T> work, bool yields = false);
}

/// <summary>A thread for each work: the thread pool is the actors' own.</summary>
internal sealed partial class ThreadBackground : IBackground
{
    private const int OfThread = 0;
    private const int Lowest = 19;

    public Task<T> Run<T>(Func<T> work, bool yields = false) =>
        Task.Factory.StartNew(() => yields ? Yielding(work) : work(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The thread is the work's own and ends with it, so its priority need not be set back.</summary>
    private static T Yielding<T>(Func<T> work)
    {
        // .NET's thread priorities do nothing on Linux. There a thread has a nice value of its own; 0 is the calling thread.
        if (OperatingSystem.IsLinux())
            _ = SetPriority(OfThread, 0, Lowest);
        else
            Thread.CurrentThread.Priority = ThreadPriority.Lowest;
        return work();
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int nice);
}
