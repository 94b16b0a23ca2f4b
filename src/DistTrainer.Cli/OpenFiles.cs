using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace DistTrainer.Cli;

/// <summary>How many files and connections this process may have open at a time.</summary>
internal static class OpenFiles
{
    /// <summary>The least that suffices; a node with no connection yet has about half of it open.</summary>
    public const int Least = 256;

    private const string Limits = "/proc/self/limits";
    private const string Name = "Max open files";

    /// <summary>
    /// Ends the process where the limit does not suffice to load this program: the runtime would say of some part that
    /// it is missing. It must be called first, and uses nothing that has to be loaded.
    /// </summary>
    /// <returns>Whether it suffices; if not, standard error says so.</returns>
    public static bool Suffice()
    {
        if (Refusal(File.Exists(Limits) ? File.ReadAllText(Limits) : "") is not { } refusal)
            return true;
        using var error = new FileStream(new SafeFileHandle(2, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        error.Write([.. $"error: {refusal}\n".Select(c => (byte)c)]);
        return false;
    }

    /// <summary>What is wrong with the limits of a process; null: nothing, or they are not known.</summary>
    /// <param name="limits">As Linux shows them.</param>
    internal static string? Refusal(string limits)
    {
        int at = limits.IndexOf(Name, StringComparison.Ordinal);
        return at >= 0
            && int.TryParse(limits[(at + Name.Length)..].TrimStart(' ').Split(' ')[0], out int limit) && limit < Least
            ? $"open files: at most {limit} are allowed to this process; disttrainer needs {Least} at least: {Advice}"
            : null;
    }

    /// <summary>What to say of a failure that comes from the limit; null where it does not.</summary>
    public static string? Explain(Exception failure)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException { SocketErrorCode: SocketError.TooManyOpenSockets }
                || (cause is IOException && cause.Message.Contains("Too many open files", StringComparison.Ordinal)))
                return $"open files: all that are allowed to this process are open ({failure.Message.TrimEnd(
                    '.')}): {Advice}";
        }
        return null;
    }

    private const string Advice =
        "raise the limit (ulimit -n 4096; LimitNOFILE of a systemd service, --ulimit nofile of a container).";
}
