using System.Numerics.Tensors;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// A worker's part of a round, without the actor: each of its groups of data shards, one after the other, makes the
/// round's steps by itself, from the same parameters and slots; then its parameters and slots, times its share of the
/// round's samples, are added to those of the other groups in the order of <see cref="GradientTree"/>. A group's steps
/// are those that a parameter shard makes in bulk mode, with the group's data shards as all that there are.
/// </summary>
internal sealed class LocalRound : IDisposable
{
    private readonly TrainingSetup _setup;
    private readonly EpochSampler _sampler;
    private readonly IGradientEngine _engine;
    private readonly StepRates _rates;
    private readonly IReadOnlyList<GradientNode> _nodes;
    private readonly AlignedBuffer _parameters;
    private readonly AlignedBuffer _gradient;
    private readonly AlignedBuffer?[] _levels;
    private readonly ParameterShard _shard;
    private readonly LossSums[] _losses;
    private readonly LossSums[][] _nodeLosses;
    private readonly ulong[] _sampleHashes;
    private readonly int _size;
    private int _node;
    private int _group;
    private long _step;
    private long _rows;
    private long _allRows;
    private bool _isPoisoned;

    /// <summary>Reserves what a group needs; groups take turns with it.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="sampler">Gives the samples of each step.</param>
    /// <param name="engine">Has room for a group's rows.</param>
    /// <param name="rates">The learning rates.</param>
    /// <param name="nodes">What the worker hands in, each of whole groups.</param>
    public LocalRound(
        TrainingSetup setup, EpochSampler sampler, IGradientEngine engine, StepRates rates,
        IReadOnlyList<GradientNode> nodes)
    {
        (_setup, _sampler, _engine, _rates, _nodes) = (setup, sampler, engine, rates, nodes);
        TrainingDescription training = setup.Job.Training;
        _size = training.Consistency.DataShardsOfGroup(training.DataShards);
        _parameters = new AlignedBuffer(setup.Layout.Length);
        _gradient = new AlignedBuffer(setup.Layout.Length);
        _shard = new ParameterShard(
            ParameterShardMap.Cut(setup.Blocks, 1)[0], setup.Blocks, setup.Job with
            {
                Training = training with { DataShards = _size, Consistency = new ConsistencyDescription() },
            },
            generation: 0, new ParameterBuffers(_parameters));
        _losses = new LossSums[_size];
        _nodeLosses = [.. nodes.Select(node => new LossSums[node.Node.Count])];
        _sampleHashes = new ulong[nodes.Count];
        _levels = new AlignedBuffer?[nodes.Max(node => int.Log2(node.Node.Count / _size))];
    }

    /// <summary>The step before the first of the round.</summary>
    public long First { get; private set; }

    /// <summary>The last step of the round that was begun last; 0 before the first.</summary>
    public long Last { get; private set; }

    /// <summary>Groups of the worker.</summary>
    public int Groups => _nodes.Sum(node => node.Node.Count) / _size;

    /// <summary>Whether all groups are through.</summary>
    public bool IsDone => _node == _nodes.Count;

    /// <summary>
    /// The loss sums of one node's data shards over the round, and the ledger's hash of its samples.
    /// </summary>
    public (LossSums[] Losses, ulong SampleHash) CountsOf(int node) => (_nodeLosses[node], _sampleHashes[node]);

    /// <summary>Begins a round, perhaps anew.</summary>
    /// <param name="first">The step before its first one, whose parameters are in.</param>
    /// <param name="last">Its last step.</param>
    public void Begin(long first, long last)
    {
        (First, Last, _node, _group) = (first, last, 0, 0);
        foreach (LossSums[] losses in _nodeLosses)
            Array.Clear(losses);
        Array.Clear(_sampleHashes);
        BeginGroup();
    }

    /// <summary>Makes one step of a group.</summary>
    public void Advance()
    {
        GradientNode node = _nodes[_node];
        int start = node.Node.Start + (_group * _size);
        long step = ++_step;
        ReadOnlySpan<int> batch = _sampler.Batch(step);
        _allRows += batch.Length;
        int from = Bound(batch.Length, start), rows = Bound(batch.Length, start + _size) - from;
        if (rows > 0 && !_isPoisoned)
            Train(step, batch.Slice(from, rows), new TreeNode(start, _size), batch.Length);
        if (step == Last)
            EndGroup(node);
    }

    /// <summary>Gives memory back, but for what is handed in.</summary>
    public void Dispose()
    {
        _shard.Dispose();
        _parameters.Dispose();
        _gradient.Dispose();
        foreach (AlignedBuffer? level in _levels)
            level?.Dispose();
    }

