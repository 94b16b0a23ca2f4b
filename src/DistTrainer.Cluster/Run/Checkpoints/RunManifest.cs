using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cluster.Run.Checkpoints;

/// <summary>What a checkpoint says of a run.</summary>
internal static class RunManifest
{
    /// <summary>The manifest of a checkpoint, but for its files.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="setup">The run on this node.</param>
    /// <param name="run">Name of the run.</param>
    /// <param name="generation">Membership version.</param>
    public static CheckpointManifest Of(RunState state, TrainingSetup setup, string run, int generation)
    {
        JobDescription job = setup.Job;
        int epoch = state.Step == 0 ? 0 : setup.EpochOf(state.Step);
        long first = Math.Max(0, epoch - 1) * (long)setup.StepsPerEpoch;
        var sums = new Dictionary<string, double>
        {
            ["samples"] = state.EpochSums.Count,
            ["weight"] = state.EpochSums.Weight,
            ["loss"] = state.EpochSums.LossSum,
            ["correct"] = state.EpochSums.Correct,
            ["squared-error"] = state.EpochSums.SquaredErrorSum,
        };
        if (state.TrainLoss is { } loss)
            sums[RunState.LastEpochLoss] = loss;
        return new CheckpointManifest
        {
            Run = run,
            Step = state.Step,
            Generation = generation,
            Position = new CheckpointPosition(
                epoch, Math.Min((state.Step - first) * Math.Min(job.Training.BatchSize, setup.Data.Train.Count),
                    setup.Data.Train.Count), setup.StepsPerEpoch, (int)(state.Step / setup.StepsPerEpoch), sums),
            Seeds = new CheckpointSeeds(job.Training.Seed, job.Data.SplitSeed),
            Rate = new CheckpointRate(
                state.Rates.LastOrDefault(set => set.FirstStep <= state.Step + 1) is { FirstStep: > 0 } set ? set.Rate
                : null, state.Plateau.Factor, state.Plateau.Best, state.Plateau.BadEpochs),
            EarlyStopping = new CheckpointStopping(
                state.Stopping.BestEpoch, state.Stopping.BestLoss, state.Stopping.BadEpochs),
            ValidationLoss = state.ValidationLoss,
            Divergence = state.Divergence == default ? null
                : new CheckpointDivergence(
                    state.Divergence.Lowered, state.Divergence.FirstRate, state.Divergence.AdmittedStep,
                    state.Divergence.LeftOut),
            HasBest = state.Stopping.BestEpoch > 0
                && job.Training.EarlyStopping is { Patience: > 0, RestoreBest: true },
            Job = new JobFile(job, setup.Options.OfJob).Write(),
            DataHash = setup.Data.Hash,
            Optimizer = CheckpointOptimizer.Of(job),
            Layout = CheckpointManifest.Describe(setup.Layout),
        };
    }
}
