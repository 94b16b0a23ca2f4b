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
    /// <param name="securityFolder">The folder with a certificate of the cluster's authority, see <see cref="NodeCertificate"/>; null or empty where security is off.</param>
    /// <exception cref="DistTrainerException">Nobody answers (<see cref="FailureKind.Quorum"/>), or the address or the certificate is none (<see cref="FailureKind.Configuration"/>).</exception>
    public static async Task<T> AskAsync<T>(string address, IClusterCommand command, TimeSpan timeout, string? securityFolder = null)
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
        NodeCertificate? certificate = NodeCertificate.Load(securityFolder);
        ActorSystem system = ClusterConfiguration.Start("disttrainer-client", ClusterConfiguration.ForClient(certificate is not null), certificate);
        try
        {
            return await system.ActorSelection($"{ClusterConfiguration.Scheme(certificate is not null)}://{ClusterConfiguration.SystemName}@{node}/user/node").Ask<T>(command, timeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException failure)
        {
            throw new DistTrainerException(FailureKind.Quorum, $"--cluster: nobody answered at {node} within {timeout.TotalSeconds:0} s; is a node running there, has it a coordinator, and is its security {(certificate is null ? "off, as here (--security-folder)" : "on, with the same ca.pem")}?", failure);
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }
}
