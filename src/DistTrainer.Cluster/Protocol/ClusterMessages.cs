using Akka.Actor;

namespace DistTrainer.Cluster.Protocol;

// Between nodes, coordinator and people. Who comes and goes in a run is in MembershipMessages.cs, what a run says to
// its parameter shards and workers in Messages.cs.

/// <summary>A run as it is handed to the cluster.</summary>
/// <param name="Id">Names it; made by whoever submits it.</param>
/// <param name="Name">For people.</param>
/// <param name="Job">The whole job file, resolved.</param>
/// <param name="InitFrom">A model that every server node can read, to start from its parameters; null: by the job's
/// seed.</param>
/// <param name="ResumeFrom">A checkpoint's folder that every server node can read, to go on from it in its run's
/// folder; null starts at step 1.</param>
public sealed record RunDescription(string Id, string Name, string Job, string? InitFrom, string? ResumeFrom = null);

/// <summary>
/// Node → coordinator, until it is answered: I am here. Reply: <see cref="NodeRegistered"/>. A second copy is answered
/// again.
/// </summary>
/// <param name="Version">Its protocol version.</param>
/// <param name="Plugins">Its plug-ins, see <c>INodeServices.Plugins</c>.</param>
/// <param name="Node">Its name and data plane.</param>
/// <param name="Address">Its cluster address, for people.</param>
/// <param name="IsServer">Whether it holds parameter shards.</param>
/// <param name="Workers">Workers that it offers; 0 without the role worker.</param>
/// <param name="Run">The run that it hosts, for a coordinator that takes over; null: none.</param>
/// <param name="Waiting">The run that waits to begin as the last coordinator said, for one that takes over; null: none,
/// or that coordinator still leads.</param>
/// <param name="Kept">What the last coordinator's run was asked for, for one that takes over; null: nothing, or that
/// coordinator still leads.</param>
/// <param name="Ended">The last run that has ended as far as the node knows, for a coordinator that takes over; null:
/// none.</param>
internal sealed record RegisterNode(
    int Version, string Plugins, NodeAddress Node, string Address, bool IsServer, int Workers, HostedRun? Run,
        SubmitRun? Waiting, KeepRequests? Kept, LastRun? Ended)
    : IControlMessage;

/// <summary>A run that a node hosts.</summary>
/// <param name="Run">The run.</param>
/// <param name="ParameterShardCount">Parameter shards over all nodes.</param>
/// <param name="Folder">The run folder; null: there is none.</param>
/// <param name="Coordinators">How many have led it, with the one that leads now.</param>
internal sealed record HostedRun(RunDescription Run, int ParameterShardCount, string? Folder, int Coordinators);

/// <summary>
/// Coordinator → node: known; also when a run has come or begun. No reply. A second copy changes nothing.
/// </summary>
/// <param name="Coordinator">Who leads; a node that sees it end registers with the next one.</param>
/// <param name="Waiting">The run that waits to begin; the node remembers it for the next coordinator. Null:
/// none.</param>
/// <param name="Kept">What its run has been asked for; the node remembers it for the next coordinator. Null:
/// nothing.</param>
internal sealed record NodeRegistered(IActorRef Coordinator, SubmitRun? Waiting, KeepRequests? Kept) : IControlMessage;

/// <summary>
/// Coordinator → node: host actors of a run; or more parameter shards of it, or report to another coordinator. Reply:
/// <see cref="ActorsHosted"/> or <see cref="ActorFailed"/>, to the run. A second copy changes nothing.
/// </summary>
/// <param name="Run">The run.</param>
/// <param name="ParameterShards">Those to host here, beside those that are hosted.</param>
/// <param name="Workers">Workers to host here.</param>
/// <param name="RunActor">Who leads the run.</param>
internal sealed record OpenRun(HostedRun Run, int[] ParameterShards, int Workers, IActorRef RunActor) : IControlMessage;

