using System.Globalization;
using System.Security.Cryptography;
using DistTrainer.Cluster.Nodes;

namespace DistTrainer.Cli.Watch;

/// <summary>Where the dashboard is served, and to whom.</summary>
/// <param name="Host">The address that is bound.</param>
/// <param name="Port">The port; 0 takes a free one.</param>
/// <param name="IsFixed">Whether a port that is taken is an error; else a free one is taken.</param>
/// <param name="Token">What whoever changes the run must show.</param>
internal sealed record HttpSettings(string Host, int Port, bool IsFixed, string Token)
{
    /// <summary>Whether only this machine gets in; then looking needs no token.</summary>
    public bool IsLoopback => Host is "127.0.0.1" or "localhost";

    /// <summary>A node's; null where it is switched off.</summary>
    public static HttpSettings? Of(NodeSettings node) =>
        node.HttpPort == NodeSettings.HttpOff || (node.HttpPort is null && !node.IsServer)
        ? null
        : new HttpSettings(
            node.HttpHost, node.HttpPort ?? NodeSettings.DefaultHttpPort, node.HttpPort is not null,
            node.HttpToken ?? NewToken());

    /// <summary>On loopback, with a token of its own.</summary>
    /// <param name="port">The port; 0 takes a free one.</param>
    public static HttpSettings Local(int port) => new("127.0.0.1", port, IsFixed: true, NewToken());

    /// <summary>The address with the token, for people.</summary>
    /// <param name="port">The port that was bound.</param>
    public string Address(int port) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"http://{(NodeSettings.IsEveryAddress(Host) ? "localhost" : Host)}:{port}/?token={Token}");

    private static string NewToken() => RandomNumberGenerator.GetHexString(24, lowercase: true);
}
