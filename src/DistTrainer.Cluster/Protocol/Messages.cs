using Akka.Actor;
using DistTrainer.Engine;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;

// Over 300 lines: a protocol is read as a whole, and each message says who sends it, what answers it, what a second
// copy does.
namespace DistTrainer.Cluster.Protocol;

// The protocol of a run on the path of its steps; nodes and the coordinator speak as ClusterMessages and
// MembershipMessages say. Messages of a generation carry its number, and a receiver in another one drops them. A
// generation begins the same way whatever was the reason (a worker came, was drained, died):
//
//   1. JoinParameterServer   run → copies of parameter shards: each forgets the open step's contributions and names
//                            its open step;
//   2. AssignDataShards      run → workers: each gets data shards and connects to the parameter shards' nodes;
//   3. BroadcastParameters   run → parameter shards: each sends its slice of the step before the earliest open one,
//                            which is computed again, to the same bits.
//
// Where a parameter shard was lost, all go back between 1 and 2: RestoreParameters, run → parameter shards: each takes
// its slice of a checkpoint, or of the start, and the steps since are computed again, to the same bits. Gradients and
// parameters (PushGradient, ParametersBroadcast) pass as references within a process; between processes the links fill
// a buffer of the receiver's first and then tell the same message there (docs/wire.md). All others are small.

/// <summary>A message of the training protocol.</summary>
internal interface IProtocolMessage
{
    /// <summary>The membership version that it was sent in; it fences old messages.</summary>
    int Generation { get; }
}

/// <summary>
/// Run → every copy of every parameter shard, first in a generation: forget the open step's contributions. Reply:
/// <see cref="ParameterServerJoined"/>. A second copy is answered again.
/// </summary>
/// <param name="Generation">The new generation.</param>
/// <param name="Number">What the receiver is called until <see cref="BroadcastParameters"/>.</param>
internal sealed record JoinParameterServer(int Generation, int Number) : IProtocolMessage, IControlMessage;

/// <summary>Parameter shard → run: it is in the generation.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Number">Which one, as asked.</param>
/// <param name="OpenStep">The step whose contributions it takes next. Those that took part are within one of each
/// other; 0 where it was hosted anew and has no parameters yet.</param>
/// <param name="State">The newest state that the run told it; null before the first.</param>
internal sealed record ParameterServerJoined(int Generation, int Number, long OpenStep, RunState? State)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Parameter shard or worker → run, in answer to <see cref="JoinParameterServer"/> or <see cref="AssignDataShards"/>:
/// it is in a newer generation, or in that of another coordinator.
/// </summary>
/// <param name="Generation">The generation that was asked for.</param>
/// <param name="Newest">The one that it is in.</param>
internal sealed record GenerationRefused(int Generation, int Newest) : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → parameter shard: go back. Reply: <see cref="ParameterServerJoined"/> or <see cref="RestoreFailed"/>. A second
/// copy does the same.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Checkpoint">Folder of the checkpoint to read; null: the parameters and optimizer state that the run
/// started with.</param>
/// <param name="State">Where the run stands with them; to be told to a coordinator that takes over.</param>
internal sealed record RestoreParameters(int Generation, string? Checkpoint, RunState State)
    : IProtocolMessage, IControlMessage;

/// <summary>Parameter shard → run, in answer to <see cref="RestoreParameters"/>: it cannot.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Number">Which one, as asked in <see cref="JoinParameterServer"/>.</param>
/// <param name="Kind">What kind of failure.</param>
/// <param name="Message">Why, for people.</param>
internal sealed record RestoreFailed(int Generation, int Number, FailureKind Kind, string Message)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → worker, second in a generation: who the parameter shards are and which data shards the worker owns. Reply:
/// <see cref="DataShardsAssigned"/>. A second copy is answered again.
/// </summary>
/// <param name="Generation">The new generation.</param>
/// <param name="Worker">The worker's number in this generation.</param>
/// <param name="ParameterShards">Where the parameter shards are: in the order of their ranges, then replicas.</param>
/// <param name="Replicas">Whose replicas these are.</param>
/// <param name="FirstDataShard">First data shard that the worker owns.</param>
/// <param name="DataShardCount">How many it owns, in a row; may be 0.</param>
/// <param name="Neighbours">Data shards of the workers of its node, itself among them, that are in a row: what they
/// send to another machine is summed before. None, where each sends its own.</param>
/// <param name="Backup">The data shards of a slow worker: whenever this one waits for parameters that lack them, it
/// computes them too. None, where the count is 0.</param>
/// <param name="Step">The step whose parameters will be broadcast; the worker begins with the next one.</param>
internal sealed record AssignDataShards(
    int Generation, int Worker, ActorPlace[] ParameterShards, int[] Replicas, int FirstDataShard, int DataShardCount,
        DataShardRange[] Neighbours, DataShardRange Backup, long Step) : IProtocolMessage, IControlMessage;

