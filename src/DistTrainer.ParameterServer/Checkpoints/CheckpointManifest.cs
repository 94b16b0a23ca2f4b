using System.Text.Json.Serialization;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>The content of <c>checkpoint.json</c>: where a run stands, and what its files must be.</summary>
internal sealed record CheckpointManifest
{
    /// <summary>The format that this program writes; newer ones are refused.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Format of the checkpoint.</summary>
    public int FormatVersion { get; init; } = CurrentFormat;

    /// <summary>Name of the run.</summary>
    public required string Run { get; init; }

    /// <summary>The last step that is in, counted from 1; 0 is before the first.</summary>
    public required long Step { get; init; }

    /// <summary>Membership version in which it was written.</summary>
    public required int Generation { get; init; }

    /// <summary>Where in the data the run stands.</summary>
    public required CheckpointPosition Position { get; init; }

    /// <summary>The seeds in use.</summary>
    public required CheckpointSeeds Seeds { get; init; }

    /// <summary>Where the learning rate stands.</summary>
    public required CheckpointRate Rate { get; init; }

    /// <summary>Where early stopping stands.</summary>
    public required CheckpointStopping EarlyStopping { get; init; }

    /// <summary>
    /// Validation loss of exactly these parameters; null where it was not computed. <c>keep-best</c> goes by it.
    /// </summary>
    public double? ValidationLoss { get; init; }

    /// <summary>
    /// What was done about gradients that were not finite; null, and not in the file, where there were none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CheckpointDivergence? Divergence { get; init; }

    /// <summary>Whether the files have the best parameters so far beside the last.</summary>
    public bool HasBest { get; init; }

    /// <summary>The job with all defaults filled in, as text.</summary>
    public required string Job { get; init; }

    /// <summary>Hash of the data; see <see cref="DataParts.Hash"/>.</summary>
    public required string DataHash { get; init; }

    /// <summary>The update rule.</summary>
    public required CheckpointOptimizer Optimizer { get; init; }

    /// <summary>The model's tensors in the order of the flat vector.</summary>
    public required IReadOnlyList<CheckpointTensor> Layout { get; init; }

    /// <summary>
    /// <see cref="DistTrainer.Engine.Files.ParameterHash"/> of the whole vector; filled in by
    /// <see cref="CheckpointWriter.Complete"/>.
    /// </summary>
    public string ParameterHash { get; init; } = "";

    /// <summary>
    /// The parts in the order of the flat vector; filled in by <see cref="CheckpointWriter.Complete"/>.
    /// </summary>
    public IReadOnlyList<CheckpointFile> Files { get; init; } = [];

    /// <summary>What the manifest says of a layout.</summary>
    public static IReadOnlyList<CheckpointTensor> Describe(ParameterLayout layout) =>
        [.. layout.Tensors.Select(
            tensor => new CheckpointTensor(tensor.Name, tensor.Kind, tensor.Layer, tensor.Shape))];

    /// <summary>The layout that the manifest describes.</summary>
    public ParameterLayout ToLayout()
    {
        var tensors = new List<ParameterTensor>(Layout.Count);
        foreach (CheckpointTensor tensor in Layout)
            tensors.Add(
                new ParameterTensor(
                    tensor.Name, tensor.Kind, tensor.Layer, tensor.Shape, tensors.Count == 0 ? 0 : tensors[^1].End));
        return new ParameterLayout(tensors);
    }
}

/// <summary>A place in the data.</summary>
/// <param name="Epoch">Epoch of the checkpoint's step, counted from 1; 0 before the first step.</param>
/// <param name="Cursor">Samples of that epoch, in its order, that are used up; the next step begins there.</param>
/// <param name="StepsPerEpoch">Steps of one epoch.</param>
/// <param name="EpochsDecided">Epochs whose end was decided on: their validation loss is in the trackers.</param>
/// <param name="Sums">Sums over the epoch so far, by name, for its figures (loss, samples); free of choice.</param>
internal sealed record CheckpointPosition(
    int Epoch, long Cursor, int StepsPerEpoch, int EpochsDecided, IReadOnlyDictionary<string, double> Sums);

