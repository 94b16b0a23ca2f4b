using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

public class GradientTreeTests
{
    [Fact]
    public void Every_decomposition_among_workers_compiles_to_the_naive_tree()
    {
        for (int dataShards = 1; dataShards <= 33; dataShards++)
        {
            float[] leaves = ShardRig.Random(dataShards, dataShards);
            float expected = Naive(leaves);
            for (int workers = 1; workers <= 9; workers++)
                Assert.Equal(expected, Execute(Nodes(dataShards, workers), leaves));
        }
    }

    [Fact]
    public void A_decomposition_covers_its_range_with_nodes_of_the_tree()
    {
        for (int start = 0; start < 20; start++)
        {
            for (int count = 0; count < 20; count++)
            {
                IReadOnlyList<TreeNode> nodes = GradientTree.Decompose(start, count);
                Assert.Equal(
                    Enumerable.Range(start, count), nodes.SelectMany(node => Enumerable.Range(node.Start, node.Count)));
                Assert.All(nodes, node => Assert.True(GradientTree.IsNode(node, start + count)));
            }
        }
    }

    [Theory]
    [InlineData(0, 4, true)]
    [InlineData(4, 2, true)]
    [InlineData(5, 1, true)]
    [InlineData(0, 8, false)] // beyond the end
    [InlineData(4, 4, false)]
    [InlineData(2, 4, false)] // not aligned
    [InlineData(0, 3, false)] // no power of two
    [InlineData(0, 0, false)]
    [InlineData(-1, 1, false)]
    [InlineData(int.MaxValue, 1, false)]
    [InlineData(0, int.MinValue, false)]
    public void Nodes_over_six_leaves_are_aligned_powers_of_two_inside(int start, int count, bool expected) =>
        Assert.Equal(expected, GradientTree.IsNode(new TreeNode(start, count), 6));

    [Fact]
    public void Nodes_that_do_not_cover_all_leaves_once_are_refused()
    {
        TreeNode[][] wrong =
            [[], [new(0, 2)], [new(0, 2), new(0, 2)], [new(2, 2), new(0, 2)], [new(0, 4), new(4, 1)],
            [new(1, 1), new(2, 2)]];
        foreach (TreeNode[] nodes in wrong)
            Assert.Throws<ArgumentException>(() => GradientTree.Compile(nodes, 4, new TreeAddition[8]));
    }

    [Fact]
    public void Shares_are_contiguous_and_about_equal()
    {
        for (int workers = 1; workers < 12; workers++)
        {
            int next = 0;
            for (int worker = 0; worker < workers; worker++)
            {
                (int start, int count) = GradientTree.Share(8, workers, worker);
                Assert.Equal(next, start);
                Assert.InRange(count, 8 / workers, (8 + workers - 1) / workers);
                next += count;
            }
            Assert.Equal(8, next);
        }
    }

    internal static TreeNode[] Nodes(int dataShards, int workers) =>
        [.. Enumerable.Range(0, workers).Select(worker => GradientTree.Share(dataShards, workers, worker))
            .SelectMany(share => GradientTree.Decompose(share.Start, share.Count))];

    private static float Naive(float[] leaves) => ShardRig.NaiveSum([.. leaves.Select(leaf => new[] { leaf })])[0];

    private static float Execute(TreeNode[] nodes, float[] leaves)
    {
        float[] places = new float[GradientTree.Places(leaves.Length)];
        float Value(int operand) =>
            operand < 0 ? places[~operand] : Naive(leaves[nodes[operand].Start..nodes[operand].End]);
        var additions = new TreeAddition[nodes.Length - 1];
        GradientTree.Compile(nodes, leaves.Length, additions);
        foreach (TreeAddition addition in additions)
            places[~addition.Target] = Value(addition.Left) + Value(addition.Right);
        return additions.Length == 0 ? Value(0) : places[~additions[^1].Target];
    }
}
