using DistTrainer.Cluster.Protocol;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary>Makes of a job file, or of a built-in job's name, what is handed to a cluster.</summary>
internal static class RunSubmission
{
    /// <summary>Reads a job.</summary>
    /// <param name="job">A file, or a name of <see cref="BuiltInJobs.Names"/>.</param>
    /// <param name="initFrom">A model to start from, as the server nodes see it; null: none.</param>
    /// <exception cref="Engine.DistTrainerException">It cannot be read, or is wrong.</exception>
    public static RunDescription Of(string job, string? initFrom)
    {
        bool isBuiltIn = !File.Exists(job) && BuiltInJobs.Names.Contains(job);
        JobFile file = JobFile.Read(isBuiltIn ? BuiltInJobs.Read(job) : JobSource.FromFile(job));
        return Of(file, isBuiltIn ? job : Path.GetFileNameWithoutExtension(job), initFrom, null);
    }

    /// <summary>Wraps a job that has been read.</summary>
    /// <param name="file">The job.</param>
    /// <param name="name">For people.</param>
    /// <param name="initFrom">A model to start from, as the server nodes see it; null: none.</param>
    /// <param name="resumeFrom">A checkpoint's folder to go on from, as the server nodes see it; null: none.</param>
    public static RunDescription Of(JobFile file, string name, string? initFrom, string? resumeFrom) =>
        new(Guid.NewGuid().ToString("N")[..8], name, file.Write(), initFrom, resumeFrom);
}
