using Akka.Actor;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

// The whole protocol. Every message carries the generation of the membership that it was sent in; a receiver in another
// generation drops it. Buffers are references: within a process nothing is copied, and between processes the data plane
// fills a buffer of the receiver's before it sends the same message there.

/// <summary>A message of the training protocol.</summary>
public interface IProtocolMessage
{
    /// <summary>The membership version that it was sent in; it fences old messages.</summary>
    int Generation { get; }
}

/// <summary>Coordinator → worker, once a generation: who the parameter shards are and which data shards the worker owns. No reply. A second copy changes nothing.</summary>
/// <param name="Generation">The new generation.</param>
/// <param name="ParameterShards">The parameter-shard actors in the order of their ranges.</param>
/// <param name="FirstDataShard">First data shard that the worker owns.</param>
/// <param name="DataShardCount">How many it owns, in a row; may be 0.</param>
/// <param name="Step">The step whose parameters are in place; the worker begins with the next one.</param>
public sealed record AssignDataShards(
    int Generation, IReadOnlyList<IActorRef> ParameterShards, int FirstDataShard, int DataShardCount, long Step) : IProtocolMessage;

/// <summary>Coordinator → parameter shard, once a generation: who the workers and the other parameter shards are. No reply. A second copy changes nothing.</summary>
/// <param name="Generation">The new generation.</param>
/// <param name="Workers">All workers; each gets every broadcast.</param>
/// <param name="ParameterShards">All parameter shards, in the order of their ranges.</param>
public sealed record JoinParameterServer(
    int Generation, IReadOnlyList<IActorRef> Workers, IReadOnlyList<IActorRef> ParameterShards) : IProtocolMessage;

/// <summary>Coordinator → parameter shard: how to apply the steps up to a decision point. Reply: <see cref="RunPrepared"/> at once, <see cref="RunReached"/> when the step is applied. A second copy is answered again.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">Last step to apply before the next decision; applied already is fine.</param>
/// <param name="PlateauFactor">What reduce-on-plateau makes of the learning rate.</param>
/// <param name="WithStatistics">Whether the last step collects norms of parameters, gradients and updates a tensor.</param>
public sealed record PrepareRun(int Generation, long Step, double PlateauFactor, bool WithStatistics) : IProtocolMessage;

/// <summary>Parameter shard → coordinator: ready for the steps up to the one named.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">As asked.</param>
public sealed record RunPrepared(int Generation, int ParameterShard, long Step) : IProtocolMessage;

/// <summary>Parameter shard → coordinator: the step that a run was prepared for is applied.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The step.</param>
/// <param name="Statistics">Sums of squares a tensor, if asked for.</param>
public sealed record RunReached(
    int Generation, int ParameterShard, long Step, IReadOnlyList<TensorStatistics> Statistics) : IProtocolMessage;

/// <summary>Coordinator → worker: begin steps up to the one named, each as soon as its parameters are in. No reply. A second copy changes nothing.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">Last step to begin.</param>
public sealed record RunUntil(int Generation, long Step) : IProtocolMessage;

/// <summary>Coordinator → worker: begin no further step. Reply: <see cref="Holding"/>. A second copy is answered again.</summary>
/// <param name="Generation">The generation.</param>
public sealed record Hold(int Generation) : IProtocolMessage;

/// <summary>Worker → coordinator: no step beyond the one named was begun.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Which one.</param>
/// <param name="Step">The last step that was begun.</param>
public sealed record Holding(int Generation, int Worker, long Step) : IProtocolMessage;

