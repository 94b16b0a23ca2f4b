using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DistTrainer.Simulation;

var seeds = new Option<int>("--seeds") { Description = "How many seeds to run.", DefaultValueFactory = _ => 1000 };
var first = new Option<int>("--first") { Description = "The first of them.", DefaultValueFactory = _ => 1 };
var threads = new Option<int>("--threads")
{
    Description = "Threads, each with an actor system of its own.",
    DefaultValueFactory = _ => Environment.ProcessorCount,
};
var seed = new Option<int?>("--seed") { Description = "Run one seed alone and write all that happens." };
var fingerprints = new Option<string?>("--fingerprints")
{
    Description = "A file with hashes of all that happens under seeds 1, 2, 3 …: they must be the same.",
};
var write = new Option<bool>("--write") { Description = "Write that file instead." };
var transcripts = new Option<string?>("--transcripts")
{
    Description = "A folder with transcripts of the protocol: they must be as they are there.",
};
var mode = new Option<JobMode>("--mode")
{
    Description = "Jobs that seeds draw: in bulk mode, in rounds, or rounded to bfloat16.",
};
var command = new RootCommand(
    "Runs the training protocol's actors under a seeded scheduler, with virtual time and a network that fails.")
{
    seeds, first, threads, seed, fingerprints, transcripts, write, mode,
};
command.SetAction(parsed => parsed.GetValue(seed) is { } one ? Replay(one, parsed.GetValue(mode))
    : parsed.GetValue(transcripts) is { } folder ? Compare(folder, parsed.GetValue(write))
    : parsed.GetValue(fingerprints) is { } file
        ? RunAll(1, parsed.GetValue(seeds), parsed.GetValue(threads), file, parsed.GetValue(write),
            parsed.GetValue(mode))
    : RunAll(
        parsed.GetValue(first), parsed.GetValue(seeds), parsed.GetValue(threads), null, writes: false,
        parsed.GetValue(mode)));
return command.Parse(args).Invoke();

static int Replay(int seed, JobMode mode)
{
    SeedOutcome outcome = new Simulator(DistTrainer.Simulation.Trace.To(Console.Out), mode).Run(seed);
    Console.WriteLine(outcome.Scenario);
    Console.WriteLine($"seed {seed}: {outcome.Messages} messages, fingerprint {outcome.Fingerprint:x16}");
    foreach (string violation in outcome.Violations.Distinct())
        Console.WriteLine(violation);
    return outcome.Violations.Count == 0 ? 0 : 1;
}

static int Compare(string folder, bool writes)
{
    int others = 0;
    foreach (string file in Transcript.Files(folder))
    {
        string now = Transcript.Render(file);
        if (now == File.ReadAllText(file))
            continue;
        others++;
        if (writes)
            File.WriteAllText(file, now);
        Console.WriteLine($"{file}: {(writes ? "written" : "other things happen; if that is meant: --write")}");
    }
    return others == 0 || writes ? 0 : 1;
}

static int RunAll(int first, int count, int threads, string? file, bool writes, JobMode mode)
{
    var fingerprints = new Fingerprints(first + count - 1);
    var watch = Stopwatch.StartNew();
    int passed = 0, failed = 0;
    long messages = 0;
    Simulator.RunAll(first, count, threads, outcome =>
    {
        messages += outcome.Messages;
        fingerprints.Add(outcome);
        if (outcome.Violations.Count == 0)
        {
            passed++;
            return;
        }
        failed++;
        Console.WriteLine(outcome);
    }, mode);
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{count} seeds in {watch.Elapsed.TotalSeconds:F1} s, "
            + $"{1000 * threads * watch.Elapsed.TotalSeconds / count:F1} ms a seed and thread, {messages} messages"));
    Console.WriteLine($"{passed} seeds hold, {failed} do not");
    if (file is not null && writes)
        fingerprints.Write(file);
    IReadOnlyList<string> others = file is null ? [] : fingerprints.Compare(file);
    if (others.Count > 0)
        Console.WriteLine(
            $"other things happened than {file} says, under the seeds "
            + $"{string.Join(", ", others.Select(line => line.Split(' ')[0]))}; if that is meant: --write");
    return failed == 0 && passed > 0 && others.Count == 0 ? 0 : 1;
}
