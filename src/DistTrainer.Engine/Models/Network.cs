namespace DistTrainer.Engine;

/// <summary>One module in the sequence and its part of the flat parameter vector.</summary>
/// <param name="Index">Place in the sequence; first part of its tensors' names.</param>
/// <param name="Layer">The module.</param>
/// <param name="Offset">Where its parameters begin in the flat vector.</param>
/// <param name="Length">How many they are; 0 for a module without parameters.</param>
public sealed record NetworkLayer(int Index, ILayer Layer, int Offset, int Length)
{
    /// <summary>Index one past the last parameter.</summary>
    public int End => Offset + Length;

    /// <summary>What a log calls it, e.g. <c>0 dense 784→128</c>.</summary>
    public string Title => $"{Index} {Layer.Name} {Layer.Inputs}→{Layer.Outputs}";
}

/// <summary>
/// A sequence of modules, a loss and the layout of all parameters. Modules are numbered as in PyTorch's
/// <c>Sequential</c>: an activation and a dropout count, so that <c>load_state_dict</c> takes the tensors as they are named.
/// Immutable: the parameters are handed in.
/// </summary>
public sealed class Network : IModel
{
    /// <summary>Puts modules in a row.</summary>
    /// <param name="layers">At least one; each takes what the one before gives.</param>
    /// <param name="loss">What is minimized.</param>
    /// <exception cref="ArgumentException">There is no layer, or two neighbours do not fit.</exception>
    public Network(IReadOnlyList<ILayer> layers, ILoss loss)
    {
        if (layers.Count == 0)
            throw new ArgumentException("A network needs at least one layer.", nameof(layers));
        var placed = new List<NetworkLayer>();
        var tensors = new List<ParameterTensor>();
        int offset = 0;
        for (int i = 0; i < layers.Count; i++)
        {
            if (i > 0 && layers[i].Inputs != layers[i - 1].Outputs)
                throw new ArgumentException($"Layer {i} takes {layers[i].Inputs} features, but layer {i - 1} gives {layers[i - 1].Outputs}.", nameof(layers));
            int start = offset;
            foreach (ParameterRequest request in layers[i].Parameters)
            {
                var tensor = new ParameterTensor($"{i}.{request.Suffix}", request.Kind, i, request.Shape, offset);
                tensors.Add(tensor);
                offset = tensor.End;
            }
            placed.Add(new NetworkLayer(i, layers[i], start, offset - start));
        }
        (Layers, Loss, Layout) = (placed, loss, new ParameterLayout(tensors));
    }

    /// <summary>The modules from inputs to outputs.</summary>
    public IReadOnlyList<NetworkLayer> Layers { get; }

    /// <summary>What is minimized.</summary>
    public ILoss Loss { get; }

    /// <summary>Which tensor lies where in the flat vector.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>Features in.</summary>
    public int Inputs => Layers[0].Layer.Inputs;

    /// <summary>Values out, before softmax or sigmoid.</summary>
    public int Outputs => Layers[^1].Layer.Outputs;

    /// <summary>Empty: the job, the plug-ins and the version say it all.</summary>
    public string Identity => "";

    /// <summary>One a module.</summary>
    public int Stages => Layers.Count;

    /// <inheritdoc/>
    public ParameterSlice ParametersOf(int stage) => new(Layers[stage].Offset, Layers[stage].Length);

    /// <inheritdoc/>
    public IGradientEngine CreateEngine(int maximumRows, int targetWidth, int threads, bool forTraining) =>
        new GradientEngine(this, maximumRows, targetWidth, threads, forTraining);

    /// <summary>Builds the network that a job describes: the same text gives the same network on every node.</summary>
    /// <param name="model">Layers and loss.</param>
    /// <param name="inputs">Features of a sample, ≥ 1.</param>
    /// <param name="outputs">Outputs that the data ask for, ≥ 1.</param>
    /// <exception cref="DistTrainerException">The layers do not fit the data.</exception>
    public static Network Create(ModelDescription model, int inputs, int outputs)
    {
        if (model.Layers.Count == 0)
            throw new DistTrainerException(FailureKind.Configuration, "model.layers is empty; give at least one layer, e.g. { activation = identity }.");
        var layers = new List<ILayer>();
        int features = inputs;
        for (int i = 0; i < model.Layers.Count; i++)
        {
            LayerDescription description = model.Layers[i];
            bool last = i == model.Layers.Count - 1;
            int units = description.Units ?? (last ? outputs
                : description.Plugin is not null ? features
                : throw new DistTrainerException(FailureKind.Configuration, $"model.layers[{i}].units is missing; only the last layer takes its units from the data."));
            if (last && units != outputs)
                throw new DistTrainerException(FailureKind.Configuration, $"model.layers[{i}].units is {units}, but the data have {outputs} outputs; leave units out of the last layer or set {outputs}.");
            if (description.Plugin is null)
                layers.Add(new DenseLayer(features, units, description.Bias, description.WeightInitializer, description.BiasInitializer));
            if (description.Plugin is not null || description.PluginActivation is not null)
                layers.AddRange(PluginLayers(description, $"model.layers[{i}]", features, units));
            else if (description.Activation != ActivationKind.Identity)
                layers.Add(new ActivationLayer(description.Activation, units, description.LeakySlope));
            if (description.Dropout > 0)
                layers.Add(new DropoutLayer(description.Dropout, units, layers.Count));
            features = units;
        }
        return new Network(layers, Losses.Create(model.Loss));
    }

    /// <summary>The modules of a section that names a plug-in's layer or activation, without dropout; a dense layer is there already.</summary>
    private static IEnumerable<ILayer> PluginLayers(LayerDescription description, string section, int inputs, int units)
    {
        var settings = new PluginSettings($"{section}.settings", description.Settings);
        if (description.Plugin is { } layer)
            yield return Checked(PluginRegistry.Shared.Find<LayerFactory>(PluginPart.Layer, layer, section)(inputs, units, description, settings), layer, inputs, units);
        if (description.PluginActivation is { } activation)
            yield return Checked(PluginRegistry.Shared.Find<ActivationFactory>(PluginPart.Activation, activation, section)(units, settings), activation, units, units);
        else if (description.Activation != ActivationKind.Identity)
            yield return new ActivationLayer(description.Activation, units, description.LeakySlope);
        settings.RequireAllAsked();

        ILayer Checked(ILayer made, string name, int takes, int gives) => made.Inputs == takes && made.Outputs == gives
            ? made
            : throw new DistTrainerException(FailureKind.Configuration, $"{section}: the plug-in's {name} takes {made.Inputs} features and gives {made.Outputs}; here it must take {takes} and give {gives}: change units, or the plug-in.");
    }

    /// <summary>First values of all parameters: a pure function of the network and the seed.</summary>
    /// <param name="seed">The job's seed.</param>
    public float[] InitialParameters(ulong seed)
    {
        float[] parameters = new float[Layout.Length];
        int index = 0;
        foreach (NetworkLayer layer in Layers)
        {
            foreach (ParameterRequest request in layer.Layer.Parameters)
            {
                ParameterTensor tensor = Layout.Tensors[index];
                Initializers.Fill(
                    request.Initializer, seed, (ulong)index, request.Shape, request.FanIn, request.FanOut,
                    parameters.AsSpan(tensor.Offset, tensor.Length));
                index++;
            }
        }
        return parameters;
    }
}
