using System.Collections.Immutable;
using DistTrainer.Engine.Data;

namespace DistTrainer.Engine.Parts;

/// <summary>All parts of one kind that a process knows: the built-in ones, and those of its plug-ins.
/// Thread-safe.</summary>
/// <typeparam name="TPart">The kind.</typeparam>
/// <param name="what">What a part is called in messages, e.g. <c>optimizer</c>.</param>
/// <param name="key">The key of the job file that names one, e.g. <c>optimizer.kind</c>.</param>
internal sealed class PartTable<TPart>(string what, string key)
    where TPart : Part
{
    private const int LongestName = 64;
    private ImmutableList<TPart> _all = [];

    /// <summary>All parts, in the order in which they were added.</summary>
    public IReadOnlyList<TPart> All => _all;

    /// <summary>Names that people may look for here and that are no parts, with the reason: "is …", to be read behind
    /// the name.</summary>
    public IReadOnlyDictionary<string, string> Elsewhere { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The part of a name or alias.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="DistTrainerException">There is none (<see cref="FailureKind.Configuration"/>).</exception>
    public TPart this[string name] => Find(name) ?? throw DataError.Configuration(
        $"{key}: there is no {what} {DataError.Quote(name)}; load the plug-in that brings it, or correct the name: "
            + $"{DataError.Suggest(name, [.. _all.Select(part => part.Name)])}");

    /// <summary>The part of a name or alias, or null.</summary>
    /// <param name="name">The name.</param>
    public TPart? Find(string name) => _all.Find(part => part.Name == name || part.Aliases.Contains(name));

    /// <summary>Adds a part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="plugin">The plug-in that brings it; null for a built-in part.</param>
    /// <exception cref="DistTrainerException">Its name is taken or not allowed
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal void Add(TPart part, string? plugin)
    {
        string from = plugin is null ? "" : $"plug-in {plugin}: ";
        foreach (string name in part.Aliases.Prepend(part.Name))
        {
            if (!IsName(name))
                throw DataError.Configuration(
                    $"{from}{DataError.Quote(name)} is no name for a {what}; allowed are up to {LongestName} "
                    + "lower-case letters, digits and hyphens, a letter first.");
            if (Find(name) is not null || Elsewhere.ContainsKey(name))
                throw DataError.Configuration(
                    $"{from}the {what} {DataError.Quote(name)} is there already; give it another name.");
        }
        part.Plugin = plugin;
        ImmutableInterlocked.Update(ref _all, (all, added) => all.Add(added), part);
    }

    private static bool IsName(string name) => name.Length is > 0 and <= LongestName && name[0] is >= 'a' and <= 'z'
        && name.All(c => c is '-' or (>= 'a' and <= 'z') or (>= '0' and <= '9'));
}
