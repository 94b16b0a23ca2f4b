using Akka.Actor;
using DistTrainer.Cluster.Step;

namespace DistTrainer.Simulation;

/// <summary>
/// In the place of the cluster's coordinator: the run's supervisor, which hears what the run asks for.
/// </summary>
internal sealed class Coordinator : ReceiveActor
{
    /// <summary>Begins to lead.</summary>
    /// <param name="run">The run.</param>
    /// <param name="started">Called with the run.</param>
    /// <param name="heard">Called with everything that the run says.</param>
    public Coordinator(Props run, Action<IActorRef> started, Action<object> heard)
    {
        started(Context.ActorOf(run, "run"));
        ReceiveAny(heard);
    }
}

/// <summary>Lets work that blocks run later, on the simulation's own thread.</summary>
internal sealed class LateWork(SeedRun simulation) : IBackground
{
    public Task<T> Run<T>(Func<T> work, bool yields = false)
    {
        var done = new TaskCompletionSource<T>();
        simulation.Time.After(simulation.Network.Delay() + simulation.DiskDelay(), () =>
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
}
