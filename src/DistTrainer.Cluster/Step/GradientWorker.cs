using System.Numerics.Tensors;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// What a worker does, without the actor: it owns a contiguous range of data shards, goes forward through the stages
/// whose parameters are in, then backward, and hands out the gradient for each parameter shard.
/// </summary>
internal sealed class GradientWorker : IDisposable
{
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(1);
    private readonly TrainingSetup _setup;
    private readonly EpochSampler _sampler;
    private readonly IGradientEngine? _engine;
    private readonly Evaluator _evaluator;
    private readonly GradientNode[] _nodes;
    private readonly int[] _bounds;
    private readonly LossSums[] _losses;
    private readonly LossSums[][] _nodeLosses;
    private readonly ulong[] _sampleHashes;
    private readonly long[] _broadcast;
    private readonly int _firstDataShard;
    private readonly int _dataShardCount;
    private int _batchRows;
    private int _nextStage;
    private long _computeTicks;
    private long _stepTicks;
    private long _reportStart;
    private long _reportStep;

    /// <summary>Takes over a range of data shards.</summary>
    /// <param name="setup">What all actors share.</param>
    /// <param name="firstDataShard">First data shard.</param>
    /// <param name="dataShardCount">How many; may be 0, then the worker only evaluates.</param>
    /// <param name="step">The step whose parameters come first; it begins with the next one.</param>
    /// <param name="replicas">Replicas of parameter shards that must keep up.</param>
    public GradientWorker(TrainingSetup setup, int firstDataShard, int dataShardCount, long step, int replicas)
    {
        _setup = setup;
        _reportStart = setup.Clock.GetTimestamp();
        (_firstDataShard, _dataShardCount) = (firstDataShard, dataShardCount);
        TrainingDescription training = setup.Job.Training;
        _sampler = new EpochSampler(setup.Data.Train.Count, training.BatchSize, training.Seed, training.Shuffle);
        _bounds = new int[dataShardCount + 1];
        _losses = new LossSums[dataShardCount];
        _nodes =
            [.. GradientTree.Decompose(firstDataShard, dataShardCount)
            .Select(node => new GradientNode(node, setup.CreateVector()))];
        _nodeLosses = [.. _nodes.Select(node => new LossSums[node.Node.Count])];
        _sampleHashes = new ulong[_nodes.Length];
        _broadcast = new long[setup.Ranges.Count + replicas];
        Array.Fill(_broadcast, step - 1);
        Step = _reportStep = step;
        _evaluator = new Evaluator(setup.Model, setup.Data.Train.TargetWidth, setup.Options.ComputeThreads);
        int rows = MaximumRows();
        if (rows > 0)
        {
            _engine = setup.Model.CreateEngine(
                rows, setup.Data.Train.TargetWidth, setup.Options.ComputeThreads, forTraining: true,
                begin: (double)firstDataShard / training.DataShards);
        }
    }

    /// <summary>The last step that was begun.</summary>
    public long Step { get; private set; }

    /// <summary>Whether a step was begun and is not finished.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Whether this worker computes gradients at all.</summary>
    public bool HasWork => _engine is not null;

    /// <summary>The nodes that it pushes for each step.</summary>
    public IReadOnlyList<GradientNode> Nodes => _nodes;

    /// <summary>
    /// Whether the step at hand has as many samples as steps have; an epoch's last one may have less.
    /// </summary>
    public bool IsFullStep => _batchRows == _sampler.BatchSize;

    /// <summary>Whether the gradient is known to be finite in all stages that are through the backward pass.</summary>
    public bool IsKnownFinite { get; private set; }

    /// <summary>The loss sums of one node's data shards in the open step.</summary>
    public LossSums[] LossesOf(int node) => _nodeLosses[node];

    /// <summary>The ledger's hash of one node's samples in the open step.</summary>
    public ulong SampleHashOf(int node) => _sampleHashes[node];

