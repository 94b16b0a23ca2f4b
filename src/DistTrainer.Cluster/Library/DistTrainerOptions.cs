using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Plugins;
using DistTrainer.Jobs;
using Microsoft.Extensions.Configuration;

namespace DistTrainer.Cluster.Library;

/// <summary>What <c>AddDistTrainer</c> (<see cref="ServiceCollectionExtensions"/>) sets up.</summary>
public sealed class DistTrainerOptions
{
    private static readonly string[] s_ofTheCommand = ["--http-port", "--http-host", "--http-token", "--log-format"];

    /// <summary>
    /// The node of a cluster that the host runs; null (the default): it runs none, and only trains in process.
    /// </summary>
    public NodeSettings? Node { get; set; }

    /// <summary>
    /// A run to begin with, where this node leads; null: the file that <see cref="NodeSettings.Job"/> names, or none.
    /// (Built-in jobs belong to the command.)
    /// </summary>
    public JobFile? Job { get; set; }

    /// <summary>How <see cref="ITrainer"/> runs a job in this process.</summary>
    public RunOptions Run { get; set; } = new();

    /// <summary>
    /// Plug-ins from the application's own code, beside the files of <see cref="NodeSettings.Plugins"/>. All nodes of a
    /// cluster must have the same ones.
    /// </summary>
    public IList<IDistTrainerPlugin> Plugins { get; } = [];

    /// <summary>
    /// Hears of the cluster's run, on the node that leads it; one call at a time, so it must return quickly. Null:
    /// nobody does.
    /// </summary>
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>
    /// Gets the result of the cluster's run, on the node that leads it; called before the run counts as ended. Null:
    /// only the file is written.
    /// </summary>
    public Action<FitResult>? Completed { get; set; }

    /// <summary>
    /// Whether the host ends when its node has ended; default true. A node ends when its job has ended (with
    /// <see cref="NodeSettings.ExitWhenDone"/>), when it is drained, refused or cut off.
    /// </summary>
    public bool StopsHost { get; set; } = true;

    /// <summary>Reads a node's settings from a section of an application's configuration.</summary>
    /// <param name="section">Its keys are those of <c>disttrainer.node</c> in <c>cluster.hocon</c> but <c>http</c> and
    /// <c>log-format</c>, e.g. <c>cluster-port</c>; values are texts, and lists are lists or texts with commas.</param>
    /// <exception cref="DistTrainerException">A key is not known, or a value is not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static NodeSettings ReadNode(IConfigurationSection section)
    {
        var flags = new Dictionary<string, string>();
        foreach ((string path, string? value) in section.AsEnumerable(makePathsRelative: true))
        {
            if (value is null)
                continue;
            string[] parts = path.Split(':');
            int last = parts.Length > 1 && int.TryParse(parts[^1], out _) ? parts.Length - 1 : parts.Length;
            string flag = $"--{string.Join('-', parts.Take(last)).ToLowerInvariant()}";
            if (!NodeKeys.Knobs.Any(knob => knob.Flag == flag))
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{section.Path}:{path}: is not a setting of a "
                    + $"node{NearestName.Hint(flag, NodeKeys.Knobs.Select(knob => knob.Flag))}; cluster.hocon has "
                    + "them all.");
            if (s_ofTheCommand.Contains(flag))
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{section.Path}:{path}: is a setting of the command disttrainer, which serves the dashboard and "
                    + "prints the log; an application's host has its own. Leave it out.");
            flags[flag] = flags.TryGetValue(flag, out string? before) ? $"{value},{before}" : value;
        }
        return NodeFile.Read(null, new Dictionary<string, string>(), flags);
    }
}
