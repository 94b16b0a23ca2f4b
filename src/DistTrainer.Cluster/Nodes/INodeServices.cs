using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>What a node needs from the program that it runs in.</summary>
public interface INodeServices
{
    /// <summary>Reads a job's data as this node sees them.</summary>
    /// <exception cref="DistTrainerException">They cannot be read (<see cref="FailureKind.Data"/>).</exception>
    DataParts Load(JobDescription job);

    /// <summary>Reads parameters to start from.</summary>
    /// <exception cref="DistTrainerException">The file cannot be read, or does not fit the network.</exception>
    float[] LoadInitial(string path, Network network);

    /// <summary>Makes a place for a run's results, on the coordinator's node.</summary>
    /// <param name="run">The run.</param>
    /// <param name="job">Its job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="network">Its network.</param>
    /// <exception cref="DistTrainerException">It cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    IRunOutput Open(RunDescription run, JobFile job, DataParts data, Network network);
}

/// <summary>Where a run's results go; disposed at the end, whatever it was.</summary>
public interface IRunOutput : ITrainingObserver, IDisposable
{
    /// <summary>The run has ended: writes everything.</summary>
    void Complete(TrainingResult result);
}
