namespace DistTrainer.Transport;

/// <summary>Where a process accepts data connections; it is announced over the cluster's control plane.</summary>
/// <param name="Host">Host name or address that peers dial.</param>
/// <param name="Port">TCP port, 1–65535.</param>
/// <param name="SocketPath">Name of the Unix-domain socket in Linux' abstract namespace; null: there is none.</param>
/// <param name="Machine">Identity of the machine and its network namespace: a peer with the same one may take the
/// Unix-domain socket. Empty: unknown.</param>
internal sealed record DataEndpoint(string Host, int Port, string? SocketPath, string Machine)
{
    private const string BootId = "/proc/sys/kernel/random/boot_id";
    private const string NetworkNamespace = "/proc/self/ns/net";

    // Abstract Unix-domain sockets are seen exactly within one network namespace of one running kernel.
    internal static string ThisMachine { get; } =
        OperatingSystem.IsLinux() && File.Exists(BootId) && new FileInfo(NetworkNamespace).LinkTarget is { } network
            ? $"{File.ReadAllText(BootId).Trim()}/{network}"
            : "";
}
