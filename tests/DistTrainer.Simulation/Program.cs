using System.CommandLine;
using System.Diagnostics;
using DistTrainer.Simulation;

var seeds = new Option<int>("--seeds") { Description = "How many seeds to run.", DefaultValueFactory = _ => 1000 };
var first = new Option<int>("--first") { Description = "The first of them.", DefaultValueFactory = _ => 1 };
var threads = new Option<int>("--threads") { Description = "Threads, each with an actor system of its own.", DefaultValueFactory = _ => Environment.ProcessorCount };
var seed = new Option<int?>("--seed") { Description = "Run one seed alone and write all that happens." };
var command = new RootCommand("Runs the training protocol's actors under a seeded scheduler, with virtual time and a network that fails.") { seeds, first, threads, seed };
command.SetAction(parsed => parsed.GetValue(seed) is { } one ? Replay(one) : RunAll(parsed.GetValue(first), parsed.GetValue(seeds), parsed.GetValue(threads)));
return command.Parse(args).Invoke();

static int Replay(int seed)
{
    SeedOutcome outcome = new Simulator(Console.Out).Run(seed);
    Console.WriteLine(outcome.Scenario);
    Console.WriteLine($"seed {seed}: {outcome.Messages} messages, fingerprint {outcome.Fingerprint:x16}");
    foreach (string violation in outcome.Violations.Distinct())
        Console.WriteLine(violation);
    return outcome.Violations.Count == 0 ? 0 : 1;
}

static int RunAll(int first, int count, int threads)
{
    var watch = Stopwatch.StartNew();
    int passed = 0, failed = 0;
    long messages = 0;
    Simulator.RunAll(first, count, threads, outcome =>
    {
        messages += outcome.Messages;
        if (outcome.Violations.Count == 0)
        {
            passed++;
            return;
        }
        failed++;
        Console.WriteLine(outcome);
    });
    Console.WriteLine(FormattableString.Invariant($"{count} seeds in {watch.Elapsed.TotalSeconds:F1} s, {1000 * threads * watch.Elapsed.TotalSeconds / count:F1} ms a seed and thread, {messages} messages"));
    Console.WriteLine($"{passed} seeds hold, {failed} do not");
    return failed == 0 && passed > 0 ? 0 : 1;
}