    /// <summary>Hears that a parameter shard's slice is in place, or that a replica has applied the step.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Receive(int parameterShard, long step)
    {
        if (parameterShard >= _broadcast.Length || step <= _broadcast[parameterShard])
            return false;
        _broadcast[parameterShard] = step;
        return true;
    }

    /// <summary>
    /// The newest step whose parameters are all in, and that all replicas have applied: no contribution to it is wanted
    /// any more.
    /// </summary>
    public long Newest => TensorPrimitives.Min<long>(_broadcast);

    /// <summary>Leaves out steps that others have finished; between two steps only.</summary>
    public void SkipTo(long step) => Step = Math.Max(Step, step);

    /// <summary>Compute time of the step that is begun or was finished last, in milliseconds.</summary>
    public double StepMilliseconds => _setup.Clock.GetElapsedTime(_stepTicks, _computeTicks).TotalMilliseconds;

    /// <summary>Whether all parameters of a step are in.</summary>
    public bool HasParametersOf(long step) =>
        !_broadcast.AsSpan(0, _setup.Ranges.Count).ContainsAnyExceptInRange(step, long.MaxValue);

    /// <summary>
    /// Whether the gradient of the step at hand may be handed in: all replicas have applied the step before. So no
    /// parameter shard can ever be two steps ahead of a replica; and the last gradient's memory is free again.
    /// </summary>
    public bool MayHandIn => !_broadcast.AsSpan(_setup.Ranges.Count)
        .ContainsAnyExceptInRange(BulkSynchronous.ParametersOf(Step), long.MaxValue);

    /// <summary>Begins the next step; its samples are brought in at once, which needs no parameters.</summary>
    public void Begin()
    {
        long start = _setup.Clock.GetTimestamp();
        Step++;
        IsOpen = true;
        _stepTicks = _computeTicks;
        _nextStage = 0;
        ReadOnlySpan<int> batch = _sampler.Batch(Step);
        _batchRows = batch.Length;
        int first = Bound(batch.Length, 0);
        for (int s = 0; s <= _dataShardCount; s++)
            _bounds[s] = Bound(batch.Length, s) - first;
        for (int n = 0; n < _nodes.Length; n++)
        {
            GradientNode node = _nodes[n];
            _bounds.AsSpan(node.Node.Start - _firstDataShard, node.Bounds.Length).CopyTo(node.Bounds);
            _sampleHashes[n] = SampleLedger.Hash(batch[(first + node.Bounds[0])..(first + node.Bounds[^1])]);
        }
        _engine!.Load(_setup.Data.Train, Own(batch), training: true, Step, _setup.Job.Training.Seed);
        if (Step % _setup.StepsPerEpoch != 0)
            ExpectNext();
        _computeTicks += _setup.Clock.GetTimestamp() - start;
    }

    /// <summary>Goes forward as far as parameters are in.</summary>
    /// <returns>Whether the forward pass is through.</returns>
    public bool AdvanceForward()
    {
        while (_nextStage < _setup.Model.Stages)
        {
            if (!IsIn(_setup.Model.ParametersOf(_nextStage), BulkSynchronous.ParametersOf(Step)))
                return false;
            long start = _setup.Clock.GetTimestamp();
            _engine!.Forward(_nextStage++, Parameters);
            _computeTicks += _setup.Clock.GetTimestamp() - start;
        }
        return true;
    }

