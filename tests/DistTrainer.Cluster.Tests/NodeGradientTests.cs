using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>What a node's workers send to another machine.</summary>
public sealed class NodeGradientTests : IDisposable
{
    private readonly TrainingSetup _setup = new(
        TestJobs.Variants["sgd"], TestJobs.Classification(samples: 64, features: 11, classes: 4), new RunOptions(), null);

    public void Dispose() => _setup.Dispose();

    [Theory]
    [InlineData(0, new[] { 1, 1 })]
    [InlineData(0, new[] { 1, 1, 1, 1 })]
    [InlineData(8, new[] { 2, 2, 2, 2 })]
    [InlineData(4, new[] { 1, 3 })]
    [InlineData(0, new[] { 3, 2, 3, 4, 4 })]
    [InlineData(5, new[] { 3, 1, 7 })]
    [InlineData(3, new[] { 5, 5 })]
    public void It_is_one_sum_for_each_subtree_of_all_their_data_shards_in_the_order_of_the_tree(int first, int[] counts)
    {
        Worker[] workers = Workers(first, counts);
        var sent = new Sent();
        NodeGradient node = Node(workers);
        IParameterShardLink[] links = [.. workers.Select(_ => node.Through(0, sent))];
        for (int step = 1; step <= 3; step++)
        {
            foreach (Worker worker in workers)
                worker.Compute(step);
            sent.Clear();
            HandIn(workers, links, step, new Random(step));

            IReadOnlyList<TreeNode> expected = GradientTree.Decompose(first, counts.Sum());
            Assert.Equal(expected, sent.Pushes.Select(push => push.Node).OrderBy(one => one.Start));
            foreach (PushGradient push in sent.Pushes)
            {
                Assert.Equal(SumOf(workers, push.Node), sent.Floats[push.Node]);
                Assert.Equal(
                    Enumerable.Range(push.Node.Start, push.Node.Count), push.Losses.Select(loss => (int)loss.Count));
            }
            Assert.Equal(
                workers.Aggregate(0UL, (sum, worker) => sum + worker.SampleHash),
                sent.Pushes.Aggregate(0UL, (sum, push) => sum + push.SampleHash));
        }
    }

    [Fact]
    public void Neighbours_that_hand_in_at_the_same_moment_lose_nothing()
    {
        Worker[] workers = Workers(0, [1, 1, 1, 1]);
        var sent = new Sent();
        NodeGradient node = Node(workers);
        IParameterShardLink[] links = [.. workers.Select(_ => node.Through(0, sent))];
        for (int step = 1; step <= 200; step++)
        {
            sent.Clear();
            Parallel.For(0, workers.Length, worker =>
            {
                workers[worker].Compute(step);
                HandIn([workers[worker]], [links[worker]], step, new Random(worker));
            });
            Assert.Equal(SumOf(workers, new TreeNode(0, 4)), sent.Floats[Assert.Single(sent.Pushes).Node]);
        }
    }

    [Fact]
    public void It_is_known_to_be_finite_only_where_all_parts_are()
    {
        Worker[] workers = Workers(0, [1, 1]);
        var sent = new Sent();
        NodeGradient node = Node(workers);
        IParameterShardLink[] links = [.. workers.Select(_ => node.Through(0, sent))];
        foreach ((bool one, bool other) in ((bool, bool)[])[(true, false), (true, true), (false, true)])
        {
            (workers[0].IsKnownFinite, workers[1].IsKnownFinite) = (one, other);
            sent.Clear();
            HandIn(workers, links, 1, new Random(1));
            Assert.Equal(one && other, Assert.Single(sent.Pushes).IsKnownFinite);
        }
    }

    [Fact]
    public void A_worker_alone_and_neighbours_whose_sums_would_be_as_many_send_their_own()
    {
        Assert.Null(_setup.NodeGradients.Of(Assignment(Workers(0, [4]), 0)));
        Assert.Null(_setup.NodeGradients.Of(Assignment(Workers(3, [1, 4]), 0)));
        Assert.NotNull(_setup.NodeGradients.Of(Assignment(Workers(8, [4, 4]), 0)));
    }

