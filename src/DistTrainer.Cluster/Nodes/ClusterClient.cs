using Akka.Actor;
using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>Talks to a running cluster through one of its nodes, without joining it.</summary>
public static class ClusterClient
{
    /// <summary>Sends a request and waits for the answer.</summary>
    /// <typeparam name="T">The answer's type: <see cref="CommandAnswer"/> or <see cref="ClusterStatus"/>.</typeparam>
    /// <param name="address">Any node's cluster address, host:port.</param>
    /// <param name="command">The request.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <exception cref="DistTrainerException">Nobody answers (<see cref="FailureKind.Quorum"/>), or the address is none (<see cref="FailureKind.Configuration"/>).</exception>
    public static async Task<T> AskAsync<T>(string address, IClusterCommand command, TimeSpan timeout)
    {
        SeedNode node;
        try
        {
            node = NodeValues.ParseSeedNode(address);
        }
        catch (FormatException failure)
        {
            throw new DistTrainerException(FailureKind.Configuration, $"--cluster: \"{address}\" is no address; write host:port, e.g. server:{NodeSettings.DefaultClusterPort}.", failure);
        }
        ActorSystem system = ActorSystem.Create("disttrainer-client", ClusterConfiguration.ForClient());
        try
        {
            return await system.ActorSelection($"akka.tcp://{ClusterConfiguration.SystemName}@{node}/user/node").Ask<T>(command, timeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException failure)
        {
            throw new DistTrainerException(FailureKind.Quorum, $"--cluster: nobody answered at {node} within {timeout.TotalSeconds:0} s; is a node running there, and has it a coordinator?", failure);
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }
}
