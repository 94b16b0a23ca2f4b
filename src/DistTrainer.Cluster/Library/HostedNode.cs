using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Jobs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DistTrainer.Cluster.Library;

/// <summary>Runs a node of a cluster as long as its host runs, or until the node ends.</summary>
/// <param name="options">The node's settings and what else was set.</param>
/// <param name="services">What the node needs.</param>
/// <param name="log">Takes the actors' log lines.</param>
/// <param name="lifetime">Ends the host.</param>
internal sealed class HostedNode(DistTrainerOptions options, INodeServices services, ILogger<HostedNode> log,
    IHostApplicationLifetime lifetime) : BackgroundService, IClusterNode
{
    private readonly TaskCompletionSource<string> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<NodeEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    public Task<string> Started => _started.Task;

    /// <inheritdoc/>
    public Task<NodeEnd> Ended => _ended.Task;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            NodeSettings settings = options.Node!;
            using var output = new LogOutput(LogFormat.Text, settings.LogLevel, Write);
            NodeEnd end =
                await ClusterNode.RunAsync(settings, services, FirstRun(settings), output.ActorConfiguration, Listen,
                stoppingToken).ConfigureAwait(false);
            if (end.ExitCode != 0)
                log.LogError("node-ended code={Code} reason=\"{Reason}\"", end.ExitCode, end.Reason);
            _started.TrySetCanceled(CancellationToken.None);
            _ended.TrySetResult(end);
        }
        catch (Exception failure)
        {
            _started.TrySetException(failure);
            _ended.TrySetException(failure);
            throw;
        }
        if (options.StopsHost)
            lifetime.StopApplication();
    }

    private RunDescription? FirstRun(NodeSettings settings)
    {
        JobFile? job = options.Job ?? (settings.Job is { } path ? JobFile.Read(JobSource.FromFile(path)) : null);
        string name = options.Job is null && settings.Job is { } file ? Path.GetFileNameWithoutExtension(file) : "job";
        return job is null ? null : new RunDescription(Guid.NewGuid().ToString("N")[..8], name, job.Write(), null);
    }

    private void Listen(string cluster, string data)
    {
        if (log.IsEnabled(LogLevel.Information))
            log.LogInformation("node-listening cluster={Cluster} data={Data}", cluster, data);
        _started.TrySetResult(cluster);
    }

    // A line begins with the time and the level, e.g. "10:51:07.740 INF [node] …".
    private void Write(string line)
    {
        string[] parts = line.Split(' ', 3);
        LogLevel level = parts.Length < 3 ? LogLevel.Information : parts[1] switch
        {
            "DBG" => LogLevel.Debug,
            "WRN" => LogLevel.Warning,
            "ERR" => LogLevel.Error,
            _ => LogLevel.Information,
        };
        if (log.IsEnabled(level))
            log.Log(level, "{Line}", parts.Length < 3 ? line : parts[2]);
    }
}
