using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Models;

/// <summary>One module of a member and its part of the flat parameter vector.</summary>
/// <param name="Index">The stage: place among the modules of all members.</param>
/// <param name="Module">Place in the member's sequence.</param>
/// <param name="Name">First part of its tensors' names: <c>0</c>, or <c>members.1.0</c>.</param>
/// <param name="Layer">The module.</param>
/// <param name="Offset">Where its parameters begin in the flat vector.</param>
/// <param name="Length">How many they are; 0 for a module without parameters.</param>
internal sealed record NetworkLayer(int Index, int Module, string Name, ILayer Layer, int Offset, int Length)
{
    /// <summary>Index one past the last parameter.</summary>
    public int End => Offset + Length;

    /// <summary>What a log calls it, e.g. <c>0 dense 784→128</c>.</summary>
    public string Title => $"{Name} {Layer.Name} {Layer.Inputs}→{Layer.Outputs}";
}

/// <summary>
/// A sequence of modules, a loss and the layout of all parameters. Modules are numbered as in PyTorch's
/// <c>Sequential</c>: an activation and a dropout count, so that <c>load_state_dict</c> takes the tensors as they are
/// named. There may be several such sequences, the members: each is trained on its own loss, and the mean of their
/// outputs, before softmax or sigmoid, is what is predicted and evaluated. Immutable: the parameters are handed in.
/// </summary>
public sealed class Network : IModel
{
    /// <summary>Puts modules in a row.</summary>
    /// <param name="layers">At least one; each takes what the one before gives.</param>
    /// <param name="loss">What is minimized.</param>
    /// <exception cref="ArgumentException">There is no layer, or two neighbours do not fit.</exception>
    public Network(IReadOnlyList<ILayer> layers, ILoss loss)
        : this([layers], loss)
    {
    }

    /// <summary>Puts members side by side.</summary>
    /// <param name="members">At least one; each has as many modules as the others, and takes and gives as many
    /// features.</param>
    /// <param name="loss">What is minimized.</param>
    /// <exception cref="ArgumentException">There is no member or layer, two neighbours do not fit, or two members are
    /// not alike.</exception>
    internal Network(IReadOnlyList<IReadOnlyList<ILayer>> members, ILoss loss)
    {
        if (members.Count == 0 || members[0].Count == 0)
            throw new ArgumentException("A network needs at least one layer.", nameof(members));
        var placed = new List<NetworkLayer>();
        var tensors = new List<ParameterTensor>();
        for (int member = 0; member < members.Count; member++)
        {
            IReadOnlyList<ILayer> layers = members[member];
            RequireLike(member, layers, members[0]);
            string prefix = members.Count == 1 ? "" : $"members.{member}.";
            for (int i = 0; i < layers.Count; i++)
                Place(i, $"{prefix}{i}", layers, placed, tensors);
        }
        (Layers, Loss, Layout) = (placed, loss, new ParameterLayout(tensors));
        (Members, Modules) = (members.Count, members[0].Count);
    }

    /// <summary>The modules from inputs to outputs, member after member.</summary>
    internal IReadOnlyList<NetworkLayer> Layers { get; }

    /// <summary>Number of members, ≥ 1.</summary>
    public int Members { get; }

    /// <summary>Number of modules of a member, ≥ 1.</summary>
    internal int Modules { get; }

    /// <summary>A member's last module.</summary>
    internal NetworkLayer LastOf(int member) => Layers[((member + 1) * Modules) - 1];

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
    public IGradientEngine CreateEngine(
        int maximumRows, int targetWidth, int threads, bool forTraining, double begin = 0) =>
        new GradientEngine(this, maximumRows, targetWidth, threads, forTraining, begin);

