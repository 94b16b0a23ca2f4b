using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Checkpoints;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>What a checkpoint says of how its job is run: whoever goes on with it goes on with that.</summary>
public sealed class RunManifestTests
{
    private static readonly RunSettings s_job = new()
    {
        Workers = Environment.ProcessorCount + 3,
        ParameterShards = Environment.ProcessorCount + 5,
        ComputeThreads = 3,
        BackupWorkers = true,
        ReportEvery = 7,
        TensorBoard = true,
        HistogramsEvery = 9,
        Output = "runs/mine",
        Checkpoint = new CheckpointSettings { EverySteps = 11, Keep = 4 },
    };

    [Fact]
    public async Task A_checkpoint_of_a_run_on_a_cluster_has_the_job_s_own_settings_and_not_those_of_its_leader()
    {
        var settings = new NodeSettings { ComputeThreads = 2, ReportEvery = 5, MinWorkers = 2 };
        using var runtime = new NodeRuntime(settings, new Services(), () => "{}", _ => { }, null);
        var run = new RunDescription("id", "name", new JobFile(TestJobs.Variants["sgd"], s_job).Write(), null);
        OpenedRun opened = await runtime.OpenAsync(run, parameterShards: 2);
        using (opened.Setup)
        {
            RunOptions options = opened.Setup.Options;
            Assert.Equal((2, 2), (options.ParameterShards, options.ComputeThreads));
            Assert.Equal((5, 2), (options.ReportEvery, options.MinWorkers));
            Assert.Equal((true, 9), (options.TensorBoard, options.HistogramsEvery));
            Assert.Equal((true, s_job.Checkpoint), (options.BackupWorkers, options.Checkpoint));
            string written = RunManifest.Of(RunState.Start, opened.Setup, "name", 1).Job;
            Assert.Equal(s_job, JobFile.Read(new JobSource(written, "manifest")).Run);
        }
    }

    [Fact]
    public void A_checkpoint_of_a_run_in_this_process_has_what_the_job_says_though_its_folder_was_made_for_it()
    {
        var options = new RunOptions(s_job with { Output = null }) { Output = "runs/made", ResumeFrom = null };
        Assert.Equal(s_job with { Output = null }, Written(options));
    }

    [Fact]
    public void A_checkpoint_of_a_run_from_code_without_a_job_file_has_its_options()
    {
        RunSettings written = Written(new RunOptions { Workers = 3, ParameterShards = 2, Output = "runs/code" });
        Assert.Equal(new RunSettings { Workers = 3, ParameterShards = 2, Output = "runs/code" }, written);
    }

    private static RunSettings Written(RunOptions options)
    {
        using var setup = new TrainingSetup(TestJobs.Variants["sgd"], Services.Data, options, null);
        string written = RunManifest.Of(RunState.Start, setup, "name", 1).Job;
        return JobFile.Read(new JobSource(written, "manifest")).Run;
    }

    private sealed class Services : INodeServices
    {
        public static DataParts Data { get; } = TestJobs.Classification(samples: 203, features: 11, classes: 4);

        public DataParts Load(JobDescription job) => Data;

        public float[] LoadInitial(string path, ParameterLayout layout) => throw new NotSupportedException();

        public IRunOutput Open(
            RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from) =>
            throw new NotSupportedException();
    }
}