    private void BeginGroup()
    {
        (_step, _rows, _allRows, _isPoisoned) = (First, 0, 0, false);
        ReadOnlySpan<float> start = _setup.Parameters[First].Span;
        start[.._parameters.Length].CopyTo(_parameters.Span);
        for (int slot = 0; slot < _shard.SlotNames.Count; slot++)
        {
            if (_setup.Exchange.Slots == 0)
                _shard.Slot(slot).Clear();
            foreach (ParameterShardRange range in _setup.Exchange.Slots == 0 ? [] : _setup.Ranges)
                start.Slice(_setup.Exchange.SlotsOf(range).Start + (slot * range.Length), range.Length)
                    .CopyTo(_shard.Slot(slot)[range.Start..]);
        }

        // Without the state of the steps before, bias corrections begin anew as well.
        _shard.Restart(_setup.Exchange.Slots == 0 ? 0 : First);
    }

    private void Train(long step, ReadOnlySpan<int> samples, TreeNode group, int batchRows)
    {
        var node = new GradientNode(group, _gradient);
        int first = Bound(batchRows, group.Start);
        for (int s = 0; s <= _size; s++)
            node.Bounds[s] = Bound(batchRows, group.Start + s) - first;
        _engine.Load(_setup.Data.Train, samples, training: true, step, _setup.Job.Training.Seed);
        if (step < Last)
            Expect(step + 1, group);
        for (int stage = 0; stage < _setup.Model.Stages; stage++)
            _engine.Forward(stage, _parameters.Span);
        _engine.Loss(node.Bounds, _losses, withGradient: true);
        bool isKnownFinite = true;
        for (int stage = _setup.Model.Stages - 1; stage >= 0; stage--)
            isKnownFinite &= _engine.Backward(stage, _parameters.Span, [node]);
        _rows += samples.Length;
        _sampleHashes[_node] += SampleLedger.Hash(samples);
        LossSums all = default;
        for (int s = 0; s < _size; s++)
        {
            all += _losses[s];
            _nodeLosses[_node][group.Start - _nodes[_node].Node.Start + s] += _losses[s];
        }
        PushOutcome outcome = _shard.Accept(
            new GradientPush(0, _shard.OpenStep, new TreeNode(0, _size), _gradient, 0)
            {
                IsKnownFinite = isKnownFinite,
            });
        _isPoisoned = outcome == PushOutcome.Poisoned;
        if (_isPoisoned)
            return;
        double? norm = _shard.NeedsNorm ? GlobalNorm.Norm(_shard.PartialNorms(all.Weight)) : null;
        _shard.Apply(new StepContext(_shard.OpenStep, _rates.Of(step), all.Weight) { GradientNorm = norm });
    }

    private void Expect(long step, TreeNode group)
    {
        ReadOnlySpan<int> batch = _sampler.Batch(step);
        _setup.Data.Train.Expect(batch[Bound(batch.Length, group.Start)..Bound(batch.Length, group.End)]);
    }

    // The sums of 1, 2, 4 … groups wait in a level each, until as many are there once more.
    private void EndGroup(GradientNode node)
    {
        int merges = int.TrailingZeroCount(~_group);
        bool isLast = (_group + 1) * _size == node.Node.Count;
        Span<float> sum = isLast ? node.Gradient.Span
            : (_levels[merges] ??= new AlignedBuffer(_setup.Exchange.Length)).Span;
        Write(sum, (float)((double)_rows / _allRows));
        for (int level = 0; level < merges; level++)
            TensorPrimitives.Add(_levels[level]!.Span, sum, sum);
        _group++;
        if (isLast)
            (_node, _group) = (_node + 1, 0);
        if (!IsDone)
            BeginGroup();
    }

    private void Write(Span<float> target, float share)
    {
        TensorPrimitives.Multiply(_parameters.Span, share, target[.._parameters.Length]);
        foreach (ParameterShardRange range in _setup.Exchange.Slots == 0 ? [] : _setup.Ranges)
        {
            (int first, int length) = _setup.Exchange.SlotsOf(range);
            Span<float> slots = target.Slice(first, length);
            for (int slot = 0; slot < _setup.Exchange.Slots; slot++)
                TensorPrimitives.Multiply(
                    _shard.Slot(slot).Slice(range.Start, range.Length), share,
                    slots.Slice(slot * range.Length, range.Length));
        }

        // A gradient that is not finite makes the contribution so: it is refused as one in bulk mode is.
        if (_isPoisoned)
            target[0] = float.NaN;
    }

    private int Bound(int rows, int dataShard) =>
        EpochSampler.Bound(rows, _setup.Job.Training.DataShards, dataShard);
}
