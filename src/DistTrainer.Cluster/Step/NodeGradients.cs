using System.Numerics.Tensors;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// The gradients of one node's workers, of one run. What goes to a parameter shard on another machine is summed here
/// first, in the order of <see cref="GradientTree"/>: a node sends one sum for each complete subtree of all its data
/// shards, however many workers it has; the same bits.
/// </summary>
/// <param name="setup">What the node's actors share.</param>
internal sealed class NodeGradients(TrainingSetup setup)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, NodeGradient> _byFirst = [];
    private int _generation;

    /// <summary>The one of a worker and its neighbours, the same for all of them.</summary>
    /// <param name="assignment">What the worker has been told.</param>
    /// <returns>null: it has no neighbours, or summing theirs before they are sent would save nothing.</returns>
    public NodeGradient? Of(AssignDataShards assignment)
    {
        DataShardRange[] workers = assignment.Neighbours;
        // Of several groups in float32 the sum is fewer bytes. A helper hands in another one's groups as well.
        if (workers.Length == 0 && setup.Exchange.Codec is not null && assignment.Backup.Count == 0)
            workers = [new DataShardRange(assignment.FirstDataShard, assignment.DataShardCount)];
        int own = Array.FindIndex(
            workers, range => range.First == assignment.FirstDataShard && range.Count == assignment.DataShardCount);
        if (own < 0)
            return null;
        lock (_gate)
        {
            if (assignment.Generation > _generation)
                _byFirst.Clear();
            else if (assignment.Generation < _generation)
                return null; // whose links lead nowhere any more
            _generation = assignment.Generation;
            if (!_byFirst.TryGetValue(workers[0].First, out NodeGradient? gradient))
                _byFirst[workers[0].First] = gradient = new NodeGradient(setup, workers, assignment.Worker - own);
            return gradient.IsWorthwhile ? gradient : null;
        }
    }
}

