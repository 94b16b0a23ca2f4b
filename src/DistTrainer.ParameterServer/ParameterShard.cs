using System.Numerics.Tensors;
using DistTrainer.Engine;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Consistency;

// Over 300 lines: one class owns a slice's vectors, and everything that touches them stands beside the loop that
// applies a step.
namespace DistTrainer.ParameterServer;

/// <summary>
/// One contiguous part of the flat parameter vector with its optimizer state. It takes the workers' gradient sums of
/// the open step, and once all data shards are in, applies the step: average (sum / samples) → clip by value → clip by
/// global norm → L1 and L2 → decoupled decay → optimizer → max-norm. The result is the same bits for any arrival order,
/// any grouping of data shards and any cut. A tensor that is not trained follows its sum as a
/// <see cref="RunningAverage"/> instead. Not thread-safe; different parameter shards may run at once.
/// <para>
/// A step is: <see cref="Accept"/> until <see cref="PushOutcome.Completed"/>, <see cref="Apply"/>. Where it
/// <see cref="NeedsNorm"/>: Accept, <see cref="PartialNorms"/>, wait for all parameter shards' sums, Apply with the
/// norm. After warm-up no step allocates.
/// </para>
/// </summary>
internal sealed partial class ParameterShard : IDisposable
{
    private readonly ParameterBlocks _blocks;
    private readonly RegularizationDescription _regularization;
    private readonly ClippingDescription _clipping;
    private readonly Optimizer _optimizer;
    private readonly OptimizerState _state;
    private readonly ParameterBuffers _parameters;
    private readonly Exchange _exchange;
    private readonly GradientSum _sum;
    private readonly RoundState? _round;
    private readonly AlignedBuffer? _combined;
    private readonly AlignedBuffer? _blockGradient;
    private readonly bool _skipsSteps;
    private readonly double[] _gradientSquares;
    private readonly double[] _clippedSquares;
    private readonly ParameterBlock[] _tensorParts;
    private readonly TensorStatistics[] _statistics;
    private (HistogramCounter Parameters, HistogramCounter Gradients)[] _counters = [];
    private ParameterBuffers? _apart;
    private bool _isApart;
    private AlignedBuffer? _before;
    private AlignedBuffer? _best;
    private bool _isCombined;

    /// <summary>Takes over a part of the parameters; the open step is 1.</summary>
    /// <param name="range">Which part; from <see cref="ParameterShardMap.Cut"/>.</param>
    /// <param name="blocks">The blocks of the flat vector.</param>
    /// <param name="job">Optimizer, regularization, clipping and number of data shards.</param>
    /// <param name="generation">Membership version.</param>
    /// <param name="parameters">The whole flat vector, shared; only the own part is written. With two buffers a step is
    /// written beside the one before.</param>
    /// <exception cref="DistTrainerException">An option is out of its range
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    /// <exception cref="ArgumentException">The vector's length is not the layout's, or the update rule needs whole
    /// tensors and the blocks are smaller.</exception>
    public ParameterShard(
        ParameterShardRange range, ParameterBlocks blocks, JobDescription job, int generation,
        ParameterBuffers parameters)
    {
        if (parameters.Length != blocks.Layout.Length)
            throw new ArgumentException(
                $"The vector has {parameters.Length} elements; the layout has {blocks.Layout.Length}.",
                nameof(parameters));
        UpdateChecks.Check(job.Regularization);
        UpdateChecks.Check(job.Clipping);
        Range = range;
        Generation = generation;
        _blocks = blocks;
        _regularization = job.Regularization;
        _clipping = job.Clipping;
        _optimizer = Optimizer.Create(job.Optimizer);
        SlotNames = RoundState.SlotNamesOf(job);
        if (_optimizer.BlockRule is { NeedsWholeTensors: true } && blocks.Count != blocks.Layout.Tensors.Count)
            throw new ArgumentException(
                $"The optimizer {job.Optimizer.Kind} needs whole tensors; {blocks.Layout.Tensors.Count} tensors lie "
                + $"in {blocks.Count} blocks.", nameof(blocks));
        (_parameters, _exchange) = (parameters, parameters.Exchange);
        OpenStep = _exchange.Ends.Next(0);
        _state = _optimizer.CreateState(range.Length);
        _round = RoundState.Of(job, _exchange, range.Length);
        _blockGradient = _optimizer.BlockRule is null ? null : new AlignedBuffer(LongestBlock(range, blocks));
        _sum = new GradientSum(
            job.Training.DataShards, range.Length, _exchange.Codec, _exchange.RoundedDataShards);
        if (_exchange.Codec is not null)
        {
            // What is handed out is rounded: the parameters themselves lie apart.
            _apart = MakeBuffers(parameters.AreTwo ? Ends.Versions : 1);
            TakeFromShared(0);
        }
        _skipsSteps = job.Training.Divergence.Policy == DivergencePolicy.SkipStep;
        _combined = _clipping.Norm > 0 || _skipsSteps ? new AlignedBuffer(range.Length) : null;
        _gradientSquares = new double[range.BlockCount];
        _clippedSquares =
            _combined is not null && _clipping.Value > 0 ? new double[range.BlockCount] : _gradientSquares;
        _tensorParts = TensorParts(range, blocks);
        _statistics = new TensorStatistics[_tensorParts.Length];
    }

