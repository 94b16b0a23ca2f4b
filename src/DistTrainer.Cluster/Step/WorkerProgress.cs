namespace DistTrainer.Cluster.Step;

/// <summary>How far a worker has come with what it has begun.</summary>
internal enum WorkerProgress
{
    /// <summary>Parameters are missing, or replicas have not applied the step before.</summary>
    Waits,

    /// <summary>There is more to compute, and it can be computed now.</summary>
    Works,

    /// <summary>What was begun can be finished and handed in.</summary>
    IsReady,
}
