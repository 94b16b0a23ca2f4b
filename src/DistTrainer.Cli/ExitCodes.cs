namespace DistTrainer.Cli;

/// <summary>Exit codes beside those of <see cref="Engine.FailureKind"/>.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Fine = 0;

    /// <summary>A fault of this program.</summary>
    public const int Internal = 1;

    /// <summary>The command line or the job file is wrong.</summary>
    public const int Configuration = 2;

    /// <summary>Stopped by SIGHUP (the terminal was closed): 128 + 1.</summary>
    public const int HungUp = 129;

    /// <summary>Stopped by SIGINT (Ctrl+C): 128 + 2.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM: 128 + 15.</summary>
    public const int Terminated = 143;
}