/// <summary>The gradient of neighbours: workers of one node, with data shards in a row.</summary>
internal sealed class NodeGradient
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, IParameterShardLink> _links = [];
    private readonly Exchange _exchange;
    private readonly TreeNode[] _parts;
    private readonly GradientNode?[] _sums;
    private readonly TreeNode[] _nodes;
    private readonly int _sender;

    /// <param name="setup">What the node's actors share.</param>
    /// <param name="workers">Data shards of each neighbour, in a row.</param>
    /// <param name="sender">Number of the first one, in whose name the sums are handed in.</param>
    public NodeGradient(TrainingSetup setup, IReadOnlyList<DataShardRange> workers, int sender)
    {
        (_sender, _exchange) = (sender, setup.Exchange);
        _parts = [.. workers.SelectMany(range => setup.Exchange.NodesOf(range.First, range.Count))];
        _nodes = [.. GradientTree.Decompose(workers[0].First, workers.Sum(range => range.Count))];
        _sums = [.. _nodes.Select(node => _parts.Contains(node) ? null : new GradientNode(node, setup.CreateVector()))];
    }

    /// <summary>Whether there is anything to sum.</summary>
    public bool IsWorthwhile => _sums.Any(sum => sum is not null);

    /// <summary>A link to a parameter shard on another machine that all neighbours use together.</summary>
    /// <param name="number">Which of the parameter shards and replicas it is.</param>
    /// <param name="link">A worker's own link to it; the first one's is used.</param>
    public IParameterShardLink Through(int number, IParameterShardLink link)
    {
        lock (_gate)
        {
            if (!_links.TryGetValue(number, out IParameterShardLink? shared))
                _links[number] = shared = new SummingLink(
                    link, _sender, [.. _nodes.Select(SumOf)]);
            return shared;
        }
    }

    private NodeSum SumOf(TreeNode node, int index) =>
        new(node, _parts.Count(part => part.Start >= node.Start && part.End <= node.End), _sums[index], _exchange);

    /// <summary>
    /// Sums each stretch of a subtree's gradient as soon as all neighbours have it, on the thread of the last one.
    /// </summary>
    private sealed class SummingLink(IParameterShardLink link, int sender, NodeSum[] sums) : IParameterShardLink
    {
        private readonly Lock _gate = new();

        public bool LeavesMachine => link.LeavesMachine;

        public void Prepare(int worker, long step, GradientNode node, int start, int length)
        {
            lock (_gate)
            {
                NodeSum sum = Of(node.Node);
                if (sum.Node is not { } whole)
                    link.Prepare(worker, step, node, start, length);
                else if (sum.Add(node, start, length))
                    link.Prepare(sender, step, whole, start, length);
            }
        }

        public void Push(PushGradient push)
        {
            lock (_gate)
            {
                NodeSum sum = Of(push.Node);
                if (sum.Node is null)
                    link.Push(push);
                else if (sum.Add(push) is { } all)
                    link.Push(all with { Worker = sender });
            }
        }

        private NodeSum Of(TreeNode part)
        {
            foreach (NodeSum sum in sums)
            {
                if (sum.Covers(part))
                    return sum;
            }
            throw new InvalidOperationException(
                $"Data shards {part.Start} to {part.End - 1} are none of the node's; a worker has other neighbours.");
        }
    }

    /// <summary>
    /// One complete subtree of the node's data shards, on its way to one parameter shard. All parts of a step are in
    /// before one of the next comes: nobody goes on without this parameter shard's parameters.
    /// </summary>
    private sealed class NodeSum
    {
        private readonly TreeNode _subtree;
        private readonly int _parts;
        private readonly GradientSum? _sum;
        private readonly LossSums[] _losses;
        private readonly Dictionary<int, int> _arrived = [];
        private int _pushed;
        private bool _isKnownFinite = true;
        private ulong _sampleHash;

        /// <param name="subtree">The data shards.</param>
        /// <param name="parts">Contributions of which it is made.</param>
        /// <param name="node">Where the sum goes; null: it is one worker's contribution, and passes as it is.</param>
        /// <param name="exchange">What is rounded.</param>
        public NodeSum(TreeNode subtree, int parts, GradientNode? node, Exchange exchange)
        {
            (_subtree, _parts, Node) = (subtree, parts, node);
            _losses = new LossSums[node is null ? 0 : subtree.Count];
            _sum = node is null ? null : new GradientSum(
                subtree.Count, node.Gradient.Length, exchange.Codec, exchange.RoundedDataShards);
        }

        public GradientNode? Node { get; }

        public bool Covers(TreeNode part) => part.Start >= _subtree.Start && part.End <= _subtree.End;

        /// <summary>A part's stretch is out.</summary>
        /// <returns>Whether the sum of the stretch is in place.</returns>
        public bool Add(GradientNode part, int start, int length)
        {
            // Its buffer is the same in all steps: known from the first one on.
            var within = new TreeNode(part.Node.Start - _subtree.Start, part.Node.Count);
            _sum!.Add(new GradientPush(0, 0, within, part.Gradient, 0) { IsKnownFinite = true });
            int arrived = _arrived.GetValueOrDefault(start) + 1;
            _arrived[start] = arrived % _parts;
            if (arrived < _parts)
                return false;
            for (int done = 0; done < length; done += GradientSum.PieceLength)
            {
                int piece = Math.Min(GradientSum.PieceLength, length - done);
                GradientTerms terms = _sum.Terms(start + done, piece);
                Span<float> whole = Node!.Gradient.Span.Slice(start + done, piece);
                if (terms.IsPair)
                    TensorPrimitives.Add(terms.First, terms.Second, whole);
                else
                    terms.First.CopyTo(whole); // a group that is complete, and rounded
            }
            return true;
        }

        /// <summary>A part is handed in.</summary>
        /// <returns>The whole, with its last part.</returns>
        public PushGradient? Add(PushGradient push)
        {
            push.Losses.CopyTo(_losses, push.Node.Start - _subtree.Start);
            _isKnownFinite &= push.IsKnownFinite;
            _sampleHash += push.SampleHash;
            if (++_pushed < _parts)
                return null;
            var all = push with
            {
                Node = _subtree,
                Gradient = Node!.Gradient,
                IsKnownFinite = _isKnownFinite,
                Losses = _losses,
                SampleHash = _sampleHash,
            };
            (_pushed, _isKnownFinite, _sampleHash) = (0, true, 0);
            return all;
        }
    }
}