/// <summary>Worker → run: it is in the generation and its links stand.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Which one.</param>
internal sealed record DataShardsAssigned(int Generation, int Worker) : IProtocolMessage, IControlMessage;

/// <summary>Worker → run: it cannot be in the generation, because a parameter shard's node cannot be reached.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Which one.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="Peer">The node that cannot be reached; null: there is none, the generation is over for it.</param>
internal sealed record DataShardsRefused(int Generation, int Worker, string Reason, string? Peer)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → parameter shard, third in a generation: send the slice of a step, and of the next one if it is applied, and
/// from now on every step's. Reply: <see cref="ParametersBroadcast"/> to all workers. A second copy sends them again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">The step before the earliest open one.</param>
/// <param name="Workers">All workers, in the order of their numbers, and where they are.</param>
/// <param name="ParameterShards">All parameter shards, in the order of their ranges, then replicas.</param>
/// <param name="Number">Place of the receiver among them. A replica does the same as the others, but hands nothing out:
/// it only says what it has applied.</param>
internal sealed record BroadcastParameters(int Generation, long Step, ActorPlace[] Workers, IActorRef[] ParameterShards,
    int Number) : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → parameter shard: how to apply the steps up to a decision point. Reply: <see cref="RunPrepared"/> at once,
/// <see cref="RunReached"/> when the step is applied. A second copy is answered again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">Last step to apply before the next decision; applied already is fine.</param>
/// <param name="Rate">What the learning rate is multiplied by (reduce-on-plateau) or replaced with (a person's
/// command).</param>
/// <param name="WithStatistics">Whether the last step collects norms of parameters, gradients and updates a
/// tensor.</param>
/// <param name="State">Where the run stands; to be told to a coordinator that takes over.</param>
/// <param name="KnownStep">The last step whose report is in; later ones are sent again, for they may have been
/// lost.</param>
/// <param name="AdmittedStep">A step whose gradient was not finite twice and is taken as it is, to be left out by all;
/// 0: none.</param>
internal sealed record PrepareRun(int Generation, long Step, RateChange Rate, bool WithStatistics, RunState State,
    long KnownStep, long AdmittedStep) : IProtocolMessage, IControlMessage;

/// <summary>What has become of the job's learning rate.</summary>
/// <param name="PlateauFactor">What reduce-on-plateau makes of it.</param>
/// <param name="Base">The rate that the schedule starts from, set while training; null: the job's.</param>
internal sealed record RateChange(double PlateauFactor, double? Base);

/// <summary>Parameter shard → run: ready for the steps up to the one named.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">As asked.</param>
internal sealed record RunPrepared(int Generation, int ParameterShard, long Step) : IProtocolMessage, IControlMessage;

/// <summary>Parameter shard → run: the step that a run was prepared for is applied.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The step.</param>
/// <param name="Sums">All that went into the parameters since <see cref="PrepareRun.KnownStep"/>, in order; from the
/// first parameter shard only. Reports are not enough: a step that some had applied before it was known to be the last
/// is reported by others alone.</param>
/// <param name="Statistics">Sums of squares a tensor, if asked for.</param>
internal sealed record RunReached(
    int Generation, int ParameterShard, long Step, StepSums[] Sums, TensorStatistics[] Statistics)
        : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → worker: begin steps up to the one named, each as soon as its parameters are in. No reply. A second copy
/// changes nothing.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">Last step to begin.</param>
/// <param name="Rate">What the learning rate of these steps is: workers apply the steps of a round themselves.</param>
internal sealed record RunUntil(int Generation, long Step, RateChange Rate) : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → worker: begin no further step. Reply: <see cref="Holding"/>. A second copy is answered again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Number">Which time it is asked: an answer to an earlier one says nothing any more.</param>
internal sealed record Hold(int Generation, int Number) : IProtocolMessage, IControlMessage;

