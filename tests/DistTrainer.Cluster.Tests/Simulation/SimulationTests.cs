using System.Runtime.CompilerServices;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Files;
using DistTrainer.Simulation;
using Xunit;

namespace DistTrainer.Cluster.Tests.Simulation;

/// <summary>F10: the real actors on a simulated network; .ci/run has 10,000 seeds of the same.</summary>
public sealed class SimulationTests
{
    [Fact]
    public void F10_whatever_is_late_lost_doubled_cut_or_killed_the_run_ends_with_the_same_bits()
    {
        var failed = new List<SeedOutcome>();
        int faults = 0;
        Simulator.RunAll(20_001, 300, 2, outcome =>
        {
            faults += outcome.Scenario.Faults.Count;
            if (outcome.Violations.Count > 0)
                failed.Add(outcome);
        });
        Assert.True(failed.Count == 0, string.Join(Environment.NewLine, failed));
        Assert.True(faults > 600, $"Only {faults} faults were drawn: the seeds prove nothing.");
    }

    [Fact]
    public void A_seed_replays_event_by_event_whatever_ran_before_it()
    {
        var first = new Simulator();
        SeedOutcome[] forwards = [.. Enumerable.Range(1, 20).Select(first.Run)];
        var second = new Simulator(Trace.To(new StringWriter()));
        SeedOutcome[] backwards = [.. Enumerable.Range(1, 20).Reverse().Select(second.Run)];
        Assert.Equal(forwards.Select(outcome => (outcome.Seed, outcome.Fingerprint, outcome.Messages)),
            backwards.Reverse().Select(outcome => (outcome.Seed, outcome.Fingerprint, outcome.Messages)));
        Assert.Equal(20, forwards.Select(outcome => outcome.Fingerprint).Distinct().Count());
    }

    [Fact]
    public void The_protocol_goes_as_its_transcripts_say()
    {
        IReadOnlyList<string> files = Transcript.Files(TranscriptFolder());
        Assert.True(files.Count >= 10);
        Assert.All(files, file => Assert.Equal(File.ReadAllText(file), Transcript.Render(file)));

        static string TranscriptFolder([CallerFilePath] string here = "") =>
            Path.Combine(Path.GetDirectoryName(here)!, "../../DistTrainer.Simulation/transcripts");
    }

    [Fact]
    public void A_parameter_shard_with_two_owners_in_a_generation_is_seen()
    {
        var invariants = new Invariants(null);
        void HandsOut(string node, int generation) =>
            invariants.HandedOut(new Node(node, [], 0), new ParametersBroadcast(generation, 0, 3), 0, [1f]);
        HandsOut("a", 1);
        HandsOut("a", 1);
        HandsOut("b", 2);
        Assert.Empty(invariants.Violations);
        HandsOut("a", 2);
        Assert.StartsWith(
            "I2: parameter shard 0 has two owners in generation 2", Assert.Single(invariants.Violations),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_that_differ_by_one_bit_are_seen_when_they_are_handed_out_and_at_the_end()
    {
        Expectation expected = new Simulator().Expected(0);
        var invariants = new Invariants(expected);
        float[] right = expected.Parameters[3][0], wrong = [.. right];
        invariants.HandedOut(new Node("s0", [], 0), new ParametersBroadcast(1, 0, 3), 0, right);
        Assert.Empty(invariants.Violations);
        wrong[5] = MathF.BitIncrement(wrong[5]);
        invariants.HandedOut(new Node("s0", [], 0), new ParametersBroadcast(1, 0, 3), 0, wrong);
        Assert.StartsWith("I3:", Assert.Single(invariants.Violations), StringComparison.Ordinal);
        invariants.Ended(expected.Result with { ParameterHash = ParameterHash.Compute(wrong), Parameters = wrong });
        Assert.Contains(invariants.Violations, violation => violation.StartsWith("I4:", StringComparison.Ordinal));
    }

    [Fact]
    public void A_decision_that_was_made_twice_is_seen()
    {
        Expectation expected = new Simulator().Expected(3);
        (PlateauState plateau, StoppingState stopping) = expected.Decisions[2];
        var invariants = new Invariants(expected);
        RunState right = RunState.Start with { Step = 2, Plateau = plateau, Stopping = stopping };
        invariants.Decided(right, stepsPerEpoch: 1);
        Assert.Empty(invariants.Violations);
        invariants.Decided(right with { Plateau = plateau with { Factor = plateau.Factor / 2 } }, stepsPerEpoch: 1);
        Assert.StartsWith("Decisions: after epoch 2", Assert.Single(invariants.Violations), StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_that_is_missing_in_the_ledger_or_counted_twice_is_seen()
    {
        Expectation expected = new Simulator().Expected(0);
        foreach (int again in (int[])[0, 2])
        {
            var invariants = new Invariants(expected);
            invariants.OnLedger(expected.Ledger[0]);
            Assert.Empty(invariants.Violations);
            invariants.OnLedger(expected.Ledger[again]);
            Assert.StartsWith("I1:", Assert.Single(invariants.Violations), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void References_in_messages_are_those_of_the_node_that_gets_them()
    {
        IActorRef a = ActorRefs.Nobody, b = new RemoteReference(null!, new Node("w0", [], 1), new Node("s0", [], 0), a);
        var message = new AssignDataShards(
            1, 2, [new ActorPlace(a, new NodeAddress("s0", null, [])),
            new ActorPlace(a, new NodeAddress("s1", null, []))], [], 0, 1, [], default, 5);
        int replaced = 0;
        var copy = (AssignDataShards)References.Replace(message, _ =>
        {
            replaced++;
            return b;
        });
        Assert.Equal(2, replaced);
        Assert.All(copy.ParameterShards, place => Assert.Same(b, place.Actor));
        Assert.Equal(("s1", 5L), (copy.ParameterShards[1].Node.Name, copy.Step));
        var plain = new RunUntil(1, 2, new RateChange(1, null));
        Assert.Same(plain, References.Replace(plain, _ => b));
    }
}
