using System.Collections.Concurrent;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Cluster.Step;

/// <summary>Where an actor lets work run that blocks or takes long; a test may run it in an order of its own.</summary>
internal interface IBackground
{
    /// <summary>Begins the work.</summary>
    /// <param name="work">What to do; not on the actor's thread.</param>
    /// <param name="yields">Whether compute goes before it: it takes what cores have left over.</param>
    Task<T> Run<T>(Func<T> work, bool yields = false);
}

/// <summary>
/// A thread for each work: the thread pool is the actors' own. Threads are kept and used again: to start one takes the
/// actor that asks half a millisecond where all cores compute, as long as a third of a step of a small model.
/// </summary>
internal sealed class ThreadBackground : IBackground
{
    // For all runs of the process: as many threads as there ever were works at one time.
    private static readonly KeptThreads s_threads = new("background", nice: 0);
    private static readonly KeptThreads s_yielding = new("background-yielding", ThreadNice.Leftovers);

    /// <remarks>
    /// Work that yields runs on another thread than the one that ends the task: whoever ends it queues what follows to
    /// the thread pool, which may start a thread of its own for that, and such a thread would give way for ever.
    /// </remarks>
    public Task<T> Run<T>(Func<T> work, bool yields = false) =>
        s_threads.Run(yields ? () => s_yielding.Run(work).GetAwaiter().GetResult() : work);

    /// <summary>Threads that wait for work; one is started only if none waits.</summary>
    private sealed class KeptThreads(string name, int nice)
    {
        private readonly ConcurrentBag<BlockingCollection<Action>> _waiting = [];

        public Task<T> Run<T>(Func<T> work)
        {
            var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            Post(() =>
            {
                try
                {
                    done.SetResult(work());
                }
                catch (Exception failure)
                {
                    done.SetException(failure);
                }
            });
            return done.Task;
        }

        private void Post(Action work)
        {
            if (!_waiting.TryTake(out BlockingCollection<Action>? thread))
            {
                thread = [];
                BlockingCollection<Action> works = thread;
                new Thread(() => Loop(works)) { IsBackground = true, Name = name }.Start();
            }
            thread.Add(work);
        }

        private void Loop(BlockingCollection<Action> works)
        {
            if (nice > 0)
                ThreadNice.Add(nice);
            foreach (Action work in works.GetConsumingEnumerable())
            {
                work();
                _waiting.Add(works);
            }
        }
    }
}