    /// <summary>Builds the network that a job describes: the same text gives the same network on every node.</summary>
    /// <param name="model">Layers and loss.</param>
    /// <param name="inputs">Features of a sample, ≥ 1.</param>
    /// <param name="outputs">Outputs that the data ask for, ≥ 1.</param>
    /// <param name="embedded">The columns that are embedded: the last of the features, each a category's number. Before
    /// the job's layers stands then one that puts a column's vector, which is learned, in the place of the number. None
    /// or null: all features are taken as they are.</param>
    /// <exception cref="ArgumentException">An embedded column is out of its range, or two have one name.</exception>
    /// <exception cref="DistTrainerException">The layers do not fit the data, or the number of members is out of its
    /// range (<see cref="FailureKind.Configuration"/>).</exception>
    public static Network Create(
        ModelDescription model, int inputs, int outputs, IReadOnlyList<EmbeddedColumn>? embedded = null)
    {
        if (model.Layers.Count == 0)
            throw new DistTrainerException(
                FailureKind.Configuration,
                "model.layers is empty; give at least one layer, e.g. { activation = identity }.");
        if (model.Members is < 1 or > ModelDescription.MostMembers)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"model.members is {model.Members}; allowed: a whole number from 1 to {ModelDescription.MostMembers}.");
        var members = new List<IReadOnlyList<ILayer>>();
        for (int member = 0, modules = 0; member < model.Members; member++, modules += members[0].Count)
            members.Add(CreateMember(model, inputs, outputs, embedded ?? [], modules));
        return new Network(members, model.Loss.Create());
    }

    /// <summary>Makes one member's modules.</summary>
    /// <param name="model">Layers and loss.</param>
    /// <param name="inputs">Features of a sample.</param>
    /// <param name="outputs">Outputs that the data ask for.</param>
    /// <param name="embedded">The columns that are embedded.</param>
    /// <param name="before">Modules of the members before: each dropout has a mask of its own.</param>
    private static List<ILayer> CreateMember(
        ModelDescription model, int inputs, int outputs, IReadOnlyList<EmbeddedColumn> embedded, int before)
    {
        var layers = new List<ILayer>();
        if (embedded.Count > 0)
            layers.Add(new EmbeddingLayer(inputs - embedded.Count, embedded));
        Shape shape = embedded.Count > 0 ? layers[0].OutputShape : Shape.Flat(inputs);
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
                layers.Add(CreateDropout(description.Dropout, shape.Features, before + layers.Count));
        }
        return layers;
    }

    private static DropoutLayer CreateDropout(float rate, int features, int module) =>
        module < DropoutLayer.LayerLimit
            ? new DropoutLayer(rate, features, module)
            : throw new DistTrainerException(
                FailureKind.Configuration,
                $"model.members times model.layers makes more than {DropoutLayer.LayerLimit} modules, counting "
                + "activations and dropout; with dropout that is the most. Use fewer members.");

    private static void RequireLike(int member, IReadOnlyList<ILayer> layers, IReadOnlyList<ILayer> first)
    {
        if (layers.Count != first.Count || layers[0].Inputs != first[0].Inputs
            || layers[^1].Outputs != first[^1].Outputs)
            throw new ArgumentException(
                $"Member {member} has {layers.Count} modules from {layers[0].Inputs} features to "
                + $"{layers[^1].Outputs}; member 0 has {first.Count} from {first[0].Inputs} to {first[^1].Outputs}.",
                nameof(layers));
    }

    /// <summary>Puts a module and its tensors behind those that are placed.</summary>
    private static void Place(
        int module, string name, IReadOnlyList<ILayer> layers, List<NetworkLayer> placed, List<ParameterTensor> tensors)
    {
        ILayer layer = layers[module];
        if (module > 0 && layer.Inputs != layers[module - 1].Outputs)
            throw new ArgumentException(
                $"Layer {name} takes {layer.Inputs} features, but the one before gives {layers[module - 1].Outputs}.",
                nameof(layers));
        int start = tensors.Count == 0 ? 0 : tensors[^1].End, end = start;
        foreach (ParameterRequest request in layer.Parameters)
        {
            var tensor = new ParameterTensor(
                $"{name}.{request.Suffix}", request.Kind, placed.Count, request.Shape, end)
            {
                Momentum = request.Momentum,
            };
            tensors.Add(tensor);
            end = tensor.End;
        }
        placed.Add(new NetworkLayer(placed.Count, module, name, layer, start, end - start));
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
