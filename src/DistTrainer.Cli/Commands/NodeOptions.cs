using System.Collections;
using System.CommandLine;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary>The options of a node: one for each setting of <c>cluster.hocon</c>, and the file itself.</summary>
/// <param name="only">Names of those options for single settings that there are; none: all.</param>
internal sealed class NodeOptions(params string[] only)
{
    private const string ConfigVariable = NodeKeys.VariablePrefix + "CONFIG";

    private readonly Option<string?> _config = new("--config")
    {
        Description = $"A file like cluster.hocon. Default: ${ConfigVariable}, or none",
        HelpName = "FILE",
    };
    private readonly Option<string[]>[] _knobs =
        [.. NodeKeys.Knobs.Where(knob => only.Length == 0 || only.Contains(knob.Flag)).Select(Make)];

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_config);
        foreach (Option<string[]> option in _knobs)
            command.Add(option);
    }

    /// <summary>The resolved settings, with the process's own environment.</summary>
    /// <param name="result">The parsed command line.</param>
    /// <param name="seedFollows">Whether the node hears of its seed node later.</param>
    /// <exception cref="DistTrainerException">Something is wrong in them
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public NodeSettings Read(ParseResult result, bool seedFollows = false) => Read(
        result, Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""),
        seedFollows);

    /// <summary>The resolved settings.</summary>
    /// <param name="result">The parsed command line.</param>
    /// <param name="environment">Environment variables.</param>
    /// <param name="seedFollows">Whether the node hears of its seed node later.</param>
    /// <exception cref="DistTrainerException">Something is wrong in them
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public NodeSettings Read(
        ParseResult result, IReadOnlyDictionary<string, string> environment, bool seedFollows = false)
    {
        string? path = result.GetValue(_config) ?? environment.GetValueOrDefault(ConfigVariable);
        Dictionary<string, string> flags = _knobs.Where(option => result.GetResult(option) is not null)
            .ToDictionary(
                option => option.Name, option =>
                string.Join(',', result.GetValue(option) is { Length: > 0 } values ? values : ["true"]));
        return NodeFile.Read(
            string.IsNullOrEmpty(path) ? null : JobSource.FromFile(path), environment, flags, seedFollows);
    }

    // A switch may stand alone; a list may be given with commas or by repeating the option.
    private static Option<string[]> Make(NodeKnob knob)
    {
        JobKeyInfo info = knob.Info;
        return new Option<string[]>(knob.Flag)
        {
            Description =
                $"{info.Meaning}: {info.Allowed}. Default: {info.Default ?? "none"}. Variable: {knob.Variable}",
            HelpName = info.Name.ToUpperInvariant(),
            Arity = knob.IsSwitch ? ArgumentArity.ZeroOrMore : ArgumentArity.OneOrMore,
        };
    }
}
