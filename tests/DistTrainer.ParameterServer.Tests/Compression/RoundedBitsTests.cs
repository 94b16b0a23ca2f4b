using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Checkpoints;
using DistTrainer.ParameterServer.Compression;
using DistTrainer.ParameterServer.Consistency;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Compression;

/// <summary>What is rounded are the sums of groups and what is handed out, whoever has put it together.</summary>
public sealed class RoundedBitsTests
{
    private const int Length = 5000;
    private static readonly Bfloat16Codec s_codec = new();

    [Theory]
    [InlineData(8, 2)]
    [InlineData(8, 4)]
    [InlineData(8, 8)]
    [InlineData(8, 1)]
    [InlineData(12, 4)]
    public void However_a_step_is_put_together_each_group_is_rounded_once(int dataShards, int size)
    {
        float[][] leaves = [.. Enumerable.Range(0, dataShards).Select(leaf => ShardRig.Random(leaf + 1, Length))];
        float[] expected = ShardRig.NaiveSum([.. Enumerable.Range(0, dataShards / size).Select(group =>
            Rounded(ShardRig.NaiveSum(leaves[(group * size)..((group + 1) * size)])))]);
        if (dataShards == size)
            expected = Rounded(ShardRig.NaiveSum(leaves));
        var random = new Random(dataShards + size);
        for (int i = 0; i < 30; i++)
        {
            using var sum = new GradientSum(dataShards, Length, s_codec, size);
            foreach (TreeNode node in Cut(random, dataShards).OrderBy(_ => random.Next()))
            {
                // Whoever has whole groups has rounded them.
                float[] own = node.Count < size ? ShardRig.NaiveSum(leaves[node.Start..node.End])
                    : ShardRig.NaiveSum([.. Enumerable.Range(0, node.Count / size)
                        .Select(group => node.Start + (group * size))
                        .Select(start => Rounded(ShardRig.NaiveSum(leaves[start..(start + size)])))]);
                var buffer = new AlignedBuffer(Length);
                own.CopyTo(buffer.Span);
                sum.Add(new GradientPush(1, 1, node, buffer, 0));
            }
            Assert.True(sum.IsComplete);
            for (int start = 0; start < Length; start += GradientSum.PieceLength)
            {
                int length = Math.Min(GradientSum.PieceLength, Length - start);
                Assert.Equal(expected[start..(start + length)], sum.Piece(start, length).ToArray());
                var terms = sum.Terms(start, length);
                float[] both = terms.IsPair
                    ? [.. terms.First.ToArray().Zip(terms.Second.ToArray(), (a, b) => a + b)] : terms.First.ToArray();
                Assert.Equal(expected[start..(start + length)], both);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Parameters_are_handed_out_rounded_and_kept_as_they_are_by_owners_and_replicas(int versions)
    {
        (ParameterShard owner, ParameterBuffers handedOut) = Make(versions);
        (ParameterShard replica, ParameterBuffers beside) = Make(versions);
        (ParameterShard plain, ParameterBuffers exact) = Make(versions, CompressionKind.None);
        replica.KeepApart(true);
        float[] besideBefore = beside.Of(0).ToArray();
        for (long step = 1; step <= 5; step++)
        {
            foreach (ParameterShard shard in (ParameterShard[])[owner, replica, plain])
            {
                var gradient = new AlignedBuffer(ShardRig.Layout.Length);
                Rounded(ShardRig.Random((int)step, gradient.Length)).CopyTo(gradient.Span);
                shard.Accept(new GradientPush(1, step, new TreeNode(0, 4), gradient, 0));
                shard.Apply(new StepContext(step, 0.01, 10));
            }
            Assert.Equal(exact.Of(step).ToArray(), owner.Parameters.ToArray());
            Assert.Equal(exact.Of(step).ToArray(), replica.Parameters.ToArray());
            Assert.Equal(Rounded(exact.Of(step).ToArray()), handedOut.Of(step).ToArray());
            Assert.Equal(besideBefore, beside.Of(0).ToArray());
        }
        replica.KeepApart(false); // its owner has died
        Assert.Equal(handedOut.Of(5).ToArray(), beside.Of(5).ToArray());

        ParameterShardCopy copy = owner.MakeCopy();
        owner.CopyTo(copy);
        (ParameterShard resumed, ParameterBuffers again) = Make(versions);
        resumed.Restore(copy);
        Assert.Equal(owner.Parameters.ToArray(), resumed.Parameters.ToArray());
        Assert.Equal(handedOut.Of(5).ToArray(), again.Of(5).ToArray());
        foreach (IDisposable owned in (IDisposable[])[owner, replica, plain, resumed, handedOut, beside, exact, again])
            owned.Dispose();
    }

    private static float[] Rounded(float[] values)
    {
        float[] rounded = new float[values.Length];
        s_codec.Round(values, rounded);
        return rounded;
    }

    private static IEnumerable<TreeNode> Cut(Random random, int dataShards)
    {
        for (int start = 0; start < dataShards;)
        {
            int count = random.Next(1, dataShards - start + 1);
            foreach (TreeNode node in GradientTree.Decompose(start, count))
                yield return node;
            start += count;
        }
    }

    private static (ParameterShard Shard, ParameterBuffers Buffers) Make(
        int versions, CompressionKind kind = CompressionKind.Bfloat16)
    {
        JobDescription job = ShardRig.MakeJob(4);
        job = job with
        {
            Training = job.Training with { Compression = new CompressionDescription { Kind = kind, Groups = 2 } },
        };
        var blocks = new ParameterBlocks(ShardRig.Layout);
        Exchange exchange = Exchange.Of(job, blocks.Layout.Length, 100, 100);
        var buffers = new ParameterBuffers(
            exchange, [.. Enumerable.Range(0, versions).Select(_ => new AlignedBuffer(exchange.Length))]);
        ShardRig.Random(0, exchange.Length).CopyTo(buffers.Of(0));
        var shard = new ParameterShard(ParameterShardMap.Cut(blocks, 1)[0], blocks, job, 1, buffers);
        shard.KeepApart(false);
        return (shard, buffers);
    }
}
