using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

public class ParameterShardMapTests
{
    public static TheoryData<ParameterLayout> Layouts => new()
    {
        ShardRig.Layout,
        ShardRig.MakeLayout((1, 1)),
        ShardRig.MakeLayout((512, 784), (256, 512), (10, 256)),
        ShardRig.MakeLayout((2048, 784), (2048, 2048), (10, 2048)),
        ShardRig.MakeLayout((3, 100_000)),
        ShardRig.MakeLayout([.. Enumerable.Repeat((3, 5), 100)]),
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Blocks_are_whole_rows_that_cover_the_vector(ParameterLayout layout)
    {
        var blocks = new ParameterBlocks(layout);
        int next = 0;
        for (int b = 0; b < blocks.Count; b++)
        {
            ParameterTensor tensor = layout.Tensors[blocks[b].Tensor];
            Assert.Equal(next, blocks[b].Start);
            Assert.True(blocks[b].Length > 0 && blocks[b].End <= tensor.End);
            Assert.Equal(0, (blocks[b].Start - tensor.Offset) % tensor.RowLength);
            Assert.Equal(0, blocks[b].Length % tensor.RowLength);
            next = blocks[b].End;
        }
        Assert.Equal(layout.Length, next);
        Assert.InRange(blocks.Count, 1, 512);
    }

    [Fact]
    public void Very_many_tensors_have_few_more_blocks_than_tensors()
    {
        var blocks = new ParameterBlocks(ShardRig.MakeLayout([.. Enumerable.Repeat((3, 5), 1000)]));
        Assert.InRange(blocks.Count, 2000, 2256);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_cut_covers_the_vector_in_whole_blocks(ParameterLayout layout)
    {
        var blocks = new ParameterBlocks(layout);
        for (int parts = 1; parts <= 9; parts++)
        {
            IReadOnlyList<ParameterShardRange> ranges = ParameterShardMap.Cut(blocks, parts);
            Assert.InRange(ranges.Count, 1, parts);
            int next = 0, block = 0;
            for (int i = 0; i < ranges.Count; i++)
            {
                Assert.Equal((i, next, block), (ranges[i].Index, ranges[i].Start, ranges[i].FirstBlock));
                Assert.Equal(blocks[ranges[i].LastBlock].End, ranges[i].End);
                Assert.True(ranges[i].Length > 0);
                next = ranges[i].End;
                block = ranges[i].LastBlock + 1;
            }
            Assert.Equal((layout.Length, blocks.Count), (next, block));
        }
    }

    [Fact]
    public void Parts_are_about_equal()
    {
        var blocks = new ParameterBlocks(ShardRig.MakeLayout((2048, 784), (2048, 2048), (10, 2048)));
        for (int parts = 1; parts <= 8; parts++)
        {
            IReadOnlyList<ParameterShardRange> ranges = ParameterShardMap.Cut(blocks, parts);
            Assert.Equal(parts, ranges.Count);
            Assert.All(
                ranges, range =>
                Assert.InRange(range.Length, 0.97 * blocks.Layout.Length / parts, 1.03 * blocks.Layout.Length / parts));
        }
    }

    [Fact]
    public void A_model_of_few_rows_has_fewer_parameter_shards_than_asked_for() =>
        Assert.Equal(2, ParameterShardMap.Cut(new ParameterBlocks(ShardRig.MakeLayout((1, 1))), 8).Count);

    [Fact]
    public void No_parts_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(
            () => ParameterShardMap.Cut(new ParameterBlocks(ShardRig.Layout), 0));
}