/// <summary>Worker → run: no step beyond the one named was begun.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Which one.</param>
/// <param name="Step">The last step that was begun, or the end of the last round that was handed in.</param>
/// <param name="Number">As asked.</param>
internal sealed record Holding(int Generation, int Worker, long Step, int Number) : IProtocolMessage, IControlMessage;

/// <summary>
/// Worker → parameter shard: the gradient sum of one complete subtree of data shards; at a round's end the sum of what
/// its groups have come to, each times its share of the samples. Reply:
/// <see cref="ParametersBroadcast"/>, once all data shards are in. A second copy is dropped.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Who computed it; named when it is refused.</param>
/// <param name="Step">The step, counted from 1.</param>
/// <param name="Node">Which data shards.</param>
/// <param name="Gradient">Holds the sum; not changed until the step's parameters have been broadcast.</param>
/// <param name="Offset">Index in the flat vector of the buffer's first element.</param>
/// <param name="IsKnownFinite">Whether the worker has seen that all values are finite; else the parameter shard looks
/// for itself.</param>
/// <param name="Losses">The loss sums of the node's data shards, one each.</param>
/// <param name="SampleHash"><see cref="SampleLedger.Hash(ReadOnlySpan{int})"/> of the samples that were used.</param>
internal sealed record PushGradient(
    int Generation, int Worker, long Step, TreeNode Node, AlignedBuffer Gradient,
        int Offset, bool IsKnownFinite,
    LossSums[] Losses, ulong SampleHash) : IProtocolMessage;

/// <summary>
/// Parameter shard → all workers: its slice of the parameters of a step is in place; from a replica: it has applied the
/// step. Also → run, as the answer to <see cref="CollectParameters"/>. A second copy changes nothing.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one; replicas have the numbers after the last.</param>
/// <param name="Step">The step that was applied.</param>
internal sealed record ParametersBroadcast(int Generation, int ParameterShard, long Step) : IProtocolMessage;

/// <summary>
/// Run → parameter shard, between steps: send the slice to the run's node. Reply: <see cref="ParametersBroadcast"/>. A
/// second copy is answered again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">The last step that was applied, or the one before.</param>
/// <param name="Collector">The run's place.</param>
internal sealed record CollectParameters(int Generation, long Step, ActorPlace Collector)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Parameter shard → all parameter shards, where the job needs it: its part of the gradient's norm. A second copy
/// changes nothing.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The step.</param>
/// <param name="BlockSums">Sum of squares of each of its blocks.</param>
internal sealed record ShareNorm(int Generation, int ParameterShard, long Step, double[] BlockSums)
    : IProtocolMessage, IControlMessage;

/// <summary>What went into the parameters in some steps in a row.</summary>
/// <param name="FirstStep">The first of them; 0: there are none.</param>
/// <param name="LastStep">The last of them.</param>
/// <param name="Losses">Sums over the samples of those that were not left out.</param>
/// <param name="Samples">Samples of all of them.</param>
/// <param name="SampleHash">Sum of their samples' hashes.</param>
internal readonly record struct StepSums(long FirstStep, long LastStep, LossSums Losses, long Samples, ulong SampleHash)
{
    /// <summary>The next steps, those after one up to another, are in as well.</summary>
    public StepSums With(long before, long step, LossSums losses, long samples, ulong sampleHash) =>
        new(FirstStep == 0 ? before + 1 : FirstStep, step, Losses + losses, Samples + samples, SampleHash + sampleHash);
}

/// <summary>
/// Run → parameter shard, between steps: copy the slice and all that belongs to it, to be written to a checkpoint.
/// Reply: <see cref="CheckpointCopied"/>. A second copy is answered again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">The last step that was applied.</param>
internal sealed record CopyForCheckpoint(int Generation, long Step) : IProtocolMessage, IControlMessage;

/// <summary>Parameter shard → run: steps may go on; the copy is kept until it is written.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">As asked.</param>
/// <param name="Milliseconds">How long it took.</param>
internal sealed record CheckpointCopied(int Generation, int ParameterShard, long Step, double Milliseconds)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → parameter shard: write the copy into the folder that has been made. Reply: <see cref="PartWritten"/>, whatever
/// the generation is by then. A second copy is answered again.
/// </summary>
/// <param name="Target">Which checkpoint, and where.</param>
internal sealed record WritePart(CheckpointTarget Target) : IControlMessage;

