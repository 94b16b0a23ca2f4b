using DistTrainer.Cluster.Run;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>What comes next in a run, row by row: where it stands → what it does.</summary>
public sealed class RunCourseTests
{
    /// <summary>Between two steps; step 5 of a run that has more to do, unless the row says otherwise.</summary>
    public static TheoryData<string, object, object> Positions => new()
    {
        { "nothing is asked for", At(), RunNext.Steps },
        { "before the first step", At() with { Step = 0 }, RunNext.Steps },
        { "a pause", At() with { Pauses = true }, RunNext.Pause },
        { "a stop", At() with { Stops = true }, RunNext.Finish },
        { "a stop while it pauses", At() with { Stops = true, Pauses = true }, RunNext.Finish },
        { "a stop before the first step", At() with { Step = 0, Stops = true }, RunNext.Finish },
        { "all steps are done", At() with { IsFinished = true }, RunNext.Finish },
        { "all are done, and it pauses", At() with { IsFinished = true, Pauses = true }, RunNext.Finish },
        { "all are done, and an earlier epoch was better", At() with { IsFinished = true, RestoresBest = true },
            RunNext.RestoreBest },
        { "a stop, and an earlier epoch was better", At() with { Stops = true, RestoresBest = true }, RunNext.Finish },
        { "a stop at the very end, and an earlier epoch was better",
            At() with { IsFinished = true, Stops = true, RestoresBest = true }, RunNext.RestoreBest },
        { "more to do, and an earlier epoch was better", At() with { RestoresBest = true }, RunNext.Steps },
        { "a checkpoint is due", At() with { IsCheckpointDue = true }, RunNext.Checkpoint },
        { "one is due and it is to pause: first the checkpoint", At() with { IsCheckpointDue = true, Pauses = true },
            RunNext.Checkpoint },
        { "one is due at the very end: the model is written anyway",
            At() with { IsCheckpointDue = true, IsFinished = true }, RunNext.Finish },
        { "one is due, and it stops where nothing would be lost",
            At() with { IsCheckpointDue = true, Stops = true }, RunNext.Finish },
        { "a stop that would lose steps", At() with { Stops = true, WantsLastCheckpoint = true }, RunNext.Checkpoint },
        { "a stop with a step that some have applied",
            At() with { Stops = true, WantsLastCheckpoint = true, Applied = 6 }, RunNext.Finish },
        { "a stop that would lose steps, at the very end",
            At() with { Stops = true, WantsLastCheckpoint = true, IsFinished = true }, RunNext.Finish },
        { "something would be lost, but nobody stops", At() with { WantsLastCheckpoint = true }, RunNext.Steps },
        { "a replica is behind", Behind(), RunNext.Checkpoint },
        { "a replica is behind, and this step's checkpoint is there", Behind() with { NewestCheckpoint = 5 },
            RunNext.SyncReplicas },
        { "a replica is behind, and an older checkpoint is there", Behind() with { NewestCheckpoint = 4 },
            RunNext.Checkpoint },
        { "a replica is behind, and one is being written", Behind() with { IsWriting = true }, RunNext.AwaitDisk },
        { "a replica is behind, and this step's could not be written",
            Behind() with { HasBegunCheckpoint = true }, RunNext.Steps },
        { "a replica is behind, this step's could not be written, and it is to pause",
            Behind() with { HasBegunCheckpoint = true, Pauses = true }, RunNext.Pause },
        { "a replica is behind before the first step", Behind() with { Step = 0 }, RunNext.Steps },
        { "a replica is behind, and it is to pause: first the replica", Behind() with { Pauses = true },
            RunNext.Checkpoint },
        { "a replica is behind, and it stops", Behind() with { Stops = true }, RunNext.Finish },
        { "a replica is behind, and it stops while one is written",
            Behind() with { Stops = true, IsWriting = true }, RunNext.Finish },
        { "a replica is behind, and all is done", Behind() with { IsFinished = true }, RunNext.Finish },
        { "a replica is behind, all is done, an earlier epoch was better",
            Behind() with { IsFinished = true, RestoresBest = true }, RunNext.RestoreBest },
        { "a replica is behind, and one is due too", Behind() with { IsCheckpointDue = true }, RunNext.Checkpoint },
        { "a replica is behind, one is due and the one before is being written",
            Behind() with { IsCheckpointDue = true, IsWriting = true }, RunNext.AwaitDisk },
        { "one is being written, and nothing is asked for", At() with { IsWriting = true }, RunNext.Steps },
        { "one is due while one is being written", At() with { IsWriting = true, IsCheckpointDue = true },
            RunNext.Checkpoint },
    };

