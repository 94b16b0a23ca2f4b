using System.Globalization;
using System.Net.Sockets;
using DistTrainer.Engine;

namespace DistTrainer.Transport;

/// <summary>
/// Says why a port of this program cannot be listened on, and what to do: the same words for every port.
/// </summary>
internal static class PortFailure
{
    /// <summary>The error for people.</summary>
    /// <param name="setting">What names the port, e.g. <c>cluster-port</c>.</param>
    /// <param name="host">The address that was to be bound.</param>
    /// <param name="port">The port.</param>
    /// <param name="failure">What came of it.</param>
    public static DistTrainerException Of(string setting, string host, int port, Exception failure)
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"{setting} {host}:{port}");
        SocketException? cause = CauseOf(failure);
        return new DistTrainerException(
            FailureKind.Configuration,
            cause?.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? $"{where} is taken: another process of this machine listens there, perhaps a node that was "
                    + $"forgotten; end it, or name another port with {setting}, 0 for any free one."
                : $"{where} cannot be listened on ({(cause ?? failure.GetBaseException()).Message.TrimEnd(
                    '.')}); name an address of this machine, and a port that this user may use or 0 for any free one.",
            failure);
    }

    private static SocketException? CauseOf(Exception? failure)
    {
        while (failure is not (null or SocketException))
            failure = failure.InnerException;
        return (SocketException?)failure;
    }
}
