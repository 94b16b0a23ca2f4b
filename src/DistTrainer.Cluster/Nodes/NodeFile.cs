using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Nodes;

/// <summary>Reads <c>cluster.hocon</c> and what is laid over it.</summary>
internal static class NodeFile
{
    /// <summary>Environment variables that begin like a setting and are none.</summary>
    private static readonly string[] s_otherVariables = ["DISTTRAINER_CONFIG", "DISTTRAINER_DEBUG"];

    private const string Header = """
        # How a node of a DistTrainer cluster is deployed: every setting with its meaning, allowed values and default.
        # None of them changes a trained parameter by a bit.
        #
        # From the weakest to the strongest: the default, this file (disttrainer node --config cluster.hocon), an environment
        # variable, an option. The name is the same everywhere: the key cluster-port of disttrainer.node is the variable
        # DISTTRAINER_CLUSTER_PORT and the option --cluster-port, security.folder is DISTTRAINER_SECURITY_FOLDER. One file
        # may serve all nodes: a setting that does not concern a node's role has no effect there. Substitutions (${…}) are
        # not supported.


        """;

    /// <summary>A file with every setting at its default, explained.</summary>
    public static string Template() =>
        Header.ReplaceLineEndings("\n") + new JobWriter(0, true).Keys(NodeKeys.Root, NodeKeys.Root.Defaults);

    /// <summary>Reads a node's settings: defaults, then the file, then the environment, then options.</summary>
    /// <param name="file">The text of <c>cluster.hocon</c>; null for none.</param>
    /// <param name="environment">Environment variables; only those of <see cref="NodeKeys.Knobs"/> count, and empty
    /// ones do not.</param>
    /// <param name="flags">Options that were given, by <see cref="NodeKnob.Flag"/>.</param>
    /// <param name="seedFollows">Whether the node hears of its seed node later.</param>
    /// <exception cref="DistTrainerException">Something is wrong; the message names file, variable or option, the key,
    /// the value and what is allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public static NodeSettings Read(
        JobSource? file, IReadOnlyDictionary<string, string> environment, IReadOnlyDictionary<string, string> flags,
        bool seedFollows = false)
    {
        CheckVariables(environment);
        IEnumerable<JobSource> above = Given(knob => knob.Variable, environment)
            .Where(source => source.Value.Length > 0)
            .Concat(Given(knob => knob.Flag, flags))
            .Select(given => JobSource.FromOption(given.Knob.Info.Path, given.Value, given.Origin));
        IEnumerable<JobSource> sources = file is null ? above : above.Prepend(file);
        ConfigObject all = sources.Select(source => HoconText.Parse(source.Text, source.Origin))
            .Aggregate(
                new ConfigObject(new Dictionary<string, ConfigNode>(), "node"), (below, over) => below.Under(over));
        NodeSettings settings = NodeKeys.Root.Read(all, "", NodeKeys.Root.Defaults);
        NodeChecks.Check(settings, all, seedFollows);
        return settings;
    }

    private static IEnumerable<(NodeKnob Knob, string Value, string Origin)> Given(
        Func<NodeKnob, string> name, IReadOnlyDictionary<string, string> values) =>
        from knob in NodeKeys.Knobs
        let origin = name(knob)
        where values.ContainsKey(origin)
        select (knob, values[origin], origin);

    // Container platforms make variables of their own from a service's name, so only what looks like a misspelt setting
    // is refused.
    private static void CheckVariables(IReadOnlyDictionary<string, string> environment)
    {
        string[] known = [.. NodeKeys.Knobs.Select(knob => knob.Variable), .. s_otherVariables];
        string prefix = NodeKeys.VariablePrefix;
        foreach (string name in environment.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)
            && !known.Contains(name)).Order(StringComparer.Ordinal))
        {
            if (NearestName.Find(name[prefix.Length..],
                known.Select(other => other[prefix.Length..].ToLowerInvariant())) is { } near)
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{name}: is not a known environment variable; did you mean {prefix}{near.ToUpperInvariant()}?");
        }
    }
}
