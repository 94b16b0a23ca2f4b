using System.CommandLine;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Cli.Commands;

/// <summary>
/// The option <c>--plugins</c> of the commands that read jobs, models or data. A node has a setting of that name.
/// </summary>
internal static class PluginOption
{
    private const string Name = "--plugins";

    /// <summary>Adds it to commands that do not have it, and to those below them.</summary>
    public static void AddTo(IEnumerable<Command> commands)
    {
        foreach (Command command in commands.Where(command => command.Options.All(option => option.Name != Name)))
        {
            command.Add(new Option<string[]>(Name)
            {
                Description =
                    "Files of plug-ins to load, separated by commas; they run with all rights of this program. "
                    + $"Default: ${Variable}, or none",
                HelpName = "FILE",
                Recursive = true,
            });
        }
    }

    /// <summary>
    /// Loads what the command line or, without the option, the environment names. Nothing else is ever loaded.
    /// </summary>
    /// <param name="result">The parsed command line.</param>
    /// <exception cref="DistTrainerException">A file cannot be loaded
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Load(ParseResult result) => PluginFile.Load(Files(result));

    /// <summary>The files that are named.</summary>
    /// <param name="result">The parsed command line.</param>
    public static string[] Files(ParseResult result)
    {
        string[] given = result.GetResult(Name) is null ? [Environment.GetEnvironmentVariable(Variable) ?? ""]
            : result.GetValue<string[]>(Name) ?? [];
        return [.. given.SelectMany(
            text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
    }

    private static string Variable => NodeKeys.VariablePrefix + "PLUGINS";
}
