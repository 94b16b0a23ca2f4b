using DistTrainer.Cluster;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>Reads a job's data, and checks that the job can be trained on them.</summary>
internal static class JobData
{
    /// <summary>Reads the data.</summary>
    /// <param name="access">Reads.</param>
    /// <param name="job">The job.</param>
    /// <exception cref="DistTrainerException">They cannot be read, or the job watches a validation part that has no samples.</exception>
    public static DataParts Load(IDataAccess access, JobDescription job)
    {
        DataParts data = access.Load(job.Data, job.Model.Loss);
        if (data.Validation.Count == 0 && (job.Training.EarlyStopping.Patience > 0 || job.Schedule.Kind == ScheduleKind.ReduceOnPlateau))
            throw new DistTrainerException(FailureKind.Configuration, "data.validation-fraction: leaves no sample for validation, which early stopping and reduce-on-plateau watch; raise it.");
        return data;
    }
}
