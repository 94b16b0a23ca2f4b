using DistTrainer.Cluster.Nodes;
using DistTrainer.Jobs;

namespace DistTrainer.Fuzz;

/// <summary>Job files.</summary>
internal sealed class JobFuzz() : FuzzReader("job", 400_000, 500)
{
    /// <inheritdoc/>
    public override void Read(string role, byte[] input) =>
        JobFile.Read(JobSource.FromFile(Scratch.Write("input.conf", input)));
}

/// <summary>A node's settings, <c>cluster.hocon</c>.</summary>
internal sealed class NodeFuzz() : FuzzReader("node", 400_000, 500)
{
    private static readonly Dictionary<string, string> s_none = [];

    /// <inheritdoc/>
    public override void Read(string role, byte[] input) =>
        NodeFile.Read(JobSource.FromFile(Scratch.Write("input.hocon", input)), s_none, s_none);
}
