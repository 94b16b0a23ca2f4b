using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace DistTrainer.Cli.Serving;

/// <summary>
/// Answers predictions over HTTP: <c>POST /predict</c>, <c>GET /model</c>, <c>GET /openapi.json</c>, <c>GET
/// /health/live</c>, <c>GET /health/ready</c>.
/// </summary>
internal sealed class PredictionServer : IAsyncDisposable
{
    private const int MoreConnections = 1000; // those of clients that think, and of health checks
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly PredictionEndpoint _endpoint;
    private readonly AccessToken _token;
    private readonly Action<string> _report;
    private volatile bool _isStopping;

    private PredictionServer(TrainedModel model, string run, ServeSettings settings, Action<string> report)
    {
        (_endpoint, _token, _report) =
            (new PredictionEndpoint(model, settings), new AccessToken(settings.Token), report);
        _app = HttpHost.Create(settings.Address, settings.Port, settings.MaxBytes, s_patience,
            settings.MaxRequests + MoreConnections).Build();
        _app.Use(GuardAsync);
        byte[] description = ModelJson.Write(model, run, settings);
        _app.MapPost("/predict", _endpoint.AnswerAsync);
        _app.MapGet("/model", context => WriteAsync(context.Response, description));
        byte[] api = OpenApiJson.Write(model, run, settings);
        _app.MapGet("/openapi.json", context => WriteAsync(context.Response, api));
        _app.MapGet("/health/live", context => WriteAsync(context.Response, "{\"status\":\"live\"}\n"u8.ToArray()));
        _app.MapGet("/health/ready", context => _isStopping
            ? throw new RequestProblem(
                StatusCodes.Status503ServiceUnavailable, "The server is about to end; ask another one.")
            : WriteAsync(context.Response, "{\"status\":\"ready\"}\n"u8.ToArray()));
    }

    /// <summary>Where it listens, e.g. <c>http://127.0.0.1:8080</c>.</summary>
    public string Address =>
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>What it has done, for a last line.</summary>
    public string Figures => _endpoint.Figures;

    /// <summary>Starts to listen.</summary>
    /// <param name="model">The model.</param>
    /// <param name="run">The run's name.</param>
    /// <param name="settings">Where and how.</param>
    /// <param name="report">Told of faults of this program, one line each.</param>
    /// <exception cref="DistTrainerException">The port cannot be listened on.</exception>
    public static async Task<PredictionServer> StartAsync(
        TrainedModel model, string run, ServeSettings settings, Action<string> report)
    {
        var server = new PredictionServer(model, run, settings, report);
        try
        {
            await server._app.StartAsync();
            return server;
        }
        catch (Exception failure)
        {
            await server.DisposeAsync();
            if (failure is IOException or System.Net.Sockets.SocketException)
                throw PortFailure.Of("--port", settings.Address.ToString(), settings.Port, failure);
            throw;
        }
    }

    /// <summary>Takes no more connections and answers the requests that are open.</summary>
    public async Task StopAsync()
    {
        _isStopping = true;
        await _app.StopAsync();
    }

    /// <summary>Ends all.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _endpoint.Dispose();
    }

    private static Task WriteAsync(HttpResponse response, byte[] json)
    {
        response.ContentType = "application/json";
        response.ContentLength = json.Length;
        return response.Body.WriteAsync(json, response.HttpContext.RequestAborted).AsTask();
    }

    // Stands round all endpoints: whatever goes wrong is answered as a problem.
    private async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        HttpResponse response = context.Response;
        try
        {
            if (!context.Request.Path.StartsWithSegments("/health"))
                _token.Check(context);
            await next(context);
            if (!response.HasStarted
                && response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
                throw new RequestProblem(
                    response.StatusCode,
                    $"{(HttpHost.IsHead(context) ? HttpMethods.Head : context.Request.Method)} {context.Request.Path} "
                    + "is not answered; allowed: POST /predict, and GET or HEAD of /model, /openapi.json, "
                    + "/health/live, /health/ready.");
        }
        catch (Exception failure) when (context.RequestAborted.IsCancellationRequested || response.HasStarted)
        {
            if (!context.RequestAborted.IsCancellationRequested)
                _report($"{context.Request.Method} {context.Request.Path}: {failure}");
            context.Abort();
        }
        catch (Exception failure)
        {
            if (Problem(failure) is not { } problem)
            {
                _report($"{context.Request.Method} {context.Request.Path}: {failure}");
                problem = new RequestProblem(
                    StatusCodes.Status500InternalServerError,
                    "This is a fault of disttrainer; its standard error says more.");
            }

            await problem.WriteAsync(response);
        }
    }

    private static RequestProblem? Problem(Exception failure) => failure switch
    {
        RequestProblem problem => problem,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            new(StatusCodes.Status413PayloadTooLarge,
            "The body is longer than one request may be (--max-bytes; GET /model says maxBytes); send several "
            + "requests."),
        BadHttpRequestException bad => new(bad.StatusCode, bad.Message),
        DistTrainerException { Kind: FailureKind.Data or FailureKind.Configuration } wrong =>
            new(StatusCodes.Status400BadRequest, wrong.Message),
        _ => null,
    };
}
