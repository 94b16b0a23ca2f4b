using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DistTrainer.Cli;

/// <summary>What the dashboard and the prediction server have in common: Kestrel with one address, and nothing from settings files, variables or signals.</summary>
internal static class HttpHost
{
    /// <summary>Sets one up.</summary>
    /// <param name="address">Where to listen.</param>
    /// <param name="port">Its port; 0 takes a free one.</param>
    /// <param name="mostBytes">The longest body that a request may have.</param>
    /// <param name="patience">How long open requests are waited for at the end.</param>
    /// <param name="mostConnections">How many may be open at a time; null: any number.</param>
    public static WebApplicationBuilder Create(IPAddress address, int port, long mostBytes, TimeSpan patience, long? mostConnections = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = mostConnections;
            kestrel.Limits.MaxRequestBodySize = mostBytes;
            kestrel.Listen(address, port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime>(new NoSignals());
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = patience);
        return builder;
    }

    // Signals are the command's own business.
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
