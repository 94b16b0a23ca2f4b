using System.Globalization;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// Which checkpoint is being written, and where: all writers of its parts derive the same names from it. The folder may
/// have another path in each process, as long as it is the same folder.
/// </summary>
/// <param name="Checkpoints">The folder <c>checkpoints</c> of the run.</param>
/// <param name="Run">Name of the run.</param>
/// <param name="Step">The last step that is in.</param>
/// <param name="Generation">Membership version; another one writes into another temporary folder.</param>
/// <param name="Parts">Number of parts, ≥ 1.</param>
internal sealed record CheckpointTarget(string Checkpoints, string Run, long Step, int Generation, int Parts)
{
    /// <summary>Start of the names of folders that are no checkpoints (yet, or any more).</summary>
    internal const string HiddenPrefix = ".step-";

    /// <summary>End of the name of a checkpoint that is just being replaced by another one of its step.</summary>
    internal const string OldSuffix = "-old";

    /// <summary>The folder of the finished checkpoint, e.g. <c>step-000001200</c>.</summary>
    public string Folder => Path.Combine(Checkpoints, FolderName(Step));

    /// <summary>The temporary folder while it is written.</summary>
    public string PartialFolder =>
        Path.Combine(
            Checkpoints, string.Create(
                CultureInfo.InvariantCulture, $"{HiddenPrefix}{Step:D9}-generation-{Generation}.partial"));

    /// <summary>Name of one part's file.</summary>
    /// <param name="index">0 … <see cref="Parts"/> − 1.</param>
    public string PartName(int index) => PartName(index, Parts);

    /// <summary>Name of one part's file.</summary>
    internal static string PartName(int index, int parts) =>
        string.Create(CultureInfo.InvariantCulture, $"parameters-{index + 1:D4}-of-{parts:D4}.safetensors");

    /// <summary>Name of a step's folder.</summary>
    internal static string FolderName(long step) => string.Create(CultureInfo.InvariantCulture, $"step-{step:D9}");
}
