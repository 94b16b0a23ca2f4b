using Akka.Actor;
using Akka.Configuration;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Run.Hosting;

/// <summary>Trains in this process: one actor system without sockets, the same actors as on a cluster.</summary>
public static class LocalTrainer
{
    private const string ActorSettings = """
        akka {
          loglevel = INFO
          stdout-loglevel = OFF
          log-dead-letters = off
          coordinated-shutdown.run-by-clr-shutdown-hook = off
        }

        """ + ComputeDispatchers.Settings + ComputeDispatchers.Alone;

    /// <summary>Runs a job to its end.</summary>
    /// <param name="job">What to train; validated.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">Workers, parameter shards, threads.</param>
    /// <param name="initialParameters">The flat parameters to start from; null initializes by the job's seed.</param>
    /// <param name="observer">Hears of steps and epochs.</param>
    /// <param name="stop">When cancelled, the open step is finished and the result of that point is returned
    /// (<see cref="EndReason.Stopped"/>).</param>
    /// <exception cref="DistTrainerException">The run cannot start or go on; <see cref="DistTrainerException.Kind"/>
    /// says why.</exception>
    public static Task<TrainingResult> RunAsync(
        JobDescription job, DataParts data, RunOptions options, float[]? initialParameters, ITrainingObserver observer,
        CancellationToken stop) => RunAsync(job, null, data, options, initialParameters, observer, stop);

    /// <summary>Trains a model that the caller brings; what the job says of a model does not count then.</summary>
    /// <param name="job">What else decides the result: optimizer, schedule, length; validated.</param>
    /// <param name="model">What is trained; null takes the network that the job describes.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">Workers, parameter shards, threads.</param>
    /// <param name="initialParameters">The flat parameters to start from; null initializes by the job's seed.</param>
    /// <param name="observer">Hears of steps and epochs.</param>
    /// <param name="stop">
    /// When cancelled, the open step is finished and the result of that point is returned
    /// (<see cref="EndReason.Stopped"/>).
    /// </param>
    /// <exception cref="DistTrainerException">
    /// The run cannot start or go on; <see cref="DistTrainerException.Kind"/> says why.
    /// </exception>
    public static async Task<TrainingResult> RunAsync(
        JobDescription job, IModel? model, DataParts data, RunOptions options, float[]? initialParameters,
        ITrainingObserver observer, CancellationToken stop)
    {
        using var setup = new TrainingSetup(job, data, options, initialParameters, model: model);
        var completion = new TaskCompletionSource<TrainingResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        Config configuration = ConfigurationFactory.ParseString(options.ActorConfiguration)
            .WithFallback(ConfigurationFactory.ParseString(ActorSettings));
        ActorSystem system = ActorSystem.Create("disttrainer", configuration);
        try
        {
            var node = new NodeAddress(LocalRoot.NodeName, null, []);
            RunState start = setup.StartState();
            string? folder = options.Output;
            IActorRef run = system.ActorOf(
                Props.Create(() => new RunActor(setup, node, observer, completion, folder, start)), "run");
            system.ActorOf(
                Props.Create(() =>
                new HostActor(setup, node, Enumerable.Range(0, setup.Ranges.Count).ToArray(), options.Workers, run)),
                "node");
            int workers = options.Workers;
            observer.OnControl(
                LocalRoot.Control(system.ActorOf(Props.Create(() => new LocalRoot(run, workers)), "root")));
            using CancellationTokenRegistration registration =
                stop.Register(() => run.Tell(new StopCommand(), ActorRefs.NoSender));
            return await completion.Task.ConfigureAwait(false);
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }
}
