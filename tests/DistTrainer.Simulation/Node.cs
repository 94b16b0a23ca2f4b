using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;

namespace DistTrainer.Simulation;

/// <summary>A node with its own parameters, links and actors.</summary>
/// <param name="name">Its name.</param>
/// <param name="parameterShards">Numbers of the parameter shards on it.</param>
/// <param name="workers">Workers on it.</param>
internal sealed class Node(string name, int[] parameterShards, int workers)
{
    /// <summary>Its name; another one after each start.</summary>
    public string Name => name;

    /// <summary>Numbers of the parameter shards on it.</summary>
    public int[] ParameterShards => parameterShards;

    /// <summary>Workers on it.</summary>
    public int Workers => workers;

    /// <summary>Where it is, for messages.</summary>
    public NodeAddress Address { get; } = new(name, null, []);

    /// <summary>Whether its process lives.</summary>
    public bool IsAlive { get; set; } = true;

    /// <summary>Whether the run has heard of it.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Whether the failure detector, or a probe of its process, has told that it is gone.</summary>
    public bool IsUnreachable { get; set; }

    /// <summary>Whether its system died with its process, so that nothing answers a probe.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Whether it leaves or was cut off for long: it takes no part any more.</summary>
    public bool IsOut { get; set; }

    /// <summary>What its actors share.</summary>
    public TrainingSetup Setup { get; set; } = null!;

    /// <summary>Its side of the data connections.</summary>
    public SimulatedLinks Links { get; set; } = null!;

    /// <summary>Hosts its parameter shards and workers.</summary>
    public IActorRef Host { get; set; } = ActorRefs.Nobody;
}
