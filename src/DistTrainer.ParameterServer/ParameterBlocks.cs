using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;

namespace DistTrainer.ParameterServer;

/// <summary>Whole rows of one tensor: the unit that norms are summed by and that no cut divides.</summary>
/// <param name="Start">First element in the flat vector.</param>
/// <param name="End">One past the last element.</param>
/// <param name="Tensor">Index of the tensor in the layout.</param>
internal readonly record struct ParameterBlock(int Start, int End, int Tensor)
{
    /// <summary>Number of elements.</summary>
    public int Length => End - Start;
}

/// <summary>
/// The flat parameter vector in blocks of about equal size: at most 512 for a model of up to 256 tensors, at most 256
/// more than tensors beyond. They depend on layout and update rule only, so a norm that is summed block by block never
/// depends on the cut into parameter shards.
/// </summary>
internal sealed class ParameterBlocks
{
    private const int Most = 512;
    private readonly ParameterBlock[] _blocks;

    /// <summary>Groups a layout's rows.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="wholeTensors">Whether each tensor is one block, because the update rule needs it whole
    /// (<see cref="IBlockRule.NeedsWholeTensors"/>).</param>
    public ParameterBlocks(ParameterLayout layout, bool wholeTensors = false)
    {
        Layout = layout;
        int share = Math.Max(Most / 2, Most - layout.Tensors.Count);
        int length = wholeTensors ? layout.Length : Math.Max(1, (layout.Length + share - 1) / share);
        var blocks = new List<ParameterBlock>();
        for (int t = 0; t < layout.Tensors.Count; t++)
        {
            ParameterTensor tensor = layout.Tensors[t];
            long rows = ((long)length + tensor.RowLength - 1) / tensor.RowLength;
            for (long start = tensor.Offset; start < tensor.End; start += rows * tensor.RowLength)
                blocks.Add(
                    new ParameterBlock((int)start, (int)Math.Min(start + rows * tensor.RowLength, tensor.End), t));
        }
        _blocks = [.. blocks];
    }

    /// <summary>The layout.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>Number of blocks.</summary>
    public int Count => _blocks.Length;

    /// <summary>One block, in the order of the flat vector.</summary>
    public ParameterBlock this[int index] => _blocks[index];
}
