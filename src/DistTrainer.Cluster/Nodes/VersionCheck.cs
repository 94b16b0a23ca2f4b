using Akka.Cluster;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Nodes of different protocol versions do not work together. Each node tells its version with its membership, before
/// any message of ours is read.
/// </summary>
internal static class VersionCheck
{
    /// <summary>
    /// What to tell the people of a node that must not take part; null where all versions are the same.
    /// </summary>
    /// <param name="self">The node itself; the one that joined last ends itself.</param>
    /// <param name="members">The other members.</param>
    public static string? Conflict(Member self, IEnumerable<Member> members)
    {
        Member? other = members.FirstOrDefault(member => member.AppVersion.Version != self.AppVersion.Version);
        return other is null
            ? null
            : $"this node speaks protocol version {self.AppVersion.Version}, {other.Address} speaks "
                + $"{other.AppVersion.Version}; run the same version of disttrainer on every node";
    }
}
