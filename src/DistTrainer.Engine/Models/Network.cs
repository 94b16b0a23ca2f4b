using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Models;

/// <summary>One module in the sequence and its part of the flat parameter vector.</summary>
/// <param name="Index">Place in the sequence; first part of its tensors' names.</param>
/// <param name="Layer">The module.</param>
/// <param name="Offset">Where its parameters begin in the flat vector.</param>
/// <param name="Length">How many they are; 0 for a module without parameters.</param>
internal sealed record NetworkLayer(int Index, ILayer Layer, int Offset, int Length)
{
    /// <summary>Index one past the last parameter.</summary>
    public int End => Offset + Length;

    /// <summary>What a log calls it, e.g. <c>0 dense 784→128</c>.</summary>
    public string Title => $"{Index} {Layer.Name} {Layer.Inputs}→{Layer.Outputs}";
}

/// <summary>
/// A sequence of modules, a loss and the layout of all parameters. Modules are numbered as in PyTorch's
/// <c>Sequential</c>: an activation and a dropout count, so that <c>load_state_dict</c> takes the tensors as they are
/// named. Immutable: the parameters are handed in.
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
                throw new ArgumentException(
                    $"Layer {i} takes {layers[i].Inputs} features, but layer {i - 1} gives {layers[i - 1].Outputs}.",
                    nameof(layers));
            int start = offset;
            foreach (ParameterRequest request in layers[i].Parameters)
            {
                var tensor = new ParameterTensor($"{i}.{request.Suffix}", request.Kind, i, request.Shape, offset)
                {
                    Momentum = request.Momentum,
                };
                tensors.Add(tensor);
                offset = tensor.End;
            }
            placed.Add(new NetworkLayer(i, layers[i], start, offset - start));
        }
        (Layers, Loss, Layout) = (placed, loss, new ParameterLayout(tensors));
    }

    /// <summary>The modules from inputs to outputs.</summary>
    internal IReadOnlyList<NetworkLayer> Layers { get; }

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
            throw new DistTrainerException(
                FailureKind.Configuration,
                "model.layers is empty; give at least one layer, e.g. { activation = identity }.");
        var layers = new List<ILayer>();
        Shape shape = Shape.Flat(inputs);
        for (int i = 0; i < model.Layers.Count; i++)
        {
            LayerDescription description = model.Layers[i];
            string section = $"model.layers[{i}]";
            bool last = i == model.Layers.Count - 1;
            if (last && description.Units is { } given && given != outputs)
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{section}.units is {given}, but the data have {outputs} outputs; leave units out of the last "
                    + $"layer or set {outputs}.");
            LayerPart part = PluginRegistry.Shared.Layers[description.Kind];
            int? units = description.Units ?? (last ? outputs : null);
            if (units is null && part.NeedsUnits)
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{section}.units is missing; only the last layer takes its units from the data.");
            ActivationPart activation = PluginRegistry.Shared.Activations[description.Activation];
            Part.Check([part, activation], description.Settings, section);
            ILayer layer = part.Create(new LayerSite(shape, units, description), description.Settings);
            RequireFit(layer, part, section, shape.Features, units ?? layer.Outputs);
            layers.Add(layer);
            shape = layer.OutputShape;
            if (!activation.IsIdentity)
            {
                layers.Add(activation.Create(shape.Features, description.Settings));
                RequireFit(layers[^1], activation, section, shape.Features, shape.Features);
            }
            if (description.Dropout > 0)
                layers.Add(new DropoutLayer(description.Dropout, shape.Features, layers.Count));
        }
        return new Network(layers, model.Loss.Create());
    }

    private static void RequireFit(ILayer made, Part part, string section, int takes, int gives)
    {
        if (made.Inputs != takes || made.Outputs != gives || made.OutputShape.Features != gives)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"{section}: the {(part.Plugin is null ? "part" : "plug-in's")} {part.Name} takes {made.Inputs} "
                + $"features and gives {made.Outputs} (as {made.OutputShape}); here it must take {takes} and give "
                + $"{gives}: change units, or the part.");
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
                Initializer.Fill(
                    request.Initializer, seed, (ulong)index, request.Shape, request.FanIn, request.FanOut,
                    parameters.AsSpan(tensor.Offset, tensor.Length));
                index++;
            }
        }
        return parameters;
    }
}
