using System.Diagnostics;
using System.Runtime.InteropServices;
using DistTrainer.Cli.Commands;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>
/// A node that <c>launch</c> has started. Ctrl+C goes to all processes of a terminal at once; this one leaves the
/// terminal, so that <c>launch</c> alone says in which order nodes end. And it ends when <c>launch</c> is gone, however
/// that ended. All nodes are started at once: where the first one listens, the others hear over standard input.
/// </summary>
internal static partial class LaunchedNode
{
    private static readonly TimeSpan s_lastWord = TimeSpan.FromSeconds(5);

    /// <summary>Begins, before anything else.</summary>
    /// <param name="joins">Whether this one is told which node to join through.</param>
    /// <returns>That node; a failure where standard input ends before. Null: <paramref name="joins"/> is off.</returns>
    public static Task<SeedNode>? Begin(bool joins)
    {
        if (!OperatingSystem.IsWindows())
            _ = SetSession();
        var seed = new TaskCompletionSource<SeedNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Read(joins ? seed : null)) { IsBackground = true, Name = "launched" }.Start();
        return joins ? seed.Task : null;
    }

    /// <summary>Takes what <c>launch</c> says of the node to join through.</summary>
    /// <param name="line">Its address, host:port; null: standard input has ended.</param>
    /// <exception cref="DistTrainerException">It is none.</exception>
    internal static SeedNode SeedOf(string? line)
    {
        try
        {
            return NodeValues.ParseSeedNode(line ?? throw new DistTrainerException(
                FailureKind.Internal,
                "standard input ended before it named the node to join: launch has ended; start it again."));
        }
        catch (FormatException failure)
        {
            throw new DistTrainerException(
                FailureKind.Internal,
                $"standard input: \"{line}\" is no address of a node to join; only launch may give "
                + $"{NodeCommand.Joins}.",
                failure);
        }
    }

    private static void Read(TaskCompletionSource<SeedNode>? seed)
    {
        using var input = new StreamReader(Console.OpenStandardInput());
        if (seed is not null && !TryHear(input.ReadLine(), seed))
            Thread.Sleep(s_lastWord); // the command ends with the reason, if it can
        while (input.ReadLine() is not null)
        {
            // Nobody writes more.
        }
        Process.GetCurrentProcess().Kill();
    }

    private static bool TryHear(string? line, TaskCompletionSource<SeedNode> seed)
    {
        try
        {
            seed.SetResult(SeedOf(line));
            return true;
        }
        catch (DistTrainerException failure)
        {
            seed.SetException(failure);
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSession();
}
