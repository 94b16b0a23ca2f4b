using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;

namespace DistTrainer.ParameterServer;

/// <content>A round's end: what the groups have come to is averaged.</content>
internal sealed partial class ParameterShard
{
    /// <summary>
    /// The groups hand in their parameters and slots, each times its share of the round's samples, so the sum is the
    /// mean. Figures are those of the way from the round's first parameters to the mean, in place of a gradient.
    /// </summary>
    private void ApplyRound(in StepContext context)
    {
        bool wantSums = context.WantNorm || context.WantStatistics || context.WantHistograms;
        if (context.WantHistograms)
            ClearCounters();
        for (int i = 0; context.WantStatistics && i < _statistics.Length; i++)
            _statistics[i] = new TensorStatistics(_tensorParts[i].Tensor, 0, 0, 0, 0);
        for (int b = 0; b < Range.BlockCount; b++)
        {
            ParameterBlock block = _blocks[Range.FirstBlock + b];
            ParameterTensor tensor = TensorOf(block);
            double way = 0, updates = 0;
            for (int start = block.Start; start < block.End; start += GradientSum.PieceLength)
            {
                int length = Math.Min(GradientSum.PieceLength, block.End - start), at = start - Range.Start;
                ReadOnlySpan<float> mean = _sum.Piece(at, length);
                Span<float> first = Own.Slice(at, length), next = Next.Slice(at, length);
                ReadOnlySpan<float> gradient = _round!.Way(first, mean);
                if (wantSums)
                    way += SquareSum.Of(gradient);
                if (context.WantHistograms)
                    Counters(block.Tensor).Gradients.Add(gradient, 1);
                _round.Step(at, isTrained: tensor.Kind != ParameterKind.RunningAverage, first, mean, next);
                if (context.WantStatistics)
                    updates += SquareSum.Of(_round.Moved(next));
            }
            if (wantSums)
                _gradientSquares[b] = tensor.Kind == ParameterKind.RunningAverage ? 0 : way;
            Span<float> parameters = Next.Slice(block.Start - Range.Start, block.Length);
            if (context.WantStatistics)
                _statistics[block.Tensor - _tensorParts[0].Tensor] += new TensorStatistics(
                    block.Tensor, block.Length, SquareSum.Of(parameters), _gradientSquares[b], updates);
            if (context.WantHistograms)
                Counters(block.Tensor).Parameters.Add(parameters, 1);
        }
        for (int slot = 0; slot < _exchange.Slots; slot++)
            _round!.TakeSlot(slot, _state.Slot(slot));
        if (context.WantHistograms)
            Histograms = [.. _tensorParts.Select(part => new TensorHistogram(
                part.Tensor, Counters(part.Tensor).Parameters.Take(), Counters(part.Tensor).Gradients.Take()))];
        Open(context.Step);
    }
}