    [Fact]
    public void Neighbours_share_one_and_another_generation_has_another()
    {
        Worker[] workers = Workers(0, [4, 4]);
        NodeGradient? one = _setup.NodeGradients.Of(Assignment(workers, 0));
        Assert.Same(one, _setup.NodeGradients.Of(Assignment(workers, 1)));
        NodeGradient? next = _setup.NodeGradients.Of(Assignment(workers, 1) with { Generation = 2 });
        Assert.NotSame(one, next);
        Assert.Same(next, _setup.NodeGradients.Of(Assignment(workers, 0) with { Generation = 2 }));
        Assert.Null(_setup.NodeGradients.Of(Assignment(workers, 0)));
    }

    private NodeGradient Node(Worker[] workers) => new(_setup, [.. workers.Select(worker => worker.Range)], 7);

    private Worker[] Workers(int first, int[] counts) =>
        [.. counts.Select((count, i) => new Worker(_setup, new DataShardRange(first + counts[..i].Sum(), count)))];

    private static AssignDataShards Assignment(Worker[] workers, int worker) => new(
        1, worker, [], [], workers[worker].Range.First, workers[worker].Range.Count,
        [.. workers.Select(one => one.Range)], default, 0);

    /// <summary>Each worker's stretches in its own order, those of all mixed; then the contributions.</summary>
    private void HandIn(Worker[] workers, IParameterShardLink[] links, int step, Random random)
    {
        int half = _setup.Layout.Length / 2;
        (int Worker, int Start, int Length)[] stretches =
            [.. Enumerable.Range(0, workers.Length).SelectMany(worker => (int[])[half, 0], (worker, start) =>
                (worker, start, start == 0 ? half : _setup.Layout.Length - half))];
        random.Shuffle(stretches);
        foreach ((int worker, int start, int length) in stretches)
        {
            foreach (GradientNode node in workers[worker].Nodes)
                links[worker].Prepare(worker, step, node, start, length);
        }
        int[] order = [.. Enumerable.Range(0, workers.Length)];
        random.Shuffle(order);
        foreach (int worker in order)
            workers[worker].Push(links[worker], worker, step);
    }

    /// <summary>The sum over a subtree, halves first, as the tree is defined.</summary>
    private static float[] SumOf(Worker[] workers, TreeNode node)
    {
        GradientNode? own = workers.SelectMany(worker => worker.Nodes).FirstOrDefault(one => one.Node == node);
        if (own is not null)
            return own.Gradient.Span.ToArray();
        int half = node.Count / 2;
        float[] left = SumOf(workers, new TreeNode(node.Start, half)),
            right = SumOf(workers, new TreeNode(node.Start + half, half));
        return [.. left.Zip(right, (a, b) => a + b)];
    }

    private sealed class Worker(TrainingSetup setup, DataShardRange range)
    {
        public DataShardRange Range => range;

        public GradientNode[] Nodes { get; } = [.. GradientTree.Decompose(range.First, range.Count)
            .Select(node => new GradientNode(node, setup.CreateVector()))];

        public bool IsKnownFinite { get; set; } = true;

        public ulong SampleHash { get; private set; }

        public void Compute(int step)
        {
            var random = new Random((1000 * step) + range.First);
            SampleHash = (ulong)random.NextInt64();
            foreach (GradientNode node in Nodes)
            {
                foreach (ref float value in node.Gradient.Span)
                    value = (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-20, 20)));
            }
        }

        public void Push(IParameterShardLink link, int worker, int step)
        {
            for (int n = 0; n < Nodes.Length; n++)
            {
                TreeNode node = Nodes[n].Node;
                link.Push(new PushGradient(
                    1, worker, step, node, Nodes[n].Gradient, 0, IsKnownFinite,
                    [.. Enumerable.Range(node.Start, node.Count).Select(shard => new LossSums(shard, 0, 0, 0, 0))],
                    n == 0 ? SampleHash : 0));
            }
        }
    }

    /// <summary>What went over the link.</summary>
    private sealed class Sent : IParameterShardLink
    {
        public bool LeavesMachine => true;

        public Dictionary<TreeNode, float[]> Floats { get; } = [];

        public List<PushGradient> Pushes { get; } = [];

        public void Clear() => Pushes.Clear();

        public void Prepare(int worker, long step, GradientNode node, int start, int length)
        {
            if (!Floats.TryGetValue(node.Node, out float[]? floats))
                Floats[node.Node] = floats = new float[node.Gradient.Length];
            node.Gradient.Span.Slice(start, length).CopyTo(floats.AsSpan(start));
        }

        public void Push(PushGradient push) => Pushes.Add(push with { Losses = [.. push.Losses] });
    }
}
