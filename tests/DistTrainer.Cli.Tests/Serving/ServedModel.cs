using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using DistTrainer.Cli.Runs;
using DistTrainer.Cli.Serving;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cli.Tests.Serving;

/// <summary>Two small trained models with their rows, made once for all tests of a class.</summary>
public sealed class TrainedModels : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-serve-").FullName;

    /// <summary>The run folder of a data set.</summary>
    public string Run(string data) => Path.Combine(_folder, data);

    /// <summary>A CSV file of rows, targets included.</summary>
    public string Rows(string data) => Path.Combine(_folder, $"{data}.csv");

    public async Task InitializeAsync()
    {
        foreach (string data in new[] { "digits", "concrete" })
        {
            CliRun run = await CliRun.Of(
                new CliServices(), ["train", "--data", data, "--epochs", "2", "--quiet", "--output", Run(data)]);
            Assert.Equal((0, ""), (run.Code, run.Error));
        }

        string shipped = Path.Combine(AppContext.BaseDirectory, "data");
        using var digits =
            new StreamReader(
                new GZipStream(
                    File.OpenRead(Path.Combine(shipped, "digits", "digits.csv.gz")), CompressionMode.Decompress));
        File.WriteAllLines(Rows("digits"), (await digits.ReadToEndAsync()).Split('\n').Take(301));
        File.WriteAllLines(
            Rows("concrete"), File.ReadLines(Path.Combine(shipped, "concrete", "concrete.csv")).Take(301));
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>What <c>disttrainer predict</c> prints for the rows.</summary>
    public async Task<string> Predicted(string data, string format)
    {
        CliRun run = await CliRun.Of(
            new CliServices(), ["predict", Run(data), "--data", Rows(data), "--format", format]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return run.Output;
    }
}

/// <summary>A model that is served on a free port, and a client of it.</summary>
internal sealed class ServedModel : IAsyncDisposable
{
    private readonly PredictionServer _server;

    private ServedModel(PredictionServer server) => (_server, Client) = (server, new HttpClient
    {
        BaseAddress = new Uri(server.Address),
    });

    public HttpClient Client { get; }

    public string Figures => _server.Figures;

    public static async Task<ServedModel> StartAsync(string run, ServeSettings? settings = null) =>
        new(await PredictionServer.StartAsync(ModelFile.Load(RunFolder.ModelOf(run)), "run",
            (settings ?? new()) with { Port = 0 }, line => throw new InvalidOperationException(line)));

    public Task<HttpResponseMessage> PostAsync(string body, string type = "application/json") =>
        Client.PostAsync(new Uri("/predict", UriKind.Relative), new StringContent(body, Encoding.UTF8, type));

    /// <summary>Posts rows that are right.</summary>
    public async Task<string> PredictAsync(string body, string type = "application/json")
    {
        using HttpResponseMessage response = await PostAsync(body, type);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return text;
    }

    /// <summary>Asserts that a request was refused with a problem, and gives that.</summary>
    public static async Task<JsonElement> ProblemAsync(HttpStatusCode status, HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"{response.StatusCode} {text}");
        Assert.Equal(new MediaTypeHeaderValue("application/problem+json"), response.Content.Headers.ContentType);
        JsonElement problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        return problem;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.StopAsync();
        await _server.DisposeAsync();
    }
}
