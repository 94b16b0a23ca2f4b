using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Control;

/// <summary>Asks through an actor that hands requests to the coordinator.</summary>
/// <param name="actor">A node's actor, of this process or another.</param>
/// <param name="timeout">How long to wait for an answer.</param>
/// <param name="unanswered">The error's text where none comes.</param>
internal sealed class ActorControl(ICanTell actor, TimeSpan timeout, string unanswered) : IRunControl
{
    /// <inheritdoc/>
    public Task<ClusterStatus> StatusAsync() => AskAsync<ClusterStatus>(new StatusCommand());

    /// <inheritdoc/>
    public Task<CommandAnswer> TellAsync(IClusterCommand command) =>
        AskAsync<CommandAnswer>(
            command,
            " It may have been carried out all the same, where the coordinator died meanwhile: see disttrainer "
            + "status.");

    private async Task<T> AskAsync<T>(IClusterCommand command, string beside = "")
    {
        try
        {
            return await actor.Ask<T>(command, timeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException failure)
        {
            throw new DistTrainerException(FailureKind.Quorum, unanswered + beside, failure);
        }
    }
}
