using DistTrainer.Engine;

namespace DistTrainer.Cluster.Logging;

/// <summary>Finds what to tell people of a failure that came wrapped in others.</summary>
internal static class FailureCause
{
    /// <summary>
    /// The outermost failure that was made for people, though it may have a cause of its own; else what a task wrapped.
    /// </summary>
    /// <param name="failure">The failure, e.g. of a task.</param>
    public static Exception Cause(this Exception failure)
    {
        for (Exception? inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (inner is DistTrainerException told)
                return told;
        }
        return failure.GetBaseException();
    }
}
