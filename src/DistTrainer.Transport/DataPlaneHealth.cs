using DistTrainer.Transport.Security;

namespace DistTrainer.Transport;

/// <summary>Asks a node how it is, over its data port.</summary>
internal static class DataPlaneHealth
{
    /// <summary>
    /// The node's answer, as short JSON: <c>node</c>, <c>status</c> (its membership, e.g. Up) and
    /// <c>protocolVersion</c>.
    /// </summary>
    /// <param name="host">Its host.</param>
    /// <param name="port">Its data port.</param>
    /// <param name="timeout">For everything.</param>
    /// <param name="certificate">Where the cluster's security is on; else null.</param>
    /// <exception cref="IOException">Nobody answers.</exception>
    public static string Request(string host, int port, TimeSpan timeout, NodeCertificate? certificate = null) =>
        DataPlane.RequestHealth(host, port, timeout, certificate);
}