    /// <summary>The part that is owned.</summary>
    public ParameterShardRange Range { get; }

    /// <summary>Membership version; pushes of another one are stale.</summary>
    public int Generation { get; private set; }

    /// <summary>The step whose contributions are taken, counted from 1.</summary>
    public long OpenStep { get; private set; }

    /// <summary>The last step that was applied; 0 before the first.</summary>
    public long Applied => _exchange.Ends.Before(OpenStep);

    /// <summary>
    /// Whether a step waits for the norm of the whole gradient: to clip by it, or to leave the step out everywhere if
    /// it is not finite anywhere.
    /// </summary>
    public bool NeedsNorm => _combined is not null && !IsRound;

    /// <summary>Whether all data shards of the open step are in.</summary>
    public bool IsComplete => _sum.IsComplete;

    /// <summary>The stretches of data shards that are missing in the open step, in order; allocates.</summary>
    public IReadOnlyList<(int Start, int Count)> Missing() => _sum.Missing();

    /// <summary>The own parameters, of the last step that was applied.</summary>
    public ReadOnlySpan<float> Parameters => Own;

    /// <summary>Names of the optimizer's vectors; see <see cref="Slot(string)"/>.</summary>
    public IReadOnlyList<string> SlotNames { get; }

    /// <summary>
    /// A sum of squares for each own block of the averaged gradient, before clipping and regularization; of the last
    /// step that was applied with <see cref="StepContext.WantNorm"/>, or combined by <see cref="PartialNorms"/>.
    /// </summary>
    public ReadOnlySpan<double> GradientSquares => _gradientSquares;

    /// <summary>
    /// Figures for each tensor that has a part here, of the last step applied with
    /// <see cref="StepContext.WantStatistics"/>.
    /// </summary>
    public ReadOnlySpan<TensorStatistics> Statistics => _statistics;

    /// <summary>
    /// A histogram for each tensor that has a part here, of the last step applied with
    /// <see cref="StepContext.WantHistograms"/>; none where that step was left out.
    /// </summary>
    public IReadOnlyList<TensorHistogram> Histograms { get; private set; } = [];

    private bool AreTwo => (_apart ?? _parameters).AreTwo;

    /// <summary>Whether parameters are handed in for the open step; else gradients are.</summary>
    private bool IsRound => _exchange.Ends.IsLocal(OpenStep);

    private Span<float> Own => At(Applied);

    private Span<float> Next => At(OpenStep);

    private Span<float> At(long step) => _apart is not null
        ? _apart[step].Span[..Range.Length] : _parameters[step].Span.Slice(Range.Start, Range.Length);

    /// <summary>One of the optimizer's vectors, as long as the own parameters.</summary>
    /// <exception cref="ArgumentException">There is no such slot.</exception>
    public ReadOnlySpan<float> Slot(string name) => Slot(SlotNames.ToList().IndexOf(name) is >= 0 and int index
        ? index
        : throw new ArgumentException(
            $"There is no slot '{name}'; there are: {string.Join(", ", SlotNames)}.", nameof(name)));

    /// <summary>One of the optimizer's vectors, by its place among the <see cref="SlotNames"/>.</summary>
    public Span<float> Slot(int index) =>
        index < _state.Names.Count ? _state.Slot(index) : _round!.OuterMomentum!.Span;

