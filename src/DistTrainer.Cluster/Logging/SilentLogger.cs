using Akka.Event;

namespace DistTrainer.Cluster.Logging;

/// <summary>
/// In the place of the logger that Akka uses before and after the configured ones: what it says of its own start and
/// end would stand between our lines in a form of its own. What prevents a start is thrown, too.
/// </summary>
internal sealed class SilentLogger : MinimalLogger
{
    /// <summary>Drops it.</summary>
    protected override void Log(object message)
    {
    }
}