    /// <summary>
    /// Computes the loss, goes backward, then hands out the gradient. Within a process pushing earlier only makes a
    /// parameter shard's update compete with the backward pass for the cores: measured, 8 % of a step of a large model.
    /// Between processes the stages' gradients are sent ahead while the pass still runs.
    /// </summary>
    /// <param name="route">Told of each stage whose gradient is out, and after the pass of all.</param>
    public void Backward(GradientRoute route)
    {
        if (!IsOpen)
            throw new InvalidOperationException("No step is open.");
        long start = _setup.Clock.GetTimestamp();
        _engine!.Loss(_bounds, _losses, withGradient: true);
        for (int n = 0; n < _nodes.Length; n++)
            _losses.AsSpan(_nodes[n].Node.Start - _firstDataShard, _nodes[n].Node.Count).CopyTo(_nodeLosses[n]);
        IsKnownFinite = true;
        for (int stage = _setup.Model.Stages - 1; stage >= 0; stage--)
        {
            IsKnownFinite &= _engine.Backward(stage, Parameters, _nodes);
            if (_setup.Model.ParametersOf(stage) is { Length: > 0 } parameters)
                route.Prepare(this, parameters);
        }
        _computeTicks += _setup.Clock.GetTimestamp() - start;
        route.Push(this);
        IsOpen = false;
        if (Step % _setup.StepsPerEpoch == 0)
            ExpectNext();
    }

    /// <summary>Whether the last report was made so long ago that the run should hear how it goes.</summary>
    public bool IsReportOverdue => _setup.Clock.GetElapsedTime(_reportStart) >= s_longestSilence;

    /// <summary>Where the time went since the last call, a step.</summary>
    public WorkerTimes TakeTimes()
    {
        long now = _setup.Clock.GetTimestamp();
        double steps = Math.Max(1, Step - _reportStep);
        double all = _setup.Clock.GetElapsedTime(_reportStart, now).TotalMilliseconds;
        double compute = _setup.Clock.GetElapsedTime(0, _computeTicks).TotalMilliseconds;
        (_reportStart, _reportStep, _computeTicks, _stepTicks) = (now, Step, 0, 0);
        return new WorkerTimes(compute / steps, Math.Max(0, all - compute) / steps);
    }

    /// <summary>Evaluates chunks of a data part with the parameters of a step, which are in.</summary>
    public LossSums[] Evaluate(long step, DataPart part, int firstChunk, int count)
    {
        var sums = new LossSums[count];
        _evaluator.Evaluate(_setup.PartOf(part), _setup.Parameters[step].Span, firstChunk, sums);
        return sums;
    }

    /// <summary>
    /// Gives memory and threads back, but for the gradients: a connection may still be sending them, and their memory
    /// is freed with the last reference.
    /// </summary>
    public void Dispose()
    {
        _engine?.Dispose();
        _evaluator.Dispose();
    }

    private ReadOnlySpan<float> Parameters => _setup.Parameters[BulkSynchronous.ParametersOf(Step)].Span;

    private bool IsIn(ParameterSlice stage, long step)
    {
        if (stage.Length == 0)
            return true;
        for (int p = 0; p < _setup.Ranges.Count; p++)
        {
            ParameterShardRange range = _setup.Ranges[p];
            if (range.Start < stage.End && stage.Offset < range.End && _broadcast[p] < step)
                return false;
        }
        return true;
    }

    /// <summary>
    /// The samples of the next step can be fetched. With an epoch's last step this draws an order, and so comes after
    /// its gradient was handed in.
    /// </summary>
    private void ExpectNext()
    {
        if (Step < _setup.TotalSteps)
            _setup.Data.Train.Expect(Own(_sampler.Batch(Step + 1)));
    }

    private int MaximumRows()
    {
        int most = 0;
        foreach (int rows in (int[])[_sampler.BatchSize, (int)(_setup.Data.Train.Count % _sampler.BatchSize)])
            most = Math.Max(most, Bound(rows, _dataShardCount) - Bound(rows, 0));
        return _dataShardCount == 0 ? 0 : Math.Max(1, most);
    }

    /// <summary>First row, in a batch of all workers, of this one's data shard, counted from its first.</summary>
    private int Bound(int rows, int dataShard) =>
        EpochSampler.Bound(rows, _setup.Job.Training.DataShards, _firstDataShard + dataShard);

    private ReadOnlySpan<int> Own(ReadOnlySpan<int> batch) =>
        batch[Bound(batch.Length, 0)..Bound(batch.Length, _dataShardCount)];
}
