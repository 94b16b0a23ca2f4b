using System.Runtime.ExceptionServices;
using DistTrainer.Engine;

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
internal sealed class ThreadBackground : IBackground
{
    public Task<T> Run<T>(Func<T> work, bool yields = false) =>
        Task.Factory.StartNew(() => yields ? Yielding(work) : work(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>
    /// Another thread than the one that ends the task: whoever ends it queues what follows to the thread pool, which may start a
    /// thread of its own for that, and such a thread would give way for ever.
    /// </summary>
    private static T Yielding<T>(Func<T> work)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            ThreadNice.Add(ThreadNice.Leftovers);
            try
            {
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }
}
