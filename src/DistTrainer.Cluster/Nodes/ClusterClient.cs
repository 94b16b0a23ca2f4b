using Akka.Actor;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Transport.Security;

namespace DistTrainer.Cluster.Nodes;

/// <summary>Talks to a running cluster through one of its nodes, without joining it.</summary>
public sealed class ClusterClient : IRunControl, IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly ActorControl _control;

    /// <summary>Gets ready to ask; nothing is sent yet.</summary>
    /// <param name="address">Any node's cluster address, host:port.</param>
    /// <param name="timeout">How long to wait for an answer.</param>
    /// <param name="securityFolder">The folder with a certificate of the cluster's authority, see
    /// <see cref="NodeCertificate"/>; null or empty where security is off.</param>
    /// <exception cref="DistTrainerException">The address or the certificate is none
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public ClusterClient(string address, TimeSpan timeout, string? securityFolder = null)
    {
        SeedNode node;
        try
        {
            node = NodeValues.ParseSeedNode(address);
        }
        catch (FormatException failure)
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--cluster: \"{address}\" is no address; write host:port, e.g. "
                + $"server:{NodeSettings.DefaultClusterPort}.", failure);
        }
        NodeCertificate? certificate = NodeCertificate.Load(securityFolder);
        _system = ClusterConfiguration.Start(
            "disttrainer-client", ClusterConfiguration.ForClient(certificate is not null), certificate);
        string scheme = ClusterConfiguration.Scheme(certificate is not null);
        string security = certificate is null ? "off, as here (--security-folder)" : "on, with the same ca.pem";
        _control = new ActorControl(
            _system.ActorSelection($"{scheme}://{ClusterConfiguration.SystemName}@{node}/user/node"), timeout,
            $"--cluster: nobody answered at {node} within {timeout.TotalSeconds:0} s; is a node running there, has it "
                + $"a coordinator, and is its security {security}?");
    }

    /// <inheritdoc/>
    public Task<ClusterStatus> StatusAsync() => _control.StatusAsync();

    /// <inheritdoc/>
    public Task<CommandAnswer> TellAsync(IClusterCommand command) => _control.TellAsync(command);

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync() => await _system.Terminate().ConfigureAwait(false);
}