    /// <summary>Takes a contribution to the open step; kept by reference until the step is applied.</summary>
    public PushOutcome Accept(in GradientPush push)
    {
        PushOutcome outcome = push.Generation == Generation
            ? Ends.OutcomeOf(push.Step, OpenStep)
            : PushOutcome.Stale;
        if (outcome == PushOutcome.Accepted && IsRound)
            outcome = _round!.Check(push);
        if (outcome != PushOutcome.Accepted)
            return outcome;
        outcome = _sum.Add(push);
        if (outcome is PushOutcome.Accepted or PushOutcome.Completed && IsRound)
            _round!.Add(push);
        return outcome;
    }

    /// <summary>
    /// Begins another generation: contributions to the open step are forgotten, since their buffers may belong to
    /// workers that are gone. They will come again, with the same bits.
    /// </summary>
    public void BeginGeneration(int generation)
    {
        Generation = generation;
        Forget();
    }

    /// <summary>
    /// First phase of a step that needs the norm: averages the open step's gradient, clips it by value and keeps it.
    /// </summary>
    /// <param name="weight">See <see cref="StepContext.Weight"/>.</param>
    /// <param name="wantHistograms">Whether the step will be applied with
    /// <see cref="StepContext.WantHistograms"/>.</param>
    /// <returns>A sum of squares for each own block, for <see cref="GlobalNorm"/>; valid until the next step.</returns>
    /// <exception cref="InvalidOperationException">Data shards are missing, or the job does not need the
    /// norm.</exception>
    public ReadOnlySpan<double> PartialNorms(double weight, bool wantHistograms = false)
    {
        if (_combined is null)
            throw new InvalidOperationException("The job does not need the norm; there is no first phase.");
        RequireComplete(weight);
        if (wantHistograms)
            ClearCounters();
        float scale = StepContext.MeanFactor(weight);
        for (int b = 0; b < Range.BlockCount; b++)
        {
            ParameterBlock block = _blocks[Range.FirstBlock + b];
            bool isTrained = TensorOf(block).Kind != ParameterKind.RunningAverage;
            double sum = 0, clippedSum = 0;
            for (int start = block.Start; start < block.End; start += GradientSum.PieceLength)
            {
                int length = Math.Min(GradientSum.PieceLength, block.End - start);
                Span<float> mean = _combined.Span.Slice(start - Range.Start, length);
                TensorPrimitives.Multiply(_sum.Piece(start - Range.Start, length), scale, mean);
                sum += SquareSum.Of(mean);
                if (wantHistograms)
                    Counters(block.Tensor).Gradients.Add(mean, 1);
                if (_clipping.Value == 0 || !isTrained)
                    continue;
                TensorPrimitives.Clamp(mean, -_clipping.Value, _clipping.Value, mean);
                clippedSum += SquareSum.Of(mean);
            }
            double none = double.IsFinite(sum) ? 0 : sum; // what is not trained counts only where it spoils the step
            _clippedSquares[b] = isTrained ? clippedSum : none; // the next one's array unless values are clipped too
            _gradientSquares[b] = isTrained ? sum : none;
        }
        _isCombined = true;
        return _clippedSquares;
    }

    /// <summary>Applies the open step and opens the next one.</summary>
    /// <returns>Whether the step counted; false where it was left out, because the norm is not finite and the job says
    /// so.</returns>
    /// <exception cref="InvalidOperationException">It is not the open step, data shards are missing, or the norm
    /// is.</exception>
    public bool Apply(in StepContext context)
    {
        RequireComplete(context.Weight);
        if (context.Step != OpenStep)
            throw new InvalidOperationException($"Step {context.Step} cannot be applied; the open step is {OpenStep}.");
        if (NeedsNorm && (!_isCombined || context.GradientNorm is null))
            throw new InvalidOperationException("The job needs PartialNorms and then the norm of the whole gradient.");

        if (IsRound)
        {
            ApplyRound(context);
            return true;
        }
        bool counts = !_skipsSteps || double.IsFinite(context.GradientNorm!.Value);
        bool wantSums = (context.WantNorm || context.WantStatistics || context.WantHistograms) && _combined is null;
        if (context.WantHistograms && _combined is null)
            ClearCounters();
        for (int i = 0; context.WantStatistics && i < _statistics.Length; i++)
            _statistics[i] = new TensorStatistics(_tensorParts[i].Tensor, 0, 0, 0, 0);
        if (!counts)
            CarryOver();
        else if (wantSums || context.WantStatistics || context.WantHistograms || _regularization.MaxNorm > 0
            || _blockGradient is not null)
            ApplyByBlocks(context, wantSums);
        else
            ApplyByTensors(context);
        if (context.WantHistograms)
            Histograms = counts
                ? [.. _tensorParts.Select(part => new TensorHistogram(part.Tensor, Counters(part.Tensor)
                .Parameters.Take(), Counters(part.Tensor).Gradients.Take()))] : [];
        Open(context.Step);
        return counts;
    }

