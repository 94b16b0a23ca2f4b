using CsCheck;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Layers;

/// <summary>The tile of the matrix products against its plain form, for every number of rows.</summary>
public sealed unsafe class TileKernelTests
{
    [Fact]
    public void A_tile_has_the_bits_of_the_plain_loops_and_leaves_the_rows_beyond_alone() =>
        Gen.Select(Gen.Int[1, TileKernel.Rows], Gen.Int[0, 40], Gen.Int[1, 3], Gen.Bool, Gen.Bool, Gen.Int[0, 1000])
            .Sample((rows, steps, blocks, rowMajor, accumulate, seed) =>
            {
                var random = new Random(seed);
                float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
                int blockStride = (rows * steps) + 5;
                float[] left = Values(blocks * blockStride), right = Values(blocks * steps * TileKernel.Width + 1);
                float[] expected = Values((TileKernel.Rows + 1) * 40), actual = [.. expected];
                fixed (float* a = left, b = right, plain = expected, fast = actual)
                {
                    var operand = new LeftOperand
                    {
                        First = a,
                        RowStride = rowMajor ? steps : 1,
                        StepStride = rowMajor ? 1 : rows,
                        Steps = steps,
                        Blocks = blocks,
                        BlockStride = blockStride,
                    };
                    bool adds = random.Next(2) == 0;
                    TileKernel.ComputeScalar(operand, b, plain, 40, rows, accumulate, adds);
                    TileKernel.Compute(operand, b, fast, 40, rows, accumulate, adds);
                }
                Assert.Equal(expected, actual);
            }, iter: 2000);

    [Fact]
    public void A_narrow_tile_has_the_bits_of_the_first_half_and_zeros_in_the_second() =>
        Gen.Select(Gen.Int[1, TileKernel.Rows], Gen.Int[0, 40], Gen.Bool, Gen.Int[0, 1000])
            .Sample((rows, steps, accumulate, seed) =>
            {
                var random = new Random(seed);
                float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
                float[] left = Values((rows * steps) + 1), right = Values((steps * TileKernel.Width) + 1);
                float[] expected = Values((TileKernel.Rows + 1) * 40), actual = [.. expected];
                fixed (float* a = left, b = right, plain = expected, fast = actual)
                {
                    var operand = new LeftOperand { First = a, RowStride = steps, StepStride = 1, Steps = steps };
                    TileKernel.ComputeScalar(operand, b, plain, 40, rows, accumulate);
                    TileKernel.ComputeNarrow(operand, b, fast, 40, rows, accumulate);
                }
                for (int row = 0; row < rows; row++)
                    expected.AsSpan((row * 40) + TileKernel.NarrowWidth, TileKernel.NarrowWidth).Clear();
                Assert.Equal(expected, actual);
            }, iter: 1000);
}
