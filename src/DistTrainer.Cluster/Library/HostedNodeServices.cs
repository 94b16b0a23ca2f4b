using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Library;

/// <summary>
/// What a hosted node needs where the application gives nothing else: data as the job names them, and of a run's
/// results the model alone, in <c>RUNS/NAME-ID/model.safetensors</c>. It keeps no run folder, so no checkpoints are
/// written.
/// </summary>
internal sealed class HostedNodeServices(DistTrainerOptions options) : INodeServices
{
    /// <inheritdoc/>
    public DataParts Load(JobDescription job)
    {
        SourceFiles.RefusePipes(job.Data);
        return DataLoader.Load(job.Data, job.Model.Loss);
    }

    /// <inheritdoc/>
    public float[] LoadInitial(string path, ParameterLayout layout) => ModelFile.LoadParameters(path, layout);

    /// <inheritdoc/>
    public IRunOutput Open(
        RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from) =>
        new Output(options, run, job, data);

    private sealed class Output(DistTrainerOptions options, RunDescription run, JobFile job, DataParts data)
        : ProgressObserver(options.Progress), IRunOutput
    {
        public void Complete(TrainingResult result)
        {
            Network network = JobNetwork.Create(job.Job.Model, data.Schema);
            var model = new TrainedModel(job, data.Schema, network, result.Parameters, result.ParameterHash);
            string folder = Path.Combine(options.Node!.Runs, $"{run.Name}-{run.Id}");
            try
            {
                Directory.CreateDirectory(folder);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new DistTrainerException(
                    FailureKind.Disk,
                    $"{folder}: cannot be made ({failure.Message}); set runs to a folder that can be written.",
                    failure);
            }
            model.Save(Path.Combine(folder, "model.safetensors"));
            options.Completed?.Invoke(new FitResult(model, result));
        }

        public void Dispose()
        {
        }
    }
}
