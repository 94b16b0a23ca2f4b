using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Dispatch;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// A thread on which the actors of a core take turns: what one of them tells another needs no other thread to wake.
/// Before it parks it looks for work a short time: waking a thread through the kernel takes longer than a step of a
/// small model.
/// </summary>
internal sealed class TurnThread
{
    private const int LooksBetweenTimes = 16;
    private const int PausesBetweenLooks = 8;

    private static int s_running;

    private readonly ConcurrentQueue<IRunnable> _ready = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly long _spinTicks;
    private readonly bool _givesWay;
    private int _isParked;
    private volatile bool _ends;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="spin">How long it looks for work before it parks; not at all while such threads are more than
    /// cores.</param>
    /// <param name="givesWay">Whether it gives way to heartbeats and other small work of the process.</param>
    public TurnThread(string name, TimeSpan spin, bool givesWay)
    {
        _spinTicks = (long)(spin.TotalSeconds * Stopwatch.Frequency);
        _givesWay = givesWay;
        Interlocked.Increment(ref s_running);
        new Thread(Loop) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Ends the thread when nothing waits any more.</summary>
    public void End()
    {
        _ends = true;
        Wake();
    }

    /// <summary>Has something run behind what waits.</summary>
    public void Post(IRunnable run)
    {
        _ready.Enqueue(run);
        Wake();
    }

    private void Wake()
    {
        Interlocked.MemoryBarrier(); // what was written before is seen by a thread that is just about to park
        if (Volatile.Read(ref _isParked) == 1 && Interlocked.Exchange(ref _isParked, 0) == 1)
            _wake.Release();
    }

    private void Loop()
    {
        if (_givesWay)
            ThreadNice.Add(ThreadNice.Compute);
        while (!_ends || !_ready.IsEmpty)
        {
            if (_ready.TryDequeue(out IRunnable? run))
                run.Run();
            else if (!Spin())
                Park();
        }
        Interlocked.Decrement(ref s_running);
    }

    /// <summary>Looks for work for a while.</summary>
    /// <returns>Whether there is some.</returns>
    private bool Spin()
    {
        if (_spinTicks == 0 || Volatile.Read(ref s_running) > Environment.ProcessorCount)
            return false;
        long end = Stopwatch.GetTimestamp() + _spinTicks;
        do
        {
            for (int look = 0; look < LooksBetweenTimes; look++)
            {
                if (!_ready.IsEmpty || _ends)
                    return true;
                Thread.SpinWait(PausesBetweenLooks);
            }
        }
        while (Stopwatch.GetTimestamp() < end);
        return false;
    }

    private void Park()
    {
        Interlocked.Exchange(ref _isParked, 1);
        if (_ready.IsEmpty && !_ends)
            _wake.Wait();
        else if (Interlocked.Exchange(ref _isParked, 0) == 0)
            _wake.Wait(); // somebody has seen it parked, and has released it
    }
}
