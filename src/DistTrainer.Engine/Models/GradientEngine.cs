using System.Numerics.Tensors;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;

namespace DistTrainer.Engine.Models;

/// <summary>
/// The engine of a <see cref="Network"/>, whose stages are its modules, member after member. It holds the activations
/// of the rows of all data shards that a worker owns, and goes through them layer by layer.
/// Not thread-safe; nothing is allocated after construction, but for a batch of features with the first one of a source
/// that is not in memory.
/// </summary>
internal sealed class GradientEngine : IGradientEngine
{
    private readonly Network _network;
    private readonly int _maximumRows;
    private readonly double _begin;
    private readonly ComputeTeam _team;
    private readonly AlignedBuffer[] _activations;
    private readonly AlignedBuffer[] _gradients;
    private readonly AlignedBuffer[] _outputGradients;
    private readonly AlignedBuffer _mean;
    private readonly AlignedBuffer _scratch;
    private readonly AlignedBuffer[] _saved;
    private readonly float[] _targets;
    private readonly float[] _weights;
    private readonly int[] _samples;
    private float[] _features = [];
    private LossSums[] _memberSums = [];
    private int _rows;
    private int _targetWidth;
    private bool _isWeighted;
    private bool _training;
    private long _step;
    private ulong _seed;

    /// <summary>Reserves memory for batches of up to <paramref name="maximumRows"/> rows.</summary>
    /// <param name="network">The network; shared, not changed.</param>
    /// <param name="maximumRows">Most rows of one batch, ≥ 1.</param>
    /// <param name="targetWidth">Targets a sample, ≥ 1.</param>
    /// <param name="threads">Threads that share each product, the calling one included; ≥ 1.</param>
    /// <param name="forTraining">Whether gradients will be asked for; evaluation alone needs less memory.</param>
    /// <param name="begin">Where among a layer's outputs to begin, as a share of them, 0 ≤ begin &lt; 1.</param>
    public GradientEngine(
        Network network, int maximumRows, int targetWidth, int threads = 1, bool forTraining = true, double begin = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(targetWidth, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(begin);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(begin, 1);
        (_network, _maximumRows, _begin) = (network, maximumRows, begin);
        _team = new ComputeTeam(threads, "compute");
        _activations = new AlignedBuffer[network.Layers.Count + 1];
        _activations[0] = new AlignedBuffer(ActivationPanels.LengthFor(network.Inputs, maximumRows));
        int widest = network.Outputs, scratch = 0;
        foreach (NetworkLayer layer in network.Layers)
        {
            _activations[layer.Index + 1] = new AlignedBuffer(
                ActivationPanels.LengthFor(layer.Layer.Outputs, maximumRows));
            widest = Math.Max(widest, layer.Layer.Outputs);
            scratch = Math.Max(scratch, layer.Layer.ScratchLength(maximumRows));
        }
        int gradientLength = forTraining ? ActivationPanels.LengthFor(widest, maximumRows) : 0;
        _gradients = [new AlignedBuffer(gradientLength), new AlignedBuffer(gradientLength)];
        // The backward pass begins with the last member; what the others' losses gave waits meanwhile.
        int outputLength = ActivationPanels.LengthFor(network.Outputs, maximumRows);
        _outputGradients = new AlignedBuffer[network.Members - 1];
        for (int member = 0; member < _outputGradients.Length; member++)
            _outputGradients[member] = new AlignedBuffer(forTraining ? outputLength : 0);
        _mean = new AlignedBuffer(network.Members > 1 ? outputLength : 0);
        _scratch = new AlignedBuffer(scratch);
        _saved = [.. network.Layers.Select(layer => new AlignedBuffer(layer.Layer.SavedLength(maximumRows)))];
        _targets = new float[maximumRows * targetWidth];
        _weights = new float[maximumRows];
        _samples = new int[maximumRows];
    }

    /// <summary>Rows of the batch that is loaded.</summary>
    public int Rows => _rows;

    /// <inheritdoc/>
    public void Load(ISampleSource data, ReadOnlySpan<int> samples, bool training, long step, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples.Length, _maximumRows);
        samples.CopyTo(_samples);
        (_rows, _targetWidth, _training, _step, _seed) = (samples.Length, data.TargetWidth, training, step, seed);
        _isWeighted = data.HasWeights;
        if (_isWeighted)
            data.ReadWeights(samples, _weights.AsSpan(0, _rows));
        Span<float> targets = _targets.AsSpan(0, _rows * _targetWidth);
        if (data is DataSet inMemory)
        {
            SampleGather.Run(inMemory, samples, Features);
            data.Read(samples, default, targets);
            return;
        }
        if (_features.Length == 0)
            _features = GC.AllocateUninitializedArray<float>(checked(_maximumRows * _network.Inputs));
        Span<float> features = _features.AsSpan(0, _rows * _network.Inputs);
        data.Read(samples, features, targets);
        SampleGather.Run(features, Features);
    }

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<float> features)
    {
        _rows = features.Length / _network.Inputs;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_rows, _maximumRows, nameof(features));
        _training = false;
        SampleGather.Run(features, Features);
    }

    /// <inheritdoc/>
    public void Forward(int stage, ReadOnlySpan<float> parameters)
    {
        NetworkLayer module = _network.Layers[stage];
        ReadOnlySpan<float> own = parameters.Slice(module.Offset, module.Length);
        module.Layer.Forward(Context(stage), own, Input(module), Output(module));
    }

    /// <summary>Runs all layers forward.</summary>
    /// <param name="parameters">All parameters, flat.</param>
    public void Forward(ReadOnlySpan<float> parameters)
    {
        for (int layer = 0; layer < _network.Layers.Count; layer++)
            Forward(layer, parameters);
    }

    /// <summary>
    /// Computes the loss of each data shard: with gradient the mean over the members of their own losses and scores,
    /// without that of the mean of their outputs.
    /// </summary>
    /// <inheritdoc/>
    public void Loss(ReadOnlySpan<int> dataShardBounds, Span<LossSums> sums, bool withGradient)
    {
        if (!withGradient)
        {
            _network.Loss.Evaluate(MeanOutput(), Targets, Weights, dataShardBounds, default, sums);
            return;
        }
        EvaluateMember(0, dataShardBounds, sums);
        if (_network.Members == 1)
            return;
        if (_memberSums.Length < sums.Length)
            _memberSums = new LossSums[sums.Length];
        Span<LossSums> own = _memberSums.AsSpan(0, sums.Length);
        for (int member = 1; member < _network.Members; member++)
        {
            EvaluateMember(member, dataShardBounds, own);
            for (int shard = 0; shard < sums.Length; shard++)
                sums[shard] += own[shard];
        }
        foreach (ref LossSums sum in sums)
            sum = sum.MeanOf(_network.Members);
    }

    /// <summary>
    /// Runs one layer backward: first towards its inputs, so that its parameters are free when its gradient is out.
    /// </summary>
    /// <inheritdoc/>
    public bool Backward(int stage, ReadOnlySpan<float> parameters, ReadOnlySpan<GradientNode> nodes)
    {
        NetworkLayer module = _network.Layers[stage];
        LayerContext context = Context(stage);
        ActivationPanels outputGradient = OutputGradient(module);
        if (module.Module > 0)
        {
            ReadOnlySpan<float> own = parameters.Slice(module.Offset, module.Length);
            module.Layer.BackwardInput(
                context, own, Input(module), Output(module), outputGradient,
                OutputGradient(_network.Layers[stage - 1]));
        }
        bool isFinite = true;
        if (module.Length == 0)
            return isFinite;
        foreach (GradientNode node in nodes)
        {
            Span<float> gradient = node.Gradient.Span.Slice(module.Offset, module.Length);
            isFinite &= module.Layer.BackwardParameters(
                context, Input(module), outputGradient, node.Bounds, gradient);
        }
        return isFinite;
    }

    /// <inheritdoc/>
    public void Predict(Span<float> predictions) => _network.Loss.Predict(MeanOutput(), predictions);

    /// <summary>Of a layer with parameters, with the activation behind it.</summary>
    /// <inheritdoc/>
    public SignalProbe.LayerSignal? SignalOf(int stage)
    {
        NetworkLayer module = _network.Layers[stage];
        if (module.Length == 0)
            return null;
        NetworkLayer end = module;
        while (end.Module < _network.Modules - 1 && _network.Layers[end.Index + 1].Length == 0)
            end = _network.Layers[end.Index + 1];
        return new SignalProbe.LayerSignal(
            module.Title, SignalProbe.Deviation(Output(end)), SignalProbe.Deviation(OutputGradient(module)));
    }

    /// <summary>The features, which go into every member.</summary>
    public ActivationPanels Features => new(_activations[0].Span, _network.Inputs, _rows);

    /// <summary>What goes into a layer.</summary>
    public ActivationPanels Input(NetworkLayer layer) =>
        layer.Module > 0 ? Output(_network.Layers[layer.Index - 1]) : Features;

    /// <summary>What a layer gave.</summary>
    public ActivationPanels Output(NetworkLayer layer) =>
        new(_activations[layer.Index + 1].Span, layer.Layer.Outputs, _rows);

    /// <summary>
    /// The gradient with respect to what a layer gave; a member's last layer's from the loss on, another's until the
    /// backward pass is two layers on.
    /// </summary>
    public ActivationPanels OutputGradient(NetworkLayer layer)
    {
        int member = layer.Index / _network.Modules;
        AlignedBuffer buffer = layer.Module == _network.Modules - 1 && member < _outputGradients.Length
            ? _outputGradients[member] : _gradients[(layer.Module + 1) & 1];
        return new ActivationPanels(buffer.Span, layer.Layer.Outputs, _rows);
    }

    /// <summary>
    /// The network's outputs: the mean of the members', added in their order and divided by their number.
    /// </summary>
    public ActivationPanels MeanOutput()
    {
        ActivationPanels first = Output(_network.LastOf(0));
        if (_network.Members == 1)
            return first;
        var mean = new ActivationPanels(_mean.Span, first.Features, _rows);
        first.Values.CopyTo(mean.Values);
        for (int member = 1; member < _network.Members; member++)
            TensorPrimitives.Add(mean.Values, Output(_network.LastOf(member)).Values, mean.Values);
        TensorPrimitives.Divide(mean.Values, (float)_network.Members, mean.Values);
        return mean;
    }

    /// <summary>Gives all memory and threads back.</summary>
    public void Dispose()
    {
        foreach (AlignedBuffer buffer in _activations)
            buffer.Dispose();
        foreach (AlignedBuffer buffer in _gradients)
            buffer.Dispose();
        foreach (AlignedBuffer buffer in _outputGradients)
            buffer.Dispose();
        foreach (AlignedBuffer buffer in _saved)
            buffer.Dispose();
        _mean.Dispose();
        _scratch.Dispose();
        _team.Dispose();
    }

    private ReadOnlySpan<float> Weights => _isWeighted ? _weights.AsSpan(0, _rows) : default;

    private ReadOnlySpan<float> Targets => _targets.AsSpan(0, _rows * _targetWidth);

    private void EvaluateMember(int member, ReadOnlySpan<int> dataShardBounds, Span<LossSums> sums)
    {
        NetworkLayer last = _network.LastOf(member);
        _network.Loss.Evaluate(Output(last), Targets, Weights, dataShardBounds, OutputGradient(last), sums);
    }

    private LayerContext Context(int layer) => new()
    {
        Training = _training,
        Step = _step,
        Seed = _seed,
        Samples = _samples.AsSpan(0, _rows),
        Scratch = _scratch.Span,
        Saved = _saved[layer].Span,
        Team = _team,
        Begin = _begin,
    };
}

/// <summary>The gradient sum of one complete subtree of data shards.</summary>
/// <param name="Node">Which data shards.</param>
/// <param name="Gradient">All parameters' gradient, flat.</param>
public sealed record GradientNode(TreeNode Node, AlignedBuffer Gradient)
{
    /// <summary>
    /// First rows, in the worker's batch, of the node's data shards, and the end of the last; set anew for each step.
    /// </summary>
    public int[] Bounds { get; } = new int[Node.Count + 1];
}