/// <summary>Worker → parameter shard: the gradient sum of one complete subtree of data shards. Reply: <see cref="ParametersBroadcast"/>, once all data shards are in. A second copy is dropped.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Worker">Who computed it; named when it is refused.</param>
/// <param name="Step">The step, counted from 1.</param>
/// <param name="Samples">Samples of the whole step, over all workers: what the sum is divided by.</param>
/// <param name="Node">Which data shards.</param>
/// <param name="Gradient">The flat gradient; not changed until the step's parameters have been broadcast.</param>
/// <param name="IsKnownFinite">Whether the worker has seen that all values are finite; else the parameter shard looks for itself.</param>
/// <param name="Losses">The loss sums of the node's data shards, one each.</param>
public sealed record PushGradient(
    int Generation, int Worker, long Step, int Samples, TreeNode Node, AlignedBuffer Gradient, bool IsKnownFinite,
    LossSums[] Losses) : IProtocolMessage;

/// <summary>Parameter shard → all workers: its slice of the parameters of a step is in place. A second copy changes nothing.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The step that was applied.</param>
public sealed record ParametersBroadcast(int Generation, int ParameterShard, long Step) : IProtocolMessage;

/// <summary>Parameter shard → all parameter shards, with clipping by norm only: its part of the gradient's norm. A second copy changes nothing.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The step.</param>
/// <param name="BlockSums">Sum of squares of each of its blocks.</param>
public sealed record ShareNorm(int Generation, int ParameterShard, long Step, double[] BlockSums) : IProtocolMessage;

/// <summary>Parameter shard → coordinator, every few steps: figures of the steps since the report before. No reply.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Step">The last step of the report.</param>
/// <param name="LearningRate">Rate of that step.</param>
/// <param name="Losses">Sums over the steps since the report before; from the first parameter shard only, else empty.</param>
/// <param name="BlockSums">Sum of squares of each of its blocks of that step's gradient.</param>
public sealed record ReportSteps(
    int Generation, int ParameterShard, long Step, double LearningRate, LossSums Losses, double[] BlockSums) : IProtocolMessage;

/// <summary>Parameter shard → coordinator: a contribution was refused before the sum. The run ends; the parameters stay as they were.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Who refused.</param>
/// <param name="Step">The step.</param>
/// <param name="Worker">Who computed it.</param>
/// <param name="Node">Which data shards.</param>
public sealed record RefuseContribution(int Generation, int ParameterShard, long Step, int Worker, TreeNode Node) : IProtocolMessage;

/// <summary>Which part of the data to evaluate.</summary>
public enum DataPart
{
    /// <summary>The validation part.</summary>
    Validation,

    /// <summary>The held-out test part.</summary>
    Test,
}

/// <summary>Coordinator → worker: evaluate chunks of a data part with the parameters of a step. Reply: <see cref="Evaluated"/>. A second copy is answered again.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">The parameters' step.</param>
/// <param name="Part">Which part of the data.</param>
/// <param name="FirstChunk">First chunk of <see cref="Evaluator.ChunkSize"/> samples.</param>
/// <param name="ChunkCount">How many, in a row.</param>
public sealed record EvaluateChunks(int Generation, long Step, DataPart Part, int FirstChunk, int ChunkCount) : IProtocolMessage;

/// <summary>Worker → coordinator: the sums of the chunks that it was asked for.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Step">As asked.</param>
/// <param name="Part">As asked.</param>
/// <param name="FirstChunk">As asked.</param>
/// <param name="Sums">One entry a chunk.</param>
public sealed record Evaluated(int Generation, long Step, DataPart Part, int FirstChunk, LossSums[] Sums) : IProtocolMessage;

/// <summary>Coordinator → parameter shard, between runs: remember the parameters as they are. Reply: <see cref="BestKept"/>.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="Restore">False keeps a copy; true takes the kept copy back.</param>
public sealed record KeepBest(int Generation, bool Restore) : IProtocolMessage;

/// <summary>Parameter shard → coordinator: done as asked by <see cref="KeepBest"/>.</summary>
/// <param name="Generation">The generation.</param>
/// <param name="ParameterShard">Which one.</param>
/// <param name="Restore">As asked.</param>
public sealed record BestKept(int Generation, int ParameterShard, bool Restore) : IProtocolMessage;
