using Akka.Actor;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// What is to be told to whom: plain classes decide it, and <see cref="LedCluster"/> tells it, in order.
/// </summary>
/// <param name="To">Who.</param>
/// <param name="Message">What.</param>
internal readonly record struct Letter(IActorRef To, object Message);
