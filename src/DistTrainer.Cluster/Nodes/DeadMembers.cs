using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Logging;
using DistTrainer.Transport;
using AkkaCluster = Akka.Cluster.Cluster;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Removes members that are proven dead: the cluster does not reach them, and their machine refuses a connection to
/// their cluster port. Without it Akka's resolver would take them for cut off and, where they were half of the servers,
/// might end the living half. A data connection proves a death sooner (<see cref="DataPlaneLinks"/>), but not every
/// pair of nodes has one. Runs on every server, since servers decide who stays.
/// </summary>
internal sealed class DeadMembers : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(500);
    private readonly AkkaCluster _cluster = AkkaCluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<UniqueAddress> _asked = [];

    /// <summary>Begins to look.</summary>
    public DeadMembers()
    {
        Receive<Look>(_ => Ask());
        Receive<Answer>(Take);
    }

    private sealed record Look;

    private sealed record Answer(UniqueAddress Member, bool IsDead, Action Died);

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>
    /// Gives what to call when the process that is a member at an address now is known to have ended.
    /// </summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="address">The address. Downing goes by it, and another process may have been started there by the
    /// time of the call: that one stays.</param>
    public static Action DeathOf(AkkaCluster cluster, Address address)
    {
        Member? MemberNow() => cluster.State.Members.FirstOrDefault(member => member.Address == address);
        UniqueAddress? incarnation = MemberNow()?.UniqueAddress;
        return () =>
        {
            // One that is exiting has ended as it said. It is about to be removed for that; as a downed one it would be
            // removed only once heartbeats miss it.
            if (incarnation is not null && MemberNow() is { Status: not MemberStatus.Exiting } now
                && incarnation.Equals(now.UniqueAddress))
                cluster.Down(address);
        };
    }

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Look), new Look(), s_every);

    // Asked again as long as the member is not reached: a process that is just ending may still accept.
    private void Ask()
    {
        foreach (Member member in _cluster.State.Unreachable.Where(member => member.Status != MemberStatus.Down
            && member.Address.Port is not null))
        {
            UniqueAddress unique = member.UniqueAddress;
            if (!_asked.Add(unique))
                continue;
            Action died = DeathOf(_cluster, member.Address);
            PeerProbe.IsGoneAsync(
                new DataEndpoint(member.Address.Host!, member.Address.Port!.Value, null, ""), attempts: 1)
                .PipeTo(
                    Self, success: isDead => new Answer(unique, isDead, died), failure: _ =>
                    new Answer(unique, false, died));
        }
    }

    private void Take(Answer answer)
    {
        _asked.Remove(answer.Member);
        if (!answer.IsDead)
            return;
        _log.Event(
            LogLevel.WarningLevel,
            "member-dead address={Address} reason=\"its machine refuses a connection to its port\"",
            answer.Member.Address);
        answer.Died();
    }
}
