using System.Net.Sockets;

namespace DistTrainer.Cluster;

/// <summary>Finds out whether a process has ended, after its connection broke.</summary>
internal static class PeerProbe
{
    private const int Attempts = 5;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_timeout = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Whether the machine refuses a connection to the port where the process listened: it is up, and nobody listens. A cut
    /// network, a stopped process and a machine that is down do not refuse. A process that is just ending may still accept:
    /// hence a few attempts.
    /// </summary>
    public static async Task<bool> IsGoneAsync(DataEndpoint endpoint)
    {
        using var timeout = new CancellationTokenSource(s_timeout);
        try
        {
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
                    await socket.ConnectAsync(endpoint.Host, endpoint.Port, timeout.Token).ConfigureAwait(false);
                await Task.Delay(s_pause, timeout.Token).ConfigureAwait(false);
            }
            return false;
        }
        catch (SocketException failure)
        {
            return failure.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
