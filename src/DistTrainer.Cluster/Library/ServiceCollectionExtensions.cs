using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace DistTrainer.Cluster.Library;

/// <summary>DistTrainer in an application's own host.</summary>
public static class ServiceCollectionExtensions
{
    /// <summary>
    /// Adds <see cref="ITrainer"/>, which trains in this process, and, where <see cref="DistTrainerOptions.Node"/> is
    /// set, a hosted service that is a node of a cluster, with <see cref="IClusterNode"/> to watch it.
    /// </summary>
    /// <param name="services">The application's services. One that implements <see cref="INodeServices"/>, added before
    /// or after, takes the place of the one that reads data by the job and keeps only the model.</param>
    /// <param name="configure">Sets the options; null takes the defaults.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="DistTrainerException">A plug-in cannot be added
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static IServiceCollection AddDistTrainer(
        this IServiceCollection services, Action<DistTrainerOptions>? configure = null)
    {
        var options = new DistTrainerOptions();
        configure?.Invoke(options);
        foreach (IDistTrainerPlugin plugin in options.Plugins)
            PluginRegistry.Shared.Add(plugin);
        services.AddSingleton(options);
        services.TryAddSingleton<ITrainer, InProcessTrainer>();
        if (options.Node is not { } node)
            return services;
        PluginFile.Load(node.Plugins);
        services.TryAddSingleton<INodeServices, HostedNodeServices>();
        services.AddSingleton<HostedNode>();
        services.AddSingleton<IClusterNode>(provider => provider.GetRequiredService<HostedNode>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<HostedNode>());
        return services;
    }

    /// <summary>As the other one, with the node's settings from the application's configuration.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="node">The section with the node's settings, see <see cref="DistTrainerOptions.ReadNode"/>; a
    /// section that is not there: no node is run.</param>
    /// <param name="configure">Sets what the configuration does not, after it; null: nothing.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="DistTrainerException">A key or value of the section is wrong, or a plug-in cannot be added
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static IServiceCollection AddDistTrainer(
        this IServiceCollection services, IConfigurationSection node, Action<DistTrainerOptions>? configure = null) =>
        services.AddDistTrainer(options =>
        {
            options.Node = node.Exists() ? DistTrainerOptions.ReadNode(node) : null;
            configure?.Invoke(options);
        });
}

/// <summary>Trains in this process; see <see cref="Trainer"/>.</summary>
public interface ITrainer
{
    /// <summary>Trains a job to its end, with <see cref="DistTrainerOptions.Run"/>.</summary>
    /// <param name="job">What to train.</param>
    /// <param name="data">The samples.</param>
    /// <param name="progress">Hears of steps and epochs; null: nobody does.</param>
    /// <param name="cancellationToken">When cancelled, the open step is finished and the model of that point is
    /// returned.</param>
    /// <exception cref="DistTrainerException">As
    /// <see cref="Trainer.FitAsync(JobDescription, DataParts, IProgress{TrainingProgress}?, CancellationToken)"/>.
    /// </exception>
    Task<FitResult> FitAsync(
        JobDescription job, DataParts data, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default);
}

/// <summary>The node of a cluster that this host runs.</summary>
public interface IClusterNode
{
    /// <summary>Its cluster address (host:port), once it listens.</summary>
    Task<string> Started { get; }

    /// <summary>How it has ended, once it has.</summary>
    Task<NodeEnd> Ended { get; }
}

/// <inheritdoc cref="ITrainer"/>
internal sealed class InProcessTrainer(DistTrainerOptions options) : ITrainer
{
    /// <inheritdoc/>
    public Task<FitResult> FitAsync(
        JobDescription job, DataParts data, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Trainer.FitAsync(job, data, options.Run, progress, cancellationToken);
}
