using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Control;

/// <summary>Asks a cluster, or a run in this process, how it is going, and tells it what to do.</summary>
public interface IRunControl
{
    /// <summary>How it is going.</summary>
    /// <exception cref="DistTrainer.Engine.DistTrainerException">Nobody answers.</exception>
    Task<ClusterStatus> StatusAsync();

    /// <summary>Tells it what to do.</summary>
    /// <param name="command">Any but <see cref="StatusCommand"/>.</param>
    /// <returns>What came of it.</returns>
    /// <exception cref="DistTrainer.Engine.DistTrainerException">Nobody answers.</exception>
    Task<CommandAnswer> TellAsync(IClusterCommand command);
}
