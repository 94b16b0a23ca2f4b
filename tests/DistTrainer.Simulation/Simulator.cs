using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Jobs;

namespace DistTrainer.Simulation;

/// <summary>How a seed ended.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Violations">What did not hold; empty where all is well.</param>
/// <param name="Fingerprint">A hash over all that happened: the same each time the seed runs.</param>
/// <param name="Messages">Messages that arrived.</param>
/// <param name="Scenario">What was run.</param>
internal sealed record SeedOutcome(
    int Seed, IReadOnlyList<string> Violations, ulong Fingerprint, int Messages, Scenario Scenario)
{
    /// <summary>The first thing that did not hold, and how to see it again.</summary>
    public override string ToString() =>
        $"seed {Seed}: {(Violations.Count == 0 ? "all holds" : Violations[0])}{Environment.NewLine}  replay: dotnet "
            + $"run -c Release --project tests/DistTrainer.Simulation -- --seed {Seed}";
}

/// <summary>Runs seeds one after the other, on one thread, in one actor system. One a thread.</summary>
internal sealed class Simulator
{
    private const string Settings = """
        akka {
          loglevel = LEVEL
          stdout-loglevel = OFF
          log-dead-letters = off
          loggers = []
          coordinated-shutdown.run-by-clr-shutdown-hook = off
          scheduler.implementation = "DistTrainer.Simulation.VirtualTime, DistTrainer.Simulation"
          actor {
            default-dispatcher.type = "DistTrainer.Simulation.SeededDispatcherConfigurator, DistTrainer.Simulation"
            internal-dispatcher.type = "DistTrainer.Simulation.SeededDispatcherConfigurator, DistTrainer.Simulation"
          }
        }
        disttrainer {
          worker-dispatcher.type = "DistTrainer.Simulation.SeededDispatcherConfigurator, DistTrainer.Simulation"
          parameter-shard-dispatcher.type = "DistTrainer.Simulation.SeededDispatcherConfigurator, DistTrainer.Simulation"
        }
        """;

    private readonly Action<TimeSpan, TraceEvent>? _hears;
    private readonly JobMode _mode;
    private readonly ActorSystem _system;
    private readonly Dictionary<int, Expectation> _expected = [];
    private SeedRun? _run;
    private int _number;

    /// <summary>Starts an actor system that only moves while a seed runs.</summary>
    /// <param name="hears">Hears all that happens; null: nobody does.</param>
    /// <param name="mode">What the jobs are like that seeds draw.</param>
    public Simulator(Action<TimeSpan, TraceEvent>? hears = null, JobMode mode = JobMode.Bulk)
    {
        (_hears, _mode) = (hears, mode);
        string level = hears is null ? "OFF" : "INFO";
        _system = ActorSystem.Create(
            "simulation", ConfigurationFactory.ParseString(Settings.Replace("LEVEL", level, StringComparison.Ordinal)));
        while (((VirtualTime)_system.Scheduler).Step())
        {
            // The system's own actors start.
        }
        if (hears is not null)
            _system.EventStream.Subscribe(
                new LogTap(((ExtendedActorSystem)_system).Guardian, () => _run?.Trace), typeof(Akka.Event.LogEvent));
    }

    /// <summary>Runs a seed.</summary>
    public SeedOutcome Run(int seed) => Run(seed, Scenario.Draw(new Random(seed), _mode));

    /// <summary>Runs a scenario.</summary>
    /// <param name="seed">Decides what the scenario leaves open.</param>
    /// <param name="scenario">What to run.</param>
    /// <param name="isChanged">Whether people change what comes out, so that it cannot be compared with an undisturbed
    /// run.</param>
    public SeedOutcome Run(int seed, Scenario scenario, bool isChanged = false)
    {
        _run = new SeedRun(_system, _number++, seed, scenario, isChanged ? null : Expected(scenario.Job), _hears);
        _run.Go();
        return new SeedOutcome(
            seed, _run.Invariants.Violations, _run.Trace.Fingerprint, _run.Network.Deliveries, scenario);
    }

    /// <summary>
    /// How a job runs when nothing disturbs it; hash and reports are those of the trainer of one process.
    /// </summary>
    public Expectation Expected(int job)
    {
        if (_expected.TryGetValue(job, out Expectation? known))
            return known;
        var scenario = Scenario.Calm(job);
        var run = new SeedRun(_system, _number++, 0, scenario, null, null);
        TrainingResult result = run.Go() ?? throw new InvalidOperationException(
            $"The undisturbed run of job {job} failed: {string.Join(" ", run.Invariants.Violations)}");
        Expectation expected = run.Invariants.ToExpectation(result);
        Compare(job, expected);
        return _expected[job] = expected;
    }

    private static void Compare(int job, Expectation simulated)
    {
        var reports = new Invariants(null);
        RunOptions options = Scenario.Calm(job).Options with
        {
            Workers = 2,
            ParameterShards = 2,
            ActorConfiguration = "akka.loglevel = OFF",
        };
        TrainingResult result =
            LocalTrainer.RunAsync(Scenario.Jobs[job], Scenario.Data, options, null, reports, CancellationToken.None)
            .GetAwaiter().GetResult();
        Expectation local = reports.ToExpectation(result);
        if (local.Result.ParameterHash != simulated.Result.ParameterHash || !local.Steps.SequenceEqual(simulated.Steps)
            || !local.Epochs.SequenceEqual(simulated.Epochs) || !local.Ledger.SequenceEqual(simulated.Ledger))
        {
            throw new InvalidOperationException(
                $"The undisturbed run of job {job} ends with {simulated.Result.ParameterHash}, the trainer of one "
                + $"process with {result.ParameterHash}, or their reports differ.");
        }
    }

    /// <summary>Runs seeds on some threads.</summary>
    /// <param name="first">First seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="threads">Threads, ≥ 1.</param>
    /// <param name="ended">Called with each outcome, one at a time.</param>
    /// <param name="mode">What the jobs are like that seeds draw.</param>
    public static void RunAll(int first, int count, int threads, Action<SeedOutcome> ended, JobMode mode = JobMode.Bulk)
    {
        int next = 0;
        var failures = new ConcurrentQueue<Exception>();
        Thread[] all = [.. Enumerable.Range(0, threads).Select(_ => new Thread(Work) { IsBackground = true })];
        Array.ForEach(all, thread => thread.Start());
        Array.ForEach(all, thread => thread.Join());
        if (failures.TryDequeue(out Exception? failure))
            throw new InvalidOperationException("The simulation itself failed.", failure);

        void Work()
        {
            try
            {
                var simulator = new Simulator(mode: mode);
                for (int i = Interlocked.Increment(ref next) - 1; i < count; i = Interlocked.Increment(ref next) - 1)
                {
                    SeedOutcome outcome = simulator.Run(first + i);
                    lock (failures)
                        ended(outcome);
                }
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        }
    }
}
