using System.Net.Sockets;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Links;

/// <summary>Finds out whether a process has ended that is not heard of any more.</summary>
internal static class PeerProbe
{
    private const int Attempts = 5;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_timeout = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Whether the machine refuses a connection to the port where the process listened: it is up, and nobody listens. A
    /// cut network, a stopped process and a machine that is down do not refuse. A process that is just ending may still
    /// accept: hence a few attempts.
    /// </summary>
    /// <param name="endpoint">Where it listened.</param>
    /// <param name="attempts">How often to try while it accepts; 1 is enough for whoever asks again.</param>
    public static async Task<bool> IsGoneAsync(DataEndpoint endpoint, int attempts = Attempts)
    {
        using var timeout = new CancellationTokenSource(s_timeout);
        try
        {
            for (int attempt = 0; attempt < attempts; attempt++)
            {
                using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
                    await socket.ConnectAsync(endpoint.Host, endpoint.Port, timeout.Token).ConfigureAwait(false);
                if (attempt + 1 < attempts)
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
