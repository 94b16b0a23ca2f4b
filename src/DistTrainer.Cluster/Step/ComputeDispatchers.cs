using Akka.Actor;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Cluster.Step;

/// <summary>The dispatchers of the actors that compute.</summary>
internal static class ComputeDispatchers
{
    /// <summary>
    /// Workers and parameter shards compute in their handlers, so each has a thread of its own: compute on the thread
    /// pool would delay everything else that the actor system does, heartbeats first.
    /// </summary>
    public const string Settings = """
        disttrainer {
          worker-dispatcher {
            type = PinnedDispatcher
            throughput = 100
          }
          parameter-shard-dispatcher {
            type = PinnedDispatcher
            throughput = 100
          }
        }

        """;

    /// <summary>
    /// Lets an actor's own thread give way to heartbeats; from its <c>PreStart</c>. On another dispatcher nothing
    /// happens.
    /// </summary>
    /// <param name="context">The actor's context.</param>
    public static void GiveWay(IActorContext context)
    {
        if (context.Props.Dispatcher.StartsWith("disttrainer.", StringComparison.Ordinal))
            ThreadNice.Add(ThreadNice.Compute);
    }
}
