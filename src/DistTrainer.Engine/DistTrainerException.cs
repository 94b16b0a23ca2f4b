namespace DistTrainer.Engine;

/// <summary>
/// What went wrong, as far as a person or a script needs to tell; it decides the exit code of the command.
/// </summary>
public enum FailureKind
{
    /// <summary>A fault of this program (exit code 1).</summary>
    Internal = 1,

    /// <summary>The job file, an option or a combination of settings is wrong (exit code 2).</summary>
    Configuration = 2,

    /// <summary>A data file is missing, malformed or does not fit the model (exit code 3).</summary>
    Data = 3,

    /// <summary>A model or checkpoint file is missing, damaged or does not fit (exit code 4).</summary>
    ModelFile = 4,

    /// <summary>The loss or a gradient is no longer finite (exit code 5).</summary>
    Diverged = 5,

    /// <summary>Too few nodes are left to go on (exit code 6).</summary>
    Quorum = 6,

    /// <summary>A disk is full or a folder cannot be written (exit code 7).</summary>
    Disk = 7,
}

/// <summary>
/// An error that a person can act on. The message is one line: it names what, where, the value, what is allowed and
/// what to do.
/// </summary>
public sealed class DistTrainerException : Exception
{
    /// <summary>Makes an error of the given kind.</summary>
    /// <param name="kind">Decides the exit code.</param>
    /// <param name="message">One line: what, where, the value, what is allowed, what to do.</param>
    /// <param name="inner">The cause, if another exception led here.</param>
    public DistTrainerException(FailureKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>What kind of failure this is.</summary>
    public FailureKind Kind { get; }
}