/// <summary>Seeds.</summary>
/// <param name="Training">Of initialization, shuffling and dropout.</param>
/// <param name="Split">Of the split of the data.</param>
internal sealed record CheckpointSeeds(ulong Training, ulong Split);

/// <summary>What the learning rate depends on beside step and job.</summary>
/// <param name="Base">Full rate set while running; null for the job's.</param>
/// <param name="PlateauFactor">Factor of reduce-on-plateau; 1 without.</param>
/// <param name="PlateauBest">Lowest loss that counted as an improvement; +∞ at first.</param>
/// <param name="PlateauBadEpochs">Epochs without improvement since.</param>
internal sealed record CheckpointRate(double? Base, double PlateauFactor, double PlateauBest, int PlateauBadEpochs);

/// <summary>State of early stopping.</summary>
/// <param name="BestEpoch">The best epoch; 0 before the first.</param>
/// <param name="BestLoss">Its validation loss; +∞ before the first.</param>
/// <param name="BadEpochs">Epochs without improvement since.</param>
internal sealed record CheckpointStopping(int BestEpoch, double BestLoss, int BadEpochs);

/// <summary>What was done about gradients that were not finite; see <c>training.divergence</c>.</summary>
/// <param name="Lowered">How often the learning rate was lowered.</param>
/// <param name="FirstRate">The full rate before it was lowered for the first time; null: never.</param>
/// <param name="LeftOutStep">The last step that was left out; 0: none.</param>
/// <param name="LeftOut">Steps in a row, with that one, that were left out.</param>
internal sealed record CheckpointDivergence(int Lowered, double? FirstRate, long LeftOutStep, int LeftOut);

/// <summary>An update rule.</summary>
/// <param name="Kind">Which, as format 1 spells it: the rule's name, but <c>adamW</c>, <c>rmsProp</c>, and
/// <c>plugin</c> for any that a plug-in brings.</param>
/// <param name="Slots">Names of its vectors, in order.</param>
internal sealed record CheckpointOptimizer(string Kind, IReadOnlyList<string> Slots)
{
    /// <summary>A job's update rule, and the vectors of all that is remembered beside the parameters.</summary>
    /// <param name="job">The job.</param>
    /// <exception cref="DistTrainerException">There is no such rule, or a setting is out of its range
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static CheckpointOptimizer Of(JobDescription job)
    {
        string kind = PluginRegistry.Shared.Optimizers[job.Optimizer.Kind] switch
        {
            { Plugin: not null } => "plugin",
            { Name: "adamw" } => "adamW",
            { Name: "rmsprop" } => "rmsProp",
            OptimizerPart part => part.Name,
        };
        return new CheckpointOptimizer(kind, RoundState.SlotNamesOf(job));
    }

    /// <summary>The rule as text, e.g. <c>adam with exp_avg, exp_avg_sq</c>.</summary>
    public override string ToString() =>
        $"{Printable.Short(Kind, 40).ToLowerInvariant()} with "
            + $"{(Slots.Count == 0 ? "no slots" : string.Join(", ", Slots))}";
}

/// <summary>A tensor of the model.</summary>
/// <param name="Name">Its name, e.g. <c>0.weight</c>.</param>
/// <param name="Kind">Weight, bias or running average.</param>
/// <param name="Layer">Index of its module.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
internal sealed record CheckpointTensor(string Name, ParameterKind Kind, int Layer, IReadOnlyList<int> Shape);

/// <summary>One part: a parameter shard's stretch of parameters and slots.</summary>
/// <param name="Name">File name, without a folder.</param>
/// <param name="Start">First element in the flat vector.</param>
/// <param name="End">One past the last element.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Crc32C">CRC-32C of the file, 8 lower-case hex digits.</param>
/// <param name="Sha256">SHA-256 of the file, 64 lower-case hex digits.</param>
internal sealed record CheckpointFile(string Name, int Start, int End, long Bytes, string Crc32C, string Sha256);
