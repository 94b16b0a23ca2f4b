using System.Text.RegularExpressions;
using DistTrainer.Cluster.Run.Reports;
using Xunit;

namespace DistTrainer.Cluster.Tests.Logging;

/// <summary>docs/logs.md has every event that the code writes, with its level and fields, and no other.</summary>
public sealed partial class LogPageTests
{
    // What is asked of a run is logged by names that are handed on: Request(…, "stop-requested").
    private static readonly string[] s_requests =
        ["pause-requested", "resume-requested", "stop-requested", "learning-rate-requested", "checkpoint-due"];

    private readonly Dictionary<string, (HashSet<string> Levels, HashSet<string> Fields)> _written = [];
    private readonly Dictionary<string, (HashSet<string> Levels, HashSet<string> Fields)> _documented = [];

    public LogPageTests()
    {
        string root = Root();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(root, "src"), "*.cs",
            SearchOption.AllDirectories))
        {
            foreach (Match call in Call().Matches(File.ReadAllText(file)))
            {
                string template = call.Groups["template"].Value.Replace("\\\"", "\"", StringComparison.Ordinal);
                string[] names = call.Groups["named"].Success ? s_requests : [template.Split(' ')[0]];
                string[] levels = call.Groups["level"].Value is { Length: > 0 } level
                    ? [level == "Warn" ? "warning" : level.ToLowerInvariant()] : ["debug", "warning"];
                foreach (string name in names)
                    Add(_written, name, levels, Field().Matches(template).Select(field => field.Groups[1].Value));
            }
        }
        foreach (string template in (string[])[ReportEvents.Steps, ReportEvents.EpochEnded])
        {
            IEnumerable<string> fields = Field().Matches(template).Select(field => field.Groups[1].Value);
            Add(_written, template.Split(' ')[0], ["info"], fields);
        }
        foreach (Match row in Row().Matches(File.ReadAllText(Path.Combine(root, "docs", "logs.md"))))
        {
            foreach (Match name in Name().Matches(row.Groups["names"].Value))
                Add(_documented, name.Groups[1].Value, row.Groups["levels"].Value.Split(", "), row.Groups["fields"]
                    .Value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    [Fact]
    public void Every_event_in_the_code_is_on_the_page_and_the_other_way_round()
    {
        Assert.True(_written.Count > 50, $"Only {_written.Count} events were found in the code.");
        Assert.Equal(_written.Keys.Order(), _documented.Keys.Order());
    }

    [Fact]
    public void The_page_has_every_level_and_field_of_an_event()
    {
        foreach ((string name, (HashSet<string> levels, HashSet<string> fields)) in _written)
        {
            Assert.True(levels.IsSubsetOf(_documented[name].Levels), $"{name}: {string.Join(", ", levels)}");
            Assert.True(fields.IsSubsetOf(_documented[name].Fields), $"{name}: {string.Join(" ", fields)}");
        }
    }

    [Fact]
    public void The_page_has_no_field_that_no_event_of_its_row_has()
    {
        foreach ((string name, (HashSet<string> _, HashSet<string> fields)) in _documented)
            Assert.All(fields, field => Assert.Contains(_written.Values, written => written.Fields.Contains(field)));
        Assert.All(
            _documented, page =>
            Assert.Subset(new HashSet<string> { "debug", "info", "warning", "error" }, page.Value.Levels));
    }

    private static void Add(
        Dictionary<string, (HashSet<string> Levels, HashSet<string> Fields)> events, string name,
        IEnumerable<string> levels, IEnumerable<string> fields)
    {
        if (!events.TryGetValue(name, out (HashSet<string> Levels, HashSet<string> Fields) known))
            events[name] = known = ([], []);
        known.Levels.UnionWith(levels);
        known.Fields.UnionWith(fields);
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "DistTrainer.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException(
                "DistTrainer.sln is in no folder above the tests.");
        return folder;
    }

    // A template may be several literals.
    [GeneratedRegex("""(?:\.Event\(\s*(?:LogLevel\.(?<level>\w+)Level|\w+),|\b(?<level>Info|Warn)\()\s*(?<named>name \+ )?"(?<template>(?:[^"\\]|\\.|"\s*\+\s*")*)"\s*,""")]
    private static partial Regex Call();

    [GeneratedRegex("""(\w+)=""")]
    private static partial Regex Field();

    [GeneratedRegex("""^\| (?<names>(?:`[a-z-]+` ?)+) \| (?<levels>[a-z, ]+) \| (?<fields>[\w ]*?) \|""", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([a-z-]+)`")]
    private static partial Regex Name();
}
