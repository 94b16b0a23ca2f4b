using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// What a worker does, without the actor: it owns a contiguous range of data shards, goes forward through the stages
/// whose parameters are in, then backward, and hands out the gradient for each parameter shard. In local mode it makes
/// a round's steps (<see cref="LocalRound"/>) and hands out what it has come to.
/// </summary>
internal sealed class GradientWorker : IDisposable
{
    private readonly TrainingSetup _setup;
    private readonly EpochSampler _sampler;
    private readonly IGradientEngine? _engine;
    private readonly Evaluator _evaluator;
    private readonly GradientNode[] _nodes;
    private readonly int[] _bounds;
    private readonly LossSums[] _losses;
    private readonly LossSums[][] _nodeLosses;
    private readonly ulong[] _sampleHashes;
    private readonly StepRates _rates;
    private readonly LocalRound? _round;
    private readonly int _firstDataShard;
    private readonly int _dataShardCount;
    private int _batchRows;
    private int _nextStage;

    /// <summary>Takes over a range of data shards.</summary>
    /// <param name="setup">What all actors share.</param>
    /// <param name="firstDataShard">First data shard.</param>
    /// <param name="dataShardCount">How many; may be 0, then the worker only evaluates.</param>
    /// <param name="step">The step whose parameters come first; it begins with the next one.</param>
    /// <param name="replicas">Replicas of parameter shards that must keep up.</param>
    public GradientWorker(TrainingSetup setup, int firstDataShard, int dataShardCount, long step, int replicas)
    {
        _setup = setup;
        Clock = new WorkerClock(setup.Clock);
        (_firstDataShard, _dataShardCount) = (firstDataShard, dataShardCount);
        TrainingDescription training = setup.Job.Training;
        _sampler = new EpochSampler(setup.Data.Train.Count, training.BatchSize, training.Seed, training.Shuffle);
        _bounds = new int[dataShardCount + 1];
        _losses = new LossSums[dataShardCount];
        _nodes =
            [.. setup.Exchange.NodesOf(firstDataShard, dataShardCount)
            .Select(node => new GradientNode(node, setup.CreateVector()))];
        _nodeLosses = [.. _nodes.Select(node => new LossSums[node.Node.Count])];
        _sampleHashes = new ulong[_nodes.Length];
        In = new ParametersIn(setup, replicas, step);
        (Step, HandedIn) = (step, step);
        _rates = new StepRates(setup);
        _evaluator = new Evaluator(setup.Model, setup.Data.Train.TargetWidth, setup.Options.ComputeThreads);
        int rows = MaximumRows();
        if (rows > 0)
        {
            _engine = setup.Model.CreateEngine(
                rows, setup.Data.Train.TargetWidth, setup.Options.ComputeThreads, forTraining: true,
                begin: (double)firstDataShard / training.DataShards);
            if (setup.Exchange.Ends is LocalRounds)
                _round = new LocalRound(setup, _sampler, _engine, _rates, _nodes);
        }
    }

    /// <summary>The last step that was begun.</summary>
    public long Step { get; private set; }

    /// <summary>
    /// The last step that must be finished since it was begun: in local mode, where a round can wait or be begun anew,
    /// the end of the last one that was handed in.
    /// </summary>
    public long HandedIn { get; private set; }

    /// <summary>Whether a step was begun and is not finished.</summary>
    public bool IsOpen { get; private set; }

    private IConsistency Ends => _setup.Exchange.Ends;

    /// <summary>Whether what is at hand is a round.</summary>
    private bool IsRound => _round is not null && Ends.IsLocal(Step);

    /// <summary>Whether this worker computes gradients at all.</summary>
    public bool HasWork => _engine is not null;

    /// <summary>The nodes that it pushes for each step.</summary>
    public IReadOnlyList<GradientNode> Nodes => _nodes;

    /// <summary>Whether what is at hand is not the shorter last step of an epoch.</summary>
    public bool IsFullStep => IsRound || _batchRows == _sampler.BatchSize;

    /// <summary>Whether the gradient is known to be finite in all stages that are through the backward pass.</summary>
    public bool IsKnownFinite { get; private set; }

    /// <summary>
    /// The loss sums of one node's data shards in what is open, and the ledger's hash of its samples.
    /// </summary>
    public (LossSums[] Losses, ulong SampleHash) CountsOf(int node) =>
        IsRound ? _round!.CountsOf(node) : (_nodeLosses[node], _sampleHashes[node]);

    /// <summary>The parameters that are in.</summary>
    public ParametersIn In { get; }

    /// <summary>Whether nothing is begun that is still wanted: another may have handed in this one's round.</summary>
    public bool IsFree => !IsOpen || (IsRound && In.Newest >= Step);

    /// <summary>Leaves out what others have finished; only where this one is free.</summary>
    public void SkipToNewest()
    {
        Step = HandedIn = Math.Max(Step, In.Newest);
        IsOpen = false;
    }

    /// <summary>Where the time goes.</summary>
    public WorkerClock Clock { get; }

