using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Files;
using DistTrainer.ParameterServer;

namespace DistTrainer.Simulation;

/// <summary>
/// What must hold whatever happens: each sample counts once (the reported sums are those of a run that nothing
/// disturbs), no parameter shard has two owners in a generation, whoever computes or hands out parameters of a step has
/// the right ones, and the final parameters are the same bits.
/// </summary>
/// <param name="expected">The run that nothing disturbs; null while that one itself is recorded.</param>
/// <param name="reportsEach">Whether each step is reported; else only the sums over all are compared.</param>
internal sealed class Invariants(Expectation? expected, bool reportsEach = true) : ITrainingObserver
{
    private readonly Dictionary<(int Generation, int ParameterShard), string> _owners = [];
    private readonly Dictionary<(int Generation, int ParameterShard), long> _applied = [];
    private readonly List<LedgerEntry> _ledger = [];
    private int _newest;
    private readonly List<StepDecision> _steps = [];
    private readonly List<EpochDecision> _epochs = [];
    private readonly Dictionary<int, (PlateauState Plateau, StoppingState Stopping)> _decisions = [];

    /// <summary>What did not hold.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>
    /// Parameters that were handed out, by step; of the last step there may be two, before and after the best are taken
    /// back.
    /// </summary>
    public Dictionary<long, List<float[]>> Recorded { get; } = [];

    /// <summary>The last epoch that was reported.</summary>
    public int LastEpoch => _epochs.Count > 0 ? _epochs[^1].Epoch : 0;

    /// <summary>
    /// The run goes on: what it has decided up to the last epoch that is over (rate, best epoch, when to stop) must be
    /// what is decided without faults, however often it was interrupted there.
    /// </summary>
    /// <param name="state">Where it stands.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    public void Decided(RunState state, int stepsPerEpoch)
    {
        int epoch = (int)(state.Step / stepsPerEpoch);
        (PlateauState, StoppingState) decided = (state.Plateau, state.Stopping);
        if (expected is null)
            _decisions[epoch] = decided;
        else if (expected.Decisions.TryGetValue(epoch, out (PlateauState, StoppingState) right) && right != decided)
            Violations.Add($"Decisions: after epoch {epoch} the run has decided {decided}, without faults {right}.");
    }

    /// <summary>The newest generation that a parameter shard is in.</summary>
    public int Generation => _newest;

    /// <summary>A parameter shard is in a generation: what is said in older ones counts no more.</summary>
    public void Begin(int generation) => _newest = Math.Max(_newest, generation);

    private void Own(int generation, int parameterShard, string owner)
    {
        if (!_owners.TryAdd((generation, parameterShard), owner) && _owners[(generation, parameterShard)] != owner)
            Violations.Add(
                $"I2: parameter shard {parameterShard} has two owners in generation {generation}: "
                + $"{_owners[(generation, parameterShard)]} and {owner}.");
    }

    /// <summary>
    /// A worker hands in a gradient that it has computed with the parameters of a step; where its generation is over,
    /// or all have applied the next step without it, nobody takes it.
    /// </summary>
    public void Used(Node node, int generation, long step)
    {
        bool isStale = node.Setup.Ranges.All(range => _applied.GetValueOrDefault((generation, range.Index)) > step);
        if (expected is not null && generation >= _newest && !isStale
            && !expected.Has(step, 0, node.Setup.Parameters.Of(step)))
            Violations.Add(
                $"I3: a worker on {node.Name} has computed with other parameters of step {step} than were handed out.");
    }

    /// <summary>A parameter shard hands out its slice of a step.</summary>
    public void HandedOut(Node node, ParametersBroadcast broadcast, int start, ReadOnlySpan<float> slice)
    {
        long step = broadcast.Step;
        Own(broadcast.Generation, broadcast.ParameterShard, node.Name);
        _applied[(broadcast.Generation, broadcast.ParameterShard)] = Math.Max(
            step, _applied.GetValueOrDefault((broadcast.Generation, broadcast.ParameterShard)));
        if (expected is not null)
        {
            if (!expected.Has(step, start, slice))
                Violations.Add(
                    $"I3: a parameter shard on {node.Name} hands out other parameters of step {step}, from {start}, "
                    + "than without faults.");
            return;
        }
        if (!Recorded.TryGetValue(step, out List<float[]>? values))
            Recorded[step] = values = [];
        if (values.Count == 0 || !slice.SequenceEqual(values[^1]))
            values.Add(slice.ToArray());
    }

