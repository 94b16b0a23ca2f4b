using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Takes its node out of the cluster where it is of no more use there: a server that by its own heartbeats reaches less
/// than half of the servers, and any node of a cluster without a server. Where only some links are cut, Akka's resolver
/// would otherwise take all servers at both ends of one for unreliable and remove them all. It acts before that one
/// does.
/// </summary>
internal sealed class QuorumWatch : ReceiveActor, IWithTimers
{
    private const double ShareOfStableAfter = 0.6;
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(250);
    private readonly AkkaCluster _cluster = AkkaCluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly TimeSpan _patience;
    private TimeSpan? _since;

    /// <summary>Begins to watch.</summary>
    /// <param name="stableAfter">When Akka's resolver decides.</param>
    public QuorumWatch(TimeSpan stableAfter)
    {
        _patience = ShareOfStableAfter * stableAfter;
        Receive<Check>(_ => Look());
    }

    private sealed record Check;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Check), new Check(), s_every);

    private void Look()
    {
        Member self = _cluster.SelfMember;
        Member[] servers =
            [.. _cluster.State.Members.Where(
                member => member.HasRole(ClusterConfiguration.ServerRole) && member.Status == MemberStatus.Up)];
        int reached = servers.Count(
            server =>
            server.UniqueAddress.Equals(self.UniqueAddress) || _cluster.FailureDetector.IsAvailable(server.Address));
        bool isOfUse = self.Status != MemberStatus.Up
            || (servers.Length > 0
            && (2 * reached >= servers.Length || !self.HasRole(ClusterConfiguration.ServerRole)));
        TimeSpan now = Context.System.Scheduler.HighResMonotonicClock;
        _since = isOfUse ? null : _since ?? now;
        if (now - _since < _patience || _since is null)
            return;
        _log.Event(LogLevel.WarningLevel, "quorum-lost reached={Reached} servers={Servers} seconds={Seconds:F1}",
            reached, servers.Length, (now - _since.Value).TotalSeconds);
        Timers.CancelAll();
        _cluster.Down(_cluster.SelfAddress);
    }
}
