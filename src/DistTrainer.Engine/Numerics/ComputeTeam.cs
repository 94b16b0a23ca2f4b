namespace DistTrainer.Engine.Numerics;

/// <summary>A part of a computation: writes outputs that no other part writes.</summary>
public interface IComputePart
{
    /// <summary>Computes part <paramref name="part"/> of <paramref name="parts"/>.</summary>
    void Run(int part, int parts);
}

/// <summary>
/// The threads of one worker. They split outputs, never sums, so their number cannot change a result.
/// The threads are its own, never the thread pool's: compute there would delay the actors' heartbeats.
/// </summary>
public sealed class ComputeTeam : IDisposable
{
    private readonly Thread[] _helpers;
    private readonly ManualResetEventSlim[] _start;
    private readonly CountdownEvent _done;
    private IComputePart? _work;
    private volatile bool _stopping;
    private Exception? _failure;

    /// <summary>Starts the helpers; the thread that calls <see cref="Run"/> is the first of the team.</summary>
    /// <param name="threads">Size of the team, ≥ 1.</param>
    /// <param name="name">Prefix of the threads' names.</param>
    internal ComputeTeam(int threads, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Size = threads;
        _helpers = new Thread[threads - 1];
        _start = new ManualResetEventSlim[threads - 1];
        _done = new CountdownEvent(1);
        for (int i = 0; i < _helpers.Length; i++)
        {
            int part = i + 1;
            _start[i] = new ManualResetEventSlim(false, 2000);
            _helpers[i] = new Thread(() => Loop(part)) { IsBackground = true, Name = $"{name}-{part}" };
            _helpers[i].Start();
        }
    }

    /// <summary>Number of threads, the caller included.</summary>
    public int Size { get; }

    /// <summary>Runs all parts, one a thread, and returns when all are done.</summary>
    /// <exception cref="AggregateException">A part failed.</exception>
    public void Run(IComputePart work)
    {
        if (_helpers.Length == 0)
        {
            work.Run(0, 1);
            return;
        }
        _work = work;
        _failure = null;
        _done.Reset(_helpers.Length);
        foreach (ManualResetEventSlim start in _start)
            start.Set();
        try
        {
            work.Run(0, Size);
        }
        finally
        {
            _done.Wait();
        }
        if (_failure is not null)
            throw new AggregateException("A part of a computation failed.", _failure);
    }

    /// <summary>Ends the helpers.</summary>
    public void Dispose()
    {
        _stopping = true;
        foreach (ManualResetEventSlim start in _start)
            start.Set();
        foreach (Thread helper in _helpers)
            helper.Join();
        foreach (ManualResetEventSlim start in _start)
            start.Dispose();
        _done.Dispose();
    }

    private void Loop(int part)
    {
        while (true)
        {
            _start[part - 1].Wait();
            _start[part - 1].Reset();
            if (_stopping)
                return;
            try
            {
                _work!.Run(part, Size);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
            _done.Signal();
        }
    }
}
