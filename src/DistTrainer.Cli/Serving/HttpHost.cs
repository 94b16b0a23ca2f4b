using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DistTrainer.Cli.Serving;

/// <summary>
/// What the dashboard and the prediction server have in common: Kestrel with one address, and nothing from settings
/// files, variables or signals.
/// </summary>
internal static class HttpHost
{
    private static readonly TimeSpan s_headerPatience = TimeSpan.FromSeconds(10);

    /// <summary>Whether only the headers of an answer were asked for.</summary>
    public static bool IsHead(HttpContext context) => context.Items.ContainsKey(HttpMethods.Head);

    /// <summary>Sets one up.</summary>
    /// <param name="address">Where to listen.</param>
    /// <param name="port">Its port; 0 takes a free one.</param>
    /// <param name="mostBytes">The longest body that a request may have.</param>
    /// <param name="patience">How long open requests are waited for at the end.</param>
    /// <param name="mostConnections">How many connections may be open at a time; see
    /// <see cref="ConnectionLimit"/>.</param>
    public static WebApplicationBuilder Create(
        IPAddress address, int port, long mostBytes, TimeSpan patience, int mostConnections)
    {
        var connections = new ConnectionLimit(mostConnections);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = s_headerPatience;
            kestrel.Limits.MaxRequestBodySize = mostBytes;
            kestrel.Listen(
                address, port, listen => listen.Use(next => connection => connections.ServeAsync(connection, next)));
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IStartupFilter>(
            new First(app => app.Use(connections.ServeAsync).Use(AnswerHeadAsync)));
        builder.Services.AddSingleton<IHostLifetime>(new NoSignals());
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = patience);
        return builder;
    }

    // Whatever can be got answers to HEAD as well (RFC 9110, 9.3.2); Kestrel leaves the body out, since it knows what
    // was asked.
    private static Task AnswerHeadAsync(HttpContext context, RequestDelegate next)
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Items[HttpMethods.Head] = true;
            context.Request.Method = HttpMethods.Get;
        }
        return next(context);
    }

    // Before all that the servers add themselves.
    private sealed class First(Action<IApplicationBuilder> add) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            add(app);
            next(app);
        };
    }

    // Signals are the command's own business.
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
