using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cli.Watch;

/// <summary>A cluster's status for any number of onlookers: it is asked once in a while, not once for each.</summary>
/// <param name="control">Who is asked; null while nobody can be.</param>
/// <param name="every">How old an answer may be.</param>
internal sealed class SharedStatus(Func<IRunControl?> control, TimeSpan every)
{
    private readonly object _gate = new();
    private Task<ClusterStatus?> _newest = Task.FromResult<ClusterStatus?>(null);
    private long _asked = long.MinValue / 2;

    /// <summary>The status; null where nobody answers.</summary>
    public Task<ClusterStatus?> GetAsync()
    {
        lock (_gate)
        {
            long now = Environment.TickCount64;
            if (_newest.IsCompleted && now - _asked >= every.TotalMilliseconds / 2)
                (_newest, _asked) = (AskAsync(control()), now);
            return _newest;
        }
    }

    private static async Task<ClusterStatus?> AskAsync(IRunControl? run)
    {
        try
        {
            return run is null ? null : await run.StatusAsync();
        }
        catch (DistTrainerException)
        {
            // The coordinator is on its way to another node; the next question may find it.
            return null;
        }
    }
}
