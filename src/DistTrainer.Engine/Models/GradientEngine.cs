using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;

namespace DistTrainer.Engine.Models;

/// <summary>
/// The engine of a <see cref="Network"/>, whose stages are its modules. It holds the activations of the rows of all
/// data shards that a worker owns, and goes through them layer by layer.
/// Not thread-safe; nothing is allocated after construction, but for a batch of features with the first one of a source
/// that is not in memory.
/// </summary>
internal sealed class GradientEngine : IGradientEngine
{
    private readonly Network _network;
    private readonly int _maximumRows;
    private readonly ComputeTeam _team;
    private readonly AlignedBuffer[] _activations;
    private readonly AlignedBuffer[] _gradients;
    private readonly AlignedBuffer _scratch;
    private readonly AlignedBuffer[] _saved;
    private readonly float[] _targets;
    private readonly int[] _samples;
    private float[] _features = [];
    private int _rows;
    private int _targetWidth;
    private bool _training;
    private long _step;
    private ulong _seed;

    /// <summary>Reserves memory for batches of up to <paramref name="maximumRows"/> rows.</summary>
    /// <param name="network">The network; shared, not changed.</param>
    /// <param name="maximumRows">Most rows of one batch, ≥ 1.</param>
    /// <param name="targetWidth">Targets a sample, ≥ 1.</param>
    /// <param name="threads">Threads that share each product, the calling one included; ≥ 1.</param>
    /// <param name="forTraining">Whether gradients will be asked for; evaluation alone needs less memory.</param>
    public GradientEngine(Network network, int maximumRows, int targetWidth, int threads = 1, bool forTraining = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(targetWidth, 1);
        (_network, _maximumRows) = (network, maximumRows);
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
        _scratch = new AlignedBuffer(scratch);
        _saved = [.. network.Layers.Select(layer => new AlignedBuffer(layer.Layer.SavedLength(maximumRows)))];
        _targets = new float[maximumRows * targetWidth];
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
        Span<float> targets = _targets.AsSpan(0, _rows * _targetWidth);
        if (data is DataSet inMemory)
        {
            SampleGather.Run(inMemory, samples, Activation(0));
            data.Read(samples, default, targets);
            return;
        }
        if (_features.Length == 0)
            _features = GC.AllocateUninitializedArray<float>(checked(_maximumRows * _network.Inputs));
        Span<float> features = _features.AsSpan(0, _rows * _network.Inputs);
        data.Read(samples, features, targets);
        SampleGather.Run(features, Activation(0));
    }

    /// <inheritdoc/>
    public void Load(ReadOnlySpan<float> features)
    {
        _rows = features.Length / _network.Inputs;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_rows, _maximumRows, nameof(features));
        _training = false;
        SampleGather.Run(features, Activation(0));
    }

    /// <inheritdoc/>
    public void Forward(int stage, ReadOnlySpan<float> parameters)
    {
        NetworkLayer module = _network.Layers[stage];
        ReadOnlySpan<float> own = parameters.Slice(module.Offset, module.Length);
        module.Layer.Forward(Context(stage), own, Activation(stage), Activation(stage + 1));
    }

    /// <summary>Runs all layers forward.</summary>
    /// <param name="parameters">All parameters, flat.</param>
    public void Forward(ReadOnlySpan<float> parameters)
    {
        for (int layer = 0; layer < _network.Layers.Count; layer++)
            Forward(layer, parameters);
    }

    /// <inheritdoc/>
    public void Loss(ReadOnlySpan<int> dataShardBounds, Span<LossSums> sums, bool withGradient)
    {
        ActivationPanels gradient = withGradient ? Gradient(_network.Layers.Count) : default;
        _network.Loss.Evaluate(
            Activation(_network.Layers.Count), _targets.AsSpan(0, _rows * _targetWidth),
            dataShardBounds, gradient, sums);
    }

    /// <summary>
    /// Runs one layer backward: first towards its inputs, so that its parameters are free when its gradient is out.
    /// </summary>
    /// <inheritdoc/>
    public bool Backward(int stage, ReadOnlySpan<float> parameters, ReadOnlySpan<GradientNode> nodes)
    {
        NetworkLayer module = _network.Layers[stage];
        LayerContext context = Context(stage);
        ActivationPanels outputGradient = Gradient(stage + 1);
        if (stage > 0)
        {
            ReadOnlySpan<float> own = parameters.Slice(module.Offset, module.Length);
            module.Layer.BackwardInput(
                context, own, Activation(stage), Activation(stage + 1), outputGradient, Gradient(stage));
        }
        bool isFinite = true;
        if (module.Length == 0)
            return isFinite;
        foreach (GradientNode node in nodes)
        {
            Span<float> gradient = node.Gradient.Span.Slice(module.Offset, module.Length);
            isFinite &= module.Layer.BackwardParameters(
                context, Activation(stage), outputGradient, node.Bounds, gradient);
        }
        return isFinite;
    }

    /// <inheritdoc/>
    public void Predict(Span<float> predictions) =>
        _network.Loss.Predict(Activation(_network.Layers.Count), predictions);

    /// <summary>Of a layer with parameters, with the activation behind it.</summary>
    /// <inheritdoc/>
    public SignalProbe.LayerSignal? SignalOf(int stage)
    {
        if (_network.Layers[stage].Length == 0)
            return null;
        int end = stage + 1;
        while (end < _network.Layers.Count && _network.Layers[end].Length == 0)
            end++;
        return new SignalProbe.LayerSignal(
            _network.Layers[stage].Title,
            SignalProbe.Deviation(Activation(end)),
            SignalProbe.Deviation(Gradient(stage + 1)));
    }

    /// <summary>The activations that go into a layer; index one past the last layer: the network's outputs.</summary>
    public ActivationPanels Activation(int layer) =>
        new(_activations[layer].Span, layer == 0 ? _network.Inputs : _network.Layers[layer - 1].Layer.Outputs, _rows);

    /// <summary>
    /// The gradient with respect to what goes into a layer; valid until the backward pass is two layers on.
    /// </summary>
    public ActivationPanels Gradient(int layer) =>
        new(_gradients[layer & 1].Span, layer == 0 ? _network.Inputs : _network.Layers[layer - 1].Layer.Outputs, _rows);

    /// <summary>Gives all memory and threads back.</summary>
    public void Dispose()
    {
        foreach (AlignedBuffer buffer in _activations)
            buffer.Dispose();
        foreach (AlignedBuffer buffer in _gradients)
            buffer.Dispose();
        foreach (AlignedBuffer buffer in _saved)
            buffer.Dispose();
        _scratch.Dispose();
        _team.Dispose();
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