    [Theory]
    [MemberData(nameof(Positions))]
    public void Between_two_steps_it_does(string where, object position, object next) =>
        Assert.True(
            RunCourse.Next((RunPosition)position) == (RunNext)next,
            $"{where}: {RunCourse.Next((RunPosition)position)}");

    /// <summary>All copies have joined; step 5, with step 6 open, unless the row says otherwise.</summary>
    public static TheoryData<string, object, object> Joins => new()
    {
        { "all know the same", Joined(), AfterJoin.Assign },
        { "some have applied a step more", Joined() with { LastOpen = 7 }, AfterJoin.Assign },
        { "a parameter shard is lost", Joined() with { AreWhole = false }, AfterJoin.GoBack },
        { "one is lost and could not be restored",
            Joined() with { AreWhole = false, HasRestoreFailure = true }, AfterJoin.Fail },
        { "a replica could not be restored", Joined() with { HasRestoreFailure = true }, AfterJoin.Assign },
        { "all were hosted anew: they open step 1", Joined() with { LastOpen = 1 }, AfterJoin.GoBack },
        { "the step that was decided last is open again", Joined() with { LastOpen = 5 }, AfterJoin.GoBack },
        { "a gradient was not finite", Joined() with { GoesBack = true }, AfterJoin.GoBack },
        { "another coordinator led it, and nobody knows where it stands",
            Joined() with { KnowsState = false }, AfterJoin.GoBack },
        { "the run's beginning", new JoinedPosition(0, AreWhole: true, LastOpen: 1), AfterJoin.Assign },
    };

    [Theory]
    [MemberData(nameof(Joins))]
    public void When_all_have_joined_it_does(string where, object position, object next) =>
        Assert.True(RunCourse.AfterJoin((JoinedPosition)position) == (AfterJoin)next, where);

    [Theory]
    [InlineData(5, 5, 10, false, 10)]
    [InlineData(5, 6, 10, false, 10)]
    [InlineData(5, 5, 10, true, 5)] // it holds at once
    [InlineData(5, 6, 10, true, 6)] // but for a step that some have applied: it is finished everywhere
    [InlineData(5, 4, 10, true, 5)]
    public void The_next_decision_is_at(long step, long lastWhole, long decision, bool holds, long target) =>
        Assert.Equal(target, RunCourse.Target(step, lastWhole, decision, holds));

    [Theory]
    [InlineData(nameof(RunAim.Steps), true, nameof(RunAim.Steps))]
    [InlineData(nameof(RunAim.Validate), true, nameof(RunAim.Validate))] // what was interrupted is entered again
    [InlineData(nameof(RunAim.KeepBest), true, nameof(RunAim.KeepBest))]
    [InlineData(nameof(RunAim.Validate), false, nameof(RunAim.Steps))] // without workers it ends with what all have
    [InlineData(nameof(RunAim.Finish), false, nameof(RunAim.Finish))]
    public void A_generation_that_has_begun_goes_on_with(string aim, bool areEnough, string next) =>
        Assert.Equal(next, RunCourse.AfterAssigned(Enum.Parse<RunAim>(aim), areEnough).ToString());

    [Theory]
    [InlineData(10, 5, true, nameof(RunAim.Validate))]
    [InlineData(10, 5, false, nameof(RunAim.Decide))] // evaluated before it was interrupted
    [InlineData(9, 5, true, nameof(RunAim.Decide))]
    public void After_the_steps_comes(long step, int stepsPerEpoch, bool hasSamples, string next) =>
        Assert.Equal(next, RunCourse.AfterSteps(step, stepsPerEpoch, hasSamples).ToString());

    [Theory]
    [InlineData(false, true, nameof(RunAim.Steps))]
    [InlineData(true, true, nameof(RunAim.RestoreBest))]
    [InlineData(true, false, nameof(RunAim.Finish))]
    public void A_coordinator_that_takes_over_goes_on_with(bool isStoppedEarly, bool keepsBest, string next) =>
        Assert.Equal(next, RunCourse.AfterTakeOver(isStoppedEarly, keepsBest).ToString());

    private static RunPosition At() => new(Step: 5, Applied: 5);

    private static RunPosition Behind() => At() with { HasStaleReplicas = true };

    private static JoinedPosition Joined() => new(Step: 5, AreWhole: true, LastOpen: 6);
}