/// <summary>Parameter shard → run: its part of a checkpoint is on the disk, or is not.</summary>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Target">As asked.</param>
/// <param name="File">The file; null where it could not be written.</param>
/// <param name="Failure">Why not, for people.</param>
internal sealed record PartWritten(int ParameterShard, CheckpointTarget Target, CheckpointFile? File, string? Failure)
    : IControlMessage;

/// <summary>Parameter shard → run, every few steps: figures of the steps since the report before. No reply.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The last step of the report.</param>
/// <param name="LearningRate">Rate of that step.</param>
/// <param name="Sums">Over the steps since the report before; from the first parameter shard only, else empty.</param>
/// <param name="BlockSums">Sum of squares of each of its blocks of that step's gradient.</param>
/// <param name="Times">Where its time went, a step.</param>
internal sealed record ReportSteps(
    int Generation, int ParameterShard, long Step, double LearningRate, StepSums Sums, double[] BlockSums,
        ParameterShardTimes Times) : IProtocolMessage, IControlMessage;

/// <summary>
/// Parameter shard → run, where histograms are wanted: how the values of one tensor's part here spread. No reply; one
/// that is lost is not sent again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The step that was applied.</param>
/// <param name="Part">The tensor, and the values.</param>
internal sealed record ReportHistogram(int Generation, int ParameterShard, long Step, TensorHistogram Part)
    : IProtocolMessage, IControlMessage;

/// <summary>Worker → run, every few steps: where its time went. No reply.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Which one.</param>
/// <param name="Step">The last step of the report.</param>
/// <param name="Times">Where its time went, a step.</param>
internal sealed record ReportWorker(int Generation, int Worker, long Step, WorkerTimes Times)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Parameter shard → run, when a step stands still: whose contributions are missing; none are where only other
/// parameter shards' parts of the norm are. No reply.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The open step.</param>
/// <param name="Missing">The data shards that are missing, as contiguous ranges.</param>
/// <param name="Seconds">How long the step has been open.</param>
internal sealed record WaitingFor(int Generation, int ParameterShard, long Step, DataShardRange[] Missing,
    double Seconds) : IProtocolMessage, IControlMessage;

/// <summary>
/// Parameter shard → run: a contribution was refused before the sum, because it is not finite. The parameters stay as
/// they were.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Who refused.</param>
/// <param name="Step">The step.</param>
/// <param name="Worker">Who computed it.</param>
/// <param name="Node">Which data shards.</param>
internal sealed record RefuseContribution(int Generation, int ParameterShard, long Step, int Worker, TreeNode Node)
    : IProtocolMessage, IControlMessage;

/// <summary>Which part of the data to evaluate.</summary>
internal enum DataPart
{
    /// <summary>The validation part.</summary>
    Validation,

    /// <summary>The held-out test part.</summary>
    Test,
}

/// <summary>
/// Run → worker: evaluate chunks of a data part with the parameters of a step. Reply: <see cref="Evaluated"/>. A second
/// copy is answered again.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">The parameters' step.</param>
/// <param name="Part">Which part of the data.</param>
/// <param name="FirstChunk">First chunk of <see cref="Evaluator.ChunkSize"/> samples.</param>
/// <param name="ChunkCount">How many, in a row.</param>
internal sealed record EvaluateChunks(int Generation, long Step, DataPart Part, int FirstChunk, int ChunkCount)
    : IProtocolMessage, IControlMessage;

/// <summary>Worker → run: the sums of the chunks that it was asked for.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">As asked.</param>
/// <param name="Part">As asked.</param>
/// <param name="FirstChunk">As asked.</param>
/// <param name="Sums">One entry a chunk.</param>
internal sealed record Evaluated(int Generation, long Step, DataPart Part, int FirstChunk, LossSums[] Sums)
    : IProtocolMessage, IControlMessage;

/// <summary>
/// Run → parameter shard, between steps: remember the parameters as they are. Reply: <see cref="BestKept"/>. A second
/// copy does it again, which changes nothing.
/// </summary>
/// <param name="Generation">The generation.</param>
/// <param name="Restore">False keeps a copy; true takes the kept copy back.</param>
/// <param name="State">Where the run stands; to be told to a coordinator that takes over.</param>
internal sealed record KeepBest(int Generation, bool Restore, RunState State) : IProtocolMessage, IControlMessage;

/// <summary>Parameter shard → run: done as asked by <see cref="KeepBest"/>.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Restore">As asked.</param>
internal sealed record BestKept(int Generation, int ParameterShard, bool Restore) : IProtocolMessage, IControlMessage;