    /// <summary>The run says what the learning rate is: a round that was begun with another one begins anew.</summary>
    public void TakeRate(RateChange change)
    {
        bool isNews = change != _rates.Change;
        _rates.Take(change);
        if (isNews && IsOpen && IsRound && _round!.Last == Step)
            _round.Begin(Ends.Before(Step), Step);
    }

    /// <summary>
    /// Whether what is at hand may be handed in: all replicas have applied the step before. So no parameter shard can
    /// ever be two steps ahead of a replica; and what was handed in last has free memory again.
    /// </summary>
    private bool MayHandIn => In.HaveReplicas(Ends.Before(Step));

    /// <summary>Begins the next step, whose samples need no parameters to be brought in, or round.</summary>
    public void Begin()
    {
        Step = Ends.Next(Step);
        IsOpen = true;
        Clock.Begin();
        if (!IsRound)
            BeginStep();
    }

    private void BeginStep()
    {
        long start = Clock.Now;
        HandedIn = Step;
        Clock.Advance(1);
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
        Clock.Computed(start);
    }

    /// <summary>
    /// Goes on with what was begun: forward as far as parameters are in, or a step of the round.
    /// </summary>
    public WorkerProgress Advance()
    {
        if (!(IsRound ? AdvanceRound() : AdvanceForward()))
            return IsRound && _round!.Last == Step ? WorkerProgress.Works : WorkerProgress.Waits;
        return MayHandIn ? WorkerProgress.IsReady : WorkerProgress.Waits;
    }

    /// <returns>Whether all steps are made.</returns>
    private bool AdvanceRound()
    {
        // What was handed in last is written again from the beginning.
        if (_round!.Last != Step && !(In.HasAll(Ends.Before(Step)) && MayHandIn))
            return false;
        long start = Clock.Now;
        if (_round.Last != Step)
            _round.Begin(Ends.Before(Step), Step);
        if (!_round.IsDone)
        {
            _round.Advance();
            Clock.Advance(1.0 / _round.Groups);
        }
        Clock.Computed(start);
        return _round.IsDone;
    }

    /// <returns>Whether the forward pass is through.</returns>
    private bool AdvanceForward()
    {
        while (_nextStage < _setup.Model.Stages)
        {
            if (!In.Has(_setup.Model.ParametersOf(_nextStage), Ends.Before(Step)))
                return false;
            long start = Clock.Now;
            _engine!.Forward(_nextStage++, Parameters);
            Clock.Computed(start);
        }
        return true;
    }

    /// <summary>Finishes what was begun, and hands it in.</summary>
    /// <param name="route">Where to.</param>
    public void Finish(GradientRoute route)
    {
        if (!IsOpen)
            throw new InvalidOperationException("No step is open.");
        if (IsRound)
        {
            (HandedIn, IsKnownFinite) = (Step, false);
            route.PushRound(this);
        }
        else
        {
            Backward(route);
        }
        IsOpen = false;
        if (!IsRound && Step % _setup.StepsPerEpoch == 0)
            ExpectNext();
    }

    /// <summary>
    /// Computes the loss, goes backward, then hands out the gradient. Within a process pushing earlier only makes a
    /// parameter shard's update compete with the backward pass for the cores: measured, 8 % of a step of a large model.
    /// Between processes the stages' gradients are sent ahead while the pass still runs.
    /// </summary>
    /// <param name="route">Told of each stage whose gradient is out, and after the pass of all.</param>
    private void Backward(GradientRoute route)
    {
        long start = Clock.Now;
        _engine!.Loss(_bounds, _losses, withGradient: true);
        for (int n = 0; n < _nodes.Length; n++)
            _losses.AsSpan(_nodes[n].Node.Start - _firstDataShard, _nodes[n].Node.Count).CopyTo(_nodeLosses[n]);
        IsKnownFinite = true;
        for (int stage = _setup.Model.Stages - 1; stage >= 0; stage--)
        {
            IsKnownFinite &= _engine.Backward(stage, Parameters, _nodes);
            if (_setup.Model.ParametersOf(stage) is { Length: > 0 } parameters)
            {
                _setup.Exchange.Round(_nodes, parameters);
                route.Prepare(this, parameters);
            }
        }
        Clock.Computed(start);
        route.Push(this);
    }

    /// <summary>Evaluates chunks of a data part with the parameters of a step, which are in.</summary>
    public LossSums[] Evaluate(long step, DataPart part, int firstChunk, int count)
    {
        var sums = new LossSums[count];
        _evaluator.Evaluate(_setup.PartOf(part), _setup.Parameters.Of(step), firstChunk, sums);
        return sums;
    }

    /// <summary>
    /// Gives memory and threads back, but for the gradients: a connection may still be sending them, and their memory
    /// is freed with the last reference.
    /// </summary>
    public void Dispose()
    {
        _engine?.Dispose();
        _round?.Dispose();
        _evaluator.Dispose();
    }

    private ReadOnlySpan<float> Parameters => _setup.Parameters.Of(Ends.Before(Step));

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