    /// <summary>Gives optimizer state and copies back; the parameters belong to the caller.</summary>
    public void Dispose()
    {
        _state.Dispose();
        _sum.Dispose();
        _combined?.Dispose();
        _blockGradient?.Dispose();
        _round?.Dispose();
        _before?.Dispose();
        _best?.Dispose();
        _apart?.Dispose();
    }

    /// <summary>The own part of each tensor as one stretch.</summary>
    private static ParameterBlock[] TensorParts(ParameterShardRange range, ParameterBlocks blocks)
    {
        var parts = new List<ParameterBlock>();
        for (int b = range.FirstBlock; b <= range.LastBlock; b++)
        {
            ParameterBlock block = blocks[b];
            if (parts.Count > 0 && parts[^1].Tensor == block.Tensor)
                parts[^1] = parts[^1] with { End = block.End };
            else
                parts.Add(block);
        }
        return [.. parts];
    }

    private void RequireComplete(double weight)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        if (!IsComplete)
            throw new InvalidOperationException($"Step {OpenStep} is not complete: data shards are missing.");
    }

    /// <summary>A step is applied: what goes out is put in its place, and the next one is open.</summary>
    private void Open(long applied)
    {
        OpenStep = _exchange.Ends.Next(applied);
        HandOut();
        Forget();
    }

    private void Forget()
    {
        _sum.Clear();
        _round?.Clear();
        _isCombined = false;
    }

    private void CarryOver()
    {
        if (AreTwo)
            Own.CopyTo(Next);
    }

    private void ApplyByTensors(in StepContext context)
    {
        UpdateContext update = _optimizer.At(context.Step, context.Rate);
        foreach (ParameterBlock part in _tensorParts)
            Update(part, update, Adjustment(part.Tensor, context), null);
    }

    private void ApplyByBlocks(in StepContext context, bool wantSums)
    {
        UpdateContext update = _optimizer.At(context.Step, context.Rate);
        for (int b = 0; b < Range.BlockCount; b++)
        {
            ParameterBlock block = _blocks[Range.FirstBlock + b];
            ParameterTensor tensor = TensorOf(block);
            Span<float> parameters = Next.Slice(block.Start - Range.Start, block.Length);
            if (context.WantStatistics)
                Own.Slice(block.Start - Range.Start, block.Length).CopyTo(Before());
            HistogramCounter? gradients = context.WantHistograms && wantSums ? Counters(block.Tensor).Gradients : null;
            double? sum = Update(block, update, Adjustment(block.Tensor, context), wantSums ? 0 : null, gradients);
            _gradientSquares[b] = sum ?? _gradientSquares[b];
            if (_regularization.MaxNorm > 0 && tensor.Kind == ParameterKind.Weight)
                MaxNorm.Apply(tensor.RowLength, _regularization.MaxNorm, parameters);
            if (context.WantStatistics)
            {
                _statistics[block.Tensor - _tensorParts[0].Tensor] += new TensorStatistics(
                    block.Tensor, block.Length, SquareSum.Of(parameters), _gradientSquares[b],
                    UpdateSquares(parameters));
            }
            if (context.WantHistograms)
                Counters(block.Tensor).Parameters.Add(parameters, 1);
        }
    }

    /// <summary>Updates one stretch (a block, where the rule works on blocks) piece by piece, each while its gradient
    /// is in the first-level cache.</summary>
    /// <param name="part">The stretch.</param>
    /// <param name="update">The step.</param>
    /// <param name="adjustment">What is done to the gradient.</param>
    /// <param name="sum">Where to start the sum of squares of the averaged gradient; null if it is not wanted.</param>
    /// <param name="histogram">Counts the averaged gradient, where the sum is wanted; null: nothing does.</param>
    /// <returns>The sum of squares, over pieces in order; null if it is not wanted.</returns>
    private double? Update(
        ParameterBlock part, in UpdateContext update, in GradientAdjustment adjustment, double? sum,
        HistogramCounter? histogram = null)
    {
        ParameterTensor tensor = TensorOf(part);
        for (int start = part.Start - Range.Start; start < part.End - Range.Start; start += GradientSum.PieceLength)
        {
            int length = Math.Min(GradientSum.PieceLength, part.End - Range.Start - start);
            GradientTerms gradient = _combined is null
                ? _sum.Terms(start, length)
                : new GradientTerms(_combined.Span.Slice(start, length));
            if (sum is not null)
            {
                gradient = new GradientTerms(_sum.Piece(start, length));
                sum += SquareSum.Of(gradient.First, adjustment.Scale);
                histogram?.Add(gradient.First, adjustment.Scale);
            }
            Span<float> parameters = Next.Slice(start, length);
            if (AreTwo)
                Own.Slice(start, length).CopyTo(parameters);
            if (tensor.Kind == ParameterKind.RunningAverage)
                RunningAverage.Update(
                    tensor.Momentum, _combined is null ? adjustment.Scale : 1, gradient, parameters);
            else if (_blockGradient is null)
                _optimizer.Update(update, adjustment, gradient, _state, start, parameters);
            else
                adjustment.Apply(
                    gradient, parameters, _blockGradient.Span.Slice(start + Range.Start - part.Start, length));
        }
        if (tensor.Kind == ParameterKind.RunningAverage)
            return sum is { } finite && double.IsFinite(finite) ? 0 : sum; // no part of the gradient
        if (_blockGradient is not null)
        {
            int first = part.Start - Range.Start;
            _optimizer.BlockRule!.Update(new BlockUpdate(
                update, tensor, _blockGradient.Span[..part.Length], _state, first,
                    Next.Slice(first, part.Length)));
        }
        return sum;
    }

    private ParameterTensor TensorOf(ParameterBlock block) => _blocks.Layout.Tensors[block.Tensor];

    private GradientAdjustment Adjustment(int tensor, in StepContext context)
    {
        bool penalized = _regularization.ApplyToBiases || _blocks.Layout.Tensors[tensor].Kind == ParameterKind.Weight;
        return new GradientAdjustment(
            Scale: _combined is null ? StepContext.MeanFactor(context.Weight) : _clipping.Norm > 0
                ? GlobalNorm.ClipFactor(context.GradientNorm!.Value, _clipping.Norm) : 1,
            Limit: _combined is null && _clipping.Value > 0 ? _clipping.Value : float.PositiveInfinity,
            L1: penalized ? _regularization.L1 : 0,
            L2: penalized ? _regularization.L2 : 0,
            Decay: penalized ? (float)(1 - context.Rate * _regularization.DecoupledWeightDecay) : 1);
    }

    private (HistogramCounter Parameters, HistogramCounter Gradients) Counters(int tensor) =>
        _counters[tensor - _tensorParts[0].Tensor];

    // There are none until the first histogram is wanted.
    private void ClearCounters()
    {
        if (_counters.Length == 0)
            _counters = [.. _tensorParts.Select(_ => (new HistogramCounter(), new HistogramCounter()))];
        foreach ((HistogramCounter parameters, HistogramCounter gradients) in _counters)
        {
            parameters.Clear();
            gradients.Clear();
        }
    }

    private double UpdateSquares(ReadOnlySpan<float> parameters)
    {
        Span<float> change = Before()[..parameters.Length];
        TensorPrimitives.Subtract(parameters, change, change);
        return SquareSum.Of(change);
    }

    private Span<float> Before()
    {
        _before ??= new AlignedBuffer(LongestBlock(Range, _blocks));
        return _before.Span;
    }

    private static int LongestBlock(ParameterShardRange range, ParameterBlocks blocks)
    {
        int longest = 0;
        for (int b = range.FirstBlock; b <= range.LastBlock; b++)
            longest = Math.Max(longest, blocks[b].Length);
        return longest;
    }
}
