namespace DistTrainer.Cluster;

/// <summary>Where an actor lets work run that blocks or takes long; a test may run it in an order of its own.</summary>
internal interface IBackground
{
    /// <summary>Begins the work.</summary>
    /// <param name="work">What to do; not on the actor's thread.</param>
    Task<T> Run<T>(Func<T> work);
}

/// <summary>A thread for each work: the thread pool is the actors' own.</summary>
internal sealed class ThreadBackground : IBackground
{
    public Task<T> Run<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
