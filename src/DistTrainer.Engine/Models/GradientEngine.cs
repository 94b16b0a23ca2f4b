namespace DistTrainer.Engine;

/// <summary>
/// The local engine of one worker: (parameters, mini-batch) → gradient sum, loss sum. It holds the activations of the
/// rows of all data shards that the worker owns, and goes through them layer by layer, so that a caller can start with a
/// layer as soon as its parameters are in, and push a layer's gradient while earlier layers are still computed.
/// Not thread-safe; nothing is allocated after construction.
/// </summary>
public sealed class GradientEngine : IDisposable
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
            _activations[layer.Index + 1] = new AlignedBuffer(ActivationPanels.LengthFor(layer.Layer.Outputs, maximumRows));
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

    /// <summary>Takes in a batch.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="samples">Their numbers, at most as many as the engine was made for.</param>
    /// <param name="training">Whether dropout acts.</param>
    /// <param name="step">The step, counted from 1.</param>
    /// <param name="seed">The job's seed.</param>
    public void Load(DataSet data, ReadOnlySpan<int> samples, bool training, long step, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples.Length, _maximumRows);
        samples.CopyTo(_samples);
        (_rows, _targetWidth, _training, _step, _seed) = (samples.Length, data.TargetWidth, training, step, seed);
        SampleGather.Run(data, samples, Activation(0));
        for (int row = 0; row < samples.Length; row++)
            data.TargetsOf(samples[row]).CopyTo(_targets.AsSpan(row * _targetWidth));
    }

    /// <summary>Takes in rows without targets, for prediction.</summary>
    /// <param name="features">[rows, inputs] row-major.</param>
    public void Load(ReadOnlySpan<float> features)
    {
        _rows = features.Length / _network.Inputs;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_rows, _maximumRows, nameof(features));
        _training = false;
        ActivationPanels input = Activation(0);
        for (int row = 0; row < _rows; row++)
        {
            for (int feature = 0; feature < _network.Inputs; feature++)
                input[row, feature] = features[(row * _network.Inputs) + feature];
        }
    }

    /// <summary>Runs one layer forward; the layers before it have been run.</summary>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="parameters">All parameters, flat; only this layer's are read.</param>
    public void Forward(int layer, ReadOnlySpan<float> parameters)
    {
        NetworkLayer module = _network.Layers[layer];
        module.Layer.Forward(Context(layer), parameters.Slice(module.Offset, module.Length), Activation(layer), Activation(layer + 1));
    }

    /// <summary>Runs all layers forward.</summary>
    /// <param name="parameters">All parameters, flat.</param>
    public void Forward(ReadOnlySpan<float> parameters)
    {
        for (int layer = 0; layer < _network.Layers.Count; layer++)
            Forward(layer, parameters);
    }

    /// <summary>Computes the loss of each data shard, and the gradient with respect to the outputs for the backward pass.</summary>
    /// <param name="dataShardBounds">First rows of the data shards, and the end of the last.</param>
    /// <param name="sums">One entry a data shard; overwritten.</param>
    /// <param name="withGradient">Whether a backward pass follows.</param>
    public void Loss(ReadOnlySpan<int> dataShardBounds, Span<LossSums> sums, bool withGradient)
    {
        ActivationPanels gradient = withGradient ? Gradient(_network.Layers.Count) : default;
        _network.Loss.Evaluate(Activation(_network.Layers.Count), _targets.AsSpan(0, _rows * _targetWidth), dataShardBounds, gradient, sums);
    }

    /// <summary>Runs one layer backward: first towards its inputs, so that its parameters are free when its gradient is out.</summary>
    /// <param name="layer">Index of the layer; the layers behind it have been run backward.</param>
    /// <param name="parameters">All parameters, flat, as in the forward pass.</param>
    /// <param name="nodes">For each complete subtree of data shards that the rows belong to: its flat gradient, of which this layer's part is overwritten, and the bounds of its data shards.</param>
    /// <returns>Whether the layer's part of every node's gradient is known to be finite.</returns>
    public bool Backward(int layer, ReadOnlySpan<float> parameters, ReadOnlySpan<GradientNode> nodes)
    {
        NetworkLayer module = _network.Layers[layer];
        LayerContext context = Context(layer);
        ActivationPanels outputGradient = Gradient(layer + 1);
        if (layer > 0)
        {
            module.Layer.BackwardInput(
                context, parameters.Slice(module.Offset, module.Length), Activation(layer), Activation(layer + 1), outputGradient, Gradient(layer));
        }
        bool isFinite = true;
        if (module.Length == 0)
            return isFinite;
        foreach (GradientNode node in nodes)
            isFinite &= module.Layer.BackwardParameters(context, Activation(layer), outputGradient, node.Bounds, node.Gradient.Span.Slice(module.Offset, module.Length));
        return isFinite;
    }

    /// <summary>The activations that go into a layer; index one past the last layer: the network's outputs.</summary>
    public ActivationPanels Activation(int layer) =>
        new(_activations[layer].Span, layer == 0 ? _network.Inputs : _network.Layers[layer - 1].Layer.Outputs, _rows);

    /// <summary>The gradient with respect to what goes into a layer; valid until the backward pass is two layers on.</summary>
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
    /// <summary>First rows, in the worker's batch, of the node's data shards, and the end of the last; set anew for each step.</summary>
    public int[] Bounds { get; } = new int[Node.Count + 1];
}