    /// <summary>The run has ended.</summary>
    public void Ended(TrainingResult result)
    {
        if (expected is null)
            return;
        if (result.ParameterHash != expected.Result.ParameterHash
            || result.ParameterHash != ParameterHash.Compute(result.Parameters))
            Violations.Add(
                $"I4: the final parameters are {result.ParameterHash}, not {expected.Result.ParameterHash}.");
        if ((result.Steps, result.Epochs, result.Reason, result.Validation, result.Test) != (expected.Result.Steps,
            expected.Result.Epochs, expected.Result.Reason, expected.Result.Validation, expected.Result.Test))
            Violations.Add($"The run ended otherwise: {result}, not {expected.Result}.");
        // A report that was lost with a connection is not told again; the ledger has its steps all the same.
        if (reportsEach && !_steps.All(expected.Steps.Contains))
            Violations.Add(
                $"I1: the reports of steps are [{string.Join(", ", _steps)}], not "
                + $"[{string.Join(", ", expected.Steps)}].");
        if (reportsEach ? !_ledger.SequenceEqual(expected.Ledger) : Total(_ledger) != Total(expected.Ledger))
            Violations.Add(
                $"I1: the ledger is [{string.Join(", ", _ledger)}], not [{string.Join(", ", expected.Ledger)}].");
        if (!_epochs.SequenceEqual(expected.Epochs))
            Violations.Add(
                $"I1: the reports of epochs are [{string.Join(", ", _epochs)}], not "
                + $"[{string.Join(", ", expected.Epochs)}].");
    }

    private static (long LastStep, long Samples, ulong Hash) Total(IReadOnlyList<LedgerEntry> ledger) =>
        (ledger[^1]
            .LastStep, ledger.Sum(entry => entry.Samples), ledger.Aggregate(0ul, (sum, entry) => sum + entry.Hash));

    /// <summary>The run went back to a step: later ones are reported again.</summary>
    public void OnWentBack(long lastStep)
    {
        _steps.RemoveAll(step => step.Step > lastStep);
        _epochs.RemoveAll(epoch => epoch.Step > lastStep);
        _ledger.RemoveAll(entry => entry.LastStep > lastStep);
    }

    /// <summary>Hears which samples went into the parameters.</summary>
    public void OnLedger(LedgerEntry entry)
    {
        if (entry.FirstStep != _ledger.LastOrDefault().LastStep + 1)
            Violations.Add(
                $"I1: the ledger goes on with steps {entry.FirstStep} to {entry.LastStep} after step "
                + $"{_ledger.LastOrDefault().LastStep}.");
        _ledger.Add(entry);
    }

    /// <summary>What was reported, as the expectation of other runs.</summary>
    public Expectation ToExpectation(TrainingResult result) =>
        new(result, _steps, _epochs, _ledger, Recorded, _decisions);

    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
        // The scenario knows.
    }

    public void OnStep(StepReport report) =>
        _steps.Add(new StepDecision(report.Step, report.Loss, report.GradientNorm, report.LearningRate));

    public void OnEpoch(EpochReport report) => _epochs.Add(
        new EpochDecision(
            report.Epoch, report.Step, report.TrainLoss, report.ValidationLoss, report.LearningRate,
            report.ParameterHash));
}

/// <summary>A step as it was reported.</summary>
internal readonly record struct StepDecision(long Step, double Loss, double Norm, double Rate);

/// <summary>An epoch as it was reported.</summary>
internal readonly record struct EpochDecision(
    int Epoch, long Step, double Train, double? Validation, double Rate, string Hash);

/// <summary>A run that nothing disturbs.</summary>
/// <param name="Result">How it ended.</param>
/// <param name="Steps">Reports of its steps.</param>
/// <param name="Epochs">Reports of its epochs.</param>
/// <param name="Ledger">Which samples went into the parameters.</param>
/// <param name="Parameters">The parameters after each step.</param>
/// <param name="Decisions">What was decided, by the last epoch that was over.</param>
internal sealed record Expectation(
    TrainingResult Result, IReadOnlyList<StepDecision> Steps, IReadOnlyList<EpochDecision> Epochs,
        IReadOnlyList<LedgerEntry> Ledger,
    Dictionary<long, List<float[]>> Parameters, Dictionary<int,
        (PlateauState Plateau, StoppingState Stopping)> Decisions)
{
    /// <summary>Whether these are the parameters of a step, from an element on, bit for bit.</summary>
    public bool Has(long step, int start, ReadOnlySpan<float> slice)
    {
        foreach (float[] values in Parameters.GetValueOrDefault(step) ?? [])
        {
            if (start + slice.Length <= values.Length && slice.SequenceEqual(values.AsSpan(start, slice.Length)))
                return true;
        }
        return false;
    }
}
