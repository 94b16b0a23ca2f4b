using System.Net;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using DistTrainer.Cli.Serving;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace DistTrainer.Cli.Watch;

/// <summary>
/// A node over HTTP: <c>/</c> is the dashboard, <c>/api/news</c> what it shows as server-sent events, <c>/api/pause</c>
/// and so on change the run (POST, with the token), <c>/metrics</c> is for Prometheus.
/// </summary>
internal sealed class DashboardServer : IAsyncDisposable
{
    /// <summary>What the line begins with that says where the dashboard is.</summary>
    public const string Announcement = "dashboard";

    private const int MostConnections = 200;
    private const int MostBytes = 1 << 16;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(500);
    private readonly WebApplication _app;
    private readonly HttpSettings _settings;
    private readonly AccessToken _token;
    private readonly RunWatch _watch;
    private readonly SharedStatus _status;
    private readonly Func<IRunControl?> _control;

    private DashboardServer(HttpSettings settings, RunWatch watch, Func<IRunControl?> control, int port)
    {
        (_settings, _token, _watch, _control, _status) =
            (settings, new AccessToken(settings.Token), watch, control, new SharedStatus(control, s_every));
        WebApplicationBuilder builder = HttpHost.Create(
            AddressOf(settings.Host), port, MostBytes, s_patience, MostConnections);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.PropertyNameCaseInsensitive = true);
        builder.Services.AddOpenTelemetry().ConfigureResource(Telemetry.Describe)
            .WithMetrics(metrics => Telemetry.AddMeters(metrics).AddPrometheusExporter());
        _app = builder.Build();
        _app.Use(GuardAsync);
        _app.UseRouting();
        Map(_app);
    }

    /// <summary>The port that was bound.</summary>
    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Where people find it.</summary>
    public string Address => _settings.Address(Port);

    /// <summary>Where Prometheus finds its metrics; all that a mere worker has to show.</summary>
    public Uri Metrics => new(new Uri(Address), "/metrics");

    /// <summary>Begins to serve.</summary>
    /// <param name="settings">Where, and to whom; null: nothing is served.</param>
    /// <param name="watch">What the process knows.</param>
    /// <param name="control">How the run is asked and told; null before it can be.</param>
    /// <exception cref="DistTrainerException">The port cannot be had
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static async Task<DashboardServer?> StartAsync(
        HttpSettings? settings, RunWatch watch, Func<IRunControl?> control)
    {
        if (settings is null)
            return null;
        try
        {
            return await StartAsync(settings, watch, control, settings.Port);
        }
        catch (IOException) when (!settings.IsFixed)
        {
            return await StartAsync(settings, watch, control, 0);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            throw PortFailure.Of("http-port", settings.Host, settings.Port, failure);
        }
    }

    /// <summary>Ends it; who looks on is cut off.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static async Task<DashboardServer> StartAsync(
        HttpSettings settings, RunWatch watch, Func<IRunControl?> control, int port)
    {
        var server = new DashboardServer(settings, watch, control, port);
        try
        {
            await server._app.StartAsync();
            return server;
        }
        catch
        {
            await server._app.DisposeAsync();
            throw;
        }
    }

    private static IPAddress AddressOf(string host) => host == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(host, out IPAddress? address) ? address : Dns.GetHostAddresses(host)[0];

    private void Map(IEndpointRouteBuilder routes)
    {
        foreach ((string path, string file, string type) in DashboardFiles.All)
            routes.MapGet(path, () => TypedResults.Bytes(DashboardFiles.Read(file), type));
        routes.MapGet("/api/news", (HttpContext context, CancellationToken end) => TypedResults.ServerSentEvents(
            HttpHost.IsHead(context) ? AsyncEnumerable.Empty<SseItem<object>>() : NewsAsync(end)));
        Command("/api/pause", _ => new PauseCommand(true));
        Command("/api/resume", _ => new PauseCommand(false));
        Command("/api/stop", _ => new StopCommand());
        Command("/api/drain", request => new DrainCommand(request.Query["node"].ToString()));
        routes.MapPrometheusScrapingEndpoint();

        void Command(string path, Func<HttpRequest, IClusterCommand> command) =>
            routes.MapPost(path, (HttpRequest request) => TellAsync(command(request)));
    }

    // The last news when the process ends says how the run has ended.
    private async IAsyncEnumerable<SseItem<object>> NewsAsync([EnumeratorCancellation] CancellationToken end)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(end, _app.Lifetime.ApplicationStopping);
        WatchCursor cursor = default;
        while (!either.IsCancellationRequested)
        {
            ClusterStatus? now = await _status.GetAsync();
            WatchNews news = _watch.Since(cursor);
            cursor = news.Cursor;
            yield return new SseItem<object>(NewsJson.Of(news, now), "news");
            await Task.Delay(s_every, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (!end.IsCancellationRequested)
            yield return new SseItem<object>(NewsJson.Of(_watch.Since(cursor), null), "end");
    }

    private async Task<IResult> TellAsync(IClusterCommand command)
    {
        try
        {
            if (_control() is not { } run)
                return TypedResults.Problem("there is no run yet", statusCode: StatusCodes.Status409Conflict);
            CommandAnswer answer = await run.TellAsync(command);
            return answer.Failure is null ? TypedResults.Ok(new { text = answer.Text })
                : TypedResults.Problem(answer.Text, statusCode: StatusCodes.Status409Conflict);
        }
        catch (DistTrainerException failure)
        {
            return TypedResults.Problem(failure.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    // A page of somebody else's must neither read nor change anything: it cannot know the token, and under another name
    // for this machine it is refused.
    private Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        (HttpRequest request, HttpResponse response) = (context.Request, context.Response);
        response.Headers.ContentSecurityPolicy =
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers.CacheControl = "no-store";
        if (_settings.IsLoopback && request.Host.Host is not ("127.0.0.1" or "localhost"))
            return TypedResults.Problem(
                $"this dashboard answers as 127.0.0.1 and localhost, not as {request.Host.Host}",
                statusCode: StatusCodes.Status421MisdirectedRequest).ExecuteAsync(context);
        bool needsToken = request.Path.StartsWithSegments("/api")
            && (!HttpMethods.IsGet(request.Method) || !_settings.IsLoopback);
        if (!needsToken || HasToken(request))
            return next(context);
        response.Headers.WWWAuthenticate = AccessToken.Scheme;
        return TypedResults.Problem(
            "the token is missing or wrong; the node has printed it with the dashboard's address",
            statusCode: StatusCodes.Status401Unauthorized).ExecuteAsync(context);
    }

    // In the address only where a page may not set a header: server-sent events.
    private bool HasToken(HttpRequest request) =>
        _token.IsIn(request) || (HttpMethods.IsGet(request.Method) && _token.Is(request.Query["token"].ToString()));
}