/// <summary>Coordinator → node: the run is over. No reply. A second copy changes nothing.</summary>
/// <param name="Id">The run.</param>
/// <param name="Ended">How it ended; the node remembers it for the next coordinator. Null: the coordinator does not
/// know.</param>
internal sealed record CloseRun(string Id, LastRun? Ended) : IControlMessage;

/// <summary>Node → coordinator: I am about to leave. Reply: <see cref="EndNode"/>.</summary>
/// <param name="Node">Its name.</param>
internal sealed record LeaveCluster(string Node) : IControlMessage;

/// <summary>Coordinator → node: leave the cluster and end. No reply.</summary>
/// <param name="ExitCode">What the process returns.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record EndNode(int ExitCode, string Reason) : IControlMessage;

/// <summary>Coordinator → person: how it is going.</summary>
/// <param name="Run">The run; null while there is none.</param>
/// <param name="Nodes">All nodes.</param>
/// <param name="Coordinator">The node that leads.</param>
/// <param name="Waiting">The name of a run that has not begun, and what it waits for; null: there is none.</param>
/// <param name="Ended">The last run that has ended; null: there was none, or there is a run.</param>
public sealed record ClusterStatus(
    RunStatus? Run, NodeStatus[] Nodes, string Coordinator, string? Waiting = null, LastRun? Ended = null)
    : IControlMessage;

/// <summary>A run that has ended.</summary>
/// <param name="Id">The run.</param>
/// <param name="Name">For people.</param>
/// <param name="How">completed, early-stopping, stopped, failed, or withdrawn before it began.</param>
/// <param name="At">When, by the clock of the coordinator's machine (UTC).</param>
/// <param name="Steps">Steps trained; of a failed one the last that was reported.</param>
/// <param name="ParameterHash">SHA-256, in hex, of its parameters; null where it failed or never began.</param>
/// <param name="Failure">Why it failed; null where it did not.</param>
public sealed record LastRun(
    string Id, string Name, string How, DateTime At, long Steps, string? ParameterHash, string? Failure);

/// <summary>How a run is going.</summary>
/// <param name="Id">The run.</param>
/// <param name="Name">For people.</param>
/// <param name="State">What it does, e.g. running, paused, waiting for workers.</param>
/// <param name="Generation">Membership version.</param>
/// <param name="Epoch">Epoch of the open step.</param>
/// <param name="Step">Last step that was reported.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Last">The last report; null before the first.</param>
/// <param name="Workers">The workers in this generation.</param>
/// <param name="ParameterShards">The parameter shards in this generation, then their replicas.</param>
public sealed record RunStatus(
    string Id, string Name, string State, int Generation, int Epoch, long Step, long TotalSteps, StepReport? Last,
    WorkerStatus[] Workers, ParameterShardStatus[] ParameterShards) : IControlMessage;

/// <summary>A worker in a run.</summary>
/// <param name="Worker">Its number in this generation.</param>
/// <param name="Node">Its node.</param>
/// <param name="DataShards">Data shards that it owns.</param>
/// <param name="Times">Where its time goes; zero before the first report.</param>
public sealed record WorkerStatus(int Worker, string Node, DataShardRange DataShards, WorkerTimes Times);

/// <summary>A copy of a parameter shard in a run.</summary>
/// <param name="ParameterShard">Its number.</param>
/// <param name="Node">Its node.</param>
/// <param name="IsReplica">Whether it follows, and takes over when the other copy is lost.</param>
public sealed record ParameterShardStatus(int ParameterShard, string Node, bool IsReplica);

/// <summary>A node of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">Its cluster address.</param>
/// <param name="IsServer">Whether it holds parameter shards.</param>
/// <param name="Workers">Workers that it offers.</param>
/// <param name="IsReachable">Whether the cluster can reach it.</param>
public sealed record NodeStatus(string Name, string Address, bool IsServer, int Workers, bool IsReachable);
