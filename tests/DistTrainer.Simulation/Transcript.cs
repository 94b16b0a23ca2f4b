using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using DistTrainer.Cluster.Logging;

namespace DistTrainer.Simulation;

/// <summary>
/// The protocol as people read it: a scenario, and every message and event of it, one a line. The files in
/// <c>transcripts/</c> have the scenario at their head, before the line <c>----</c>, and what happens after it.
/// </summary>
/// <param name="head">The scenario's lines.</param>
internal sealed partial class Transcript(IReadOnlyList<string> head)
{
    private const string Border = "----";
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    private static readonly string[] s_left =
        ["Generation", "Samples", "Offset", "IsKnownFinite", "SampleHash", "DataHash", "Milliseconds"];

    /// <summary>The files, in the order of their names.</summary>
    public static IReadOnlyList<string> Files(string folder) =>
        [.. Directory.GetFiles(folder, "*.txt").Order(StringComparer.Ordinal)];

    /// <summary>Runs a file's scenario.</summary>
    /// <returns>The file as it should be.</returns>
    /// <exception cref="FormatException">A line of the scenario cannot be read.</exception>
    public static string Render(string file)
    {
        string[] head = [.. File.ReadLines(file).TakeWhile(line => line != Border)];
        return string.Join('\n', [.. head, Border, .. new Transcript(head).Run()]) + "\n";
    }

    /// <summary>Runs the scenario.</summary>
    public IReadOnlyList<string> Run()
    {
        var lines = new List<string>();
        TimeSpan last = TimeSpan.Zero;
        var simulator = new Simulator((time, what) =>
        {
            if (Line(what) is not { } line)
                return;
            if (time - last >= s_pause)
                lines.Add(
                    string.Create(CultureInfo.InvariantCulture, $"        {(time - last).TotalSeconds:F1} s later"));
            last = time;
            lines.Add(line);
        });
        SeedOutcome outcome = simulator.Run(
            int.Parse(Value("seed", "1"), CultureInfo.InvariantCulture), Read(), isChanged: true);
        lines.AddRange(outcome.Violations.Distinct());
        return lines;
    }

    private Scenario Read() => new()
    {
        OwnJob = Value("job", "") == "diverging" ? Scenario.Diverging : null,
        Servers = Numbers("servers"),
        WorkerNodes = Numbers("workers"),
        WritesCheckpoints = Number("checkpoint-every", 0) > 0,
        DiskSeconds = Number("disk-seconds", 0),
        Latency = Number("latency", 300),
        Options =
            Scenario.OptionsFor(Number("parameter-shards", 1), Number("min-workers", 1), Number("replicas", 0)) with
            {
                Checkpoint = new() { EverySteps = Number("checkpoint-every", 0) },
                BackupWorkers = Number("backup-workers", 0) > 0,
            },
        Faults =
            [.. Lines("fault")
            .Select(words => (int.Parse(words[0], CultureInfo.InvariantCulture), Enum.Parse<Fault>(words[1])))],
    };

    private IEnumerable<string[]> Lines(string name) =>
        head.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length > 1 && words[0] == name)
            .Select(words => words[1..]);

    private string Value(string name, string standard) =>
        Lines(name).Select(words => words[0]).FirstOrDefault(standard);

    private int Number(string name, int standard) =>
        int.Parse(Value(name, standard.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

    private int[] Numbers(string name) =>
        [.. Lines(name).First().Select(word => int.Parse(word, CultureInfo.InvariantCulture))];

    private static string? Line(TraceEvent what) => what switch
    {
        { Text: "CALM from now on" } => null,
        { Message: null } => $"        {Times().Replace(what.Text, "").TrimEnd()}",
        { Message: LogEvent log } => $"    {what.Text} {Times().Replace(log.ToString(), "").TrimEnd()}",
        _ => $"{what.Text,-26} {Name(what.Message)}",
    };

    private static string Name(object message) =>
        string.Join(
            ' ', [message.GetType()
            .Name, .. Number(message.GetType().GetProperty("Generation")?.GetValue(message)), .. Values(message)]);

    private static IEnumerable<string> Number(object? generation) => generation is int number ? [$"g{number}"] : [];

    private static IEnumerable<string> Values(object message)
    {
        foreach (PropertyInfo property in message.GetType().GetProperties()
            .Where(property => !s_left.Contains(property.Name)))
        {
            string name = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            object? value = property.GetValue(message);
            if (value is bool isTrue)
            {
                if (isTrue)
                    yield return name;
            }
            else if (value is int or long or Enum or string)
                yield return string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
            else if (value is Array { Length: > 0 } all && all.GetType().GetElementType() != typeof(byte))
                yield return string.Create(CultureInfo.InvariantCulture, $"{name}×{all.Length}");
        }
    }

    /// <summary>What a real clock or the disk says, which is another each time.</summary>
    [GeneratedRegex(@" ?\b(samplesPerSecond|pauseMilliseconds|seconds|bytes|folder|checkpoint|parameterHash|computeMilliseconds|othersMilliseconds)=(""[^""]*""|\S+)")]
    private static partial Regex Times();
}
