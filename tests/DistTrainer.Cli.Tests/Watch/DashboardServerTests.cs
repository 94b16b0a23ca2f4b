using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cli.Tests.Watch;

public sealed class DashboardServerTests : IAsyncLifetime, IDisposable
{
    private readonly FakeControl _control = new();
    private readonly RunWatch _watch = new();
    private readonly HttpClient _client = new();
    private DashboardServer _server = null!;

    public async Task InitializeAsync()
    {
        _watch.Begin("made-up", "runs/made-up");
        _watch.OnStarted(10, 1000);
        _watch.OnStep(Reports.Step(10, double.NaN));
        _watch.OnEpoch(Reports.Epoch(1, 10));
        _server = (await DashboardServer.StartAsync(HttpSettings.Local(0), _watch, () => _control))!;
        _client.BaseAddress = new Uri($"http://127.0.0.1:{_server.Port}");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _client.Dispose();

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/dashboard.js", "text/javascript")]
    [InlineData("/dashboard.css", "text/css")]
    [InlineData("/uPlot.iife.min.js", "text/javascript")]
    [InlineData("/uPlot.min.css", "text/css")]
    public async Task Every_file_of_the_page_is_in_the_program(string path, string type)
    {
        using HttpResponseMessage answer = await _client.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(
            "default-src 'self'", answer.Headers.GetValues("Content-Security-Policy")
            .Single(), StringComparison.Ordinal);
        Assert.True((await answer.Content.ReadAsByteArrayAsync()).Length > 500);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/dashboard.js")]
    [InlineData("/api/news")]
    [InlineData("/metrics")]
    public async Task HEAD_is_answered_as_GET_is_without_the_body(string path)
    {
        using HttpResponseMessage head = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path))
            .WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.NotNull(head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Connections_with_half_a_request_do_not_shut_others_out()
    {
        List<TcpClient> half = [];
        try
        {
            for (int i = 0; i < 250; i++)
            {
                var connection = new TcpClient();
                half.Add(connection);
                await connection.ConnectAsync(IPAddress.Loopback, _server.Port);
                await connection.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: 127"u8.ToArray());
            }
            var watched = Stopwatch.StartNew();
            using HttpResponseMessage answer = await _client.GetAsync("/metrics");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.InRange(watched.ElapsedMilliseconds, 0, 5000);
        }
        finally
        {
            half.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task News_begin_with_everything_and_go_on_with_what_is_new()
    {
        await using Stream stream = await _client.GetStreamAsync("/api/news");
        using var reader = new StreamReader(stream);
        JsonElement first = await NextAsync(reader);
        Assert.True(first.GetProperty("isAnew").GetBoolean());
        Assert.Equal("running", first.GetProperty("run").GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Null, first.GetProperty("points")[0][1].ValueKind);
        Assert.Equal(2, first.GetProperty("epochs")[0][4].GetDouble());
        Assert.Equal(5, first.GetProperty("nodes").GetArrayLength());
        _watch.OnStep(Reports.Step(20, 0.25));
        _watch.Log("a line");
        // They may come in one piece of news, or in two.
        var steps = new List<long>();
        var lines = new List<string?>();
        while (steps.Count == 0 || lines.Count == 0)
        {
            JsonElement next = await NextAsync(reader);
            Assert.False(next.GetProperty("isAnew").GetBoolean());
            steps.AddRange(next.GetProperty("points").EnumerateArray().Select(point => point[0].GetInt64()));
            lines.AddRange(next.GetProperty("lines").EnumerateArray().Select(line => line.GetString()));
        }
        Assert.Equal([20], steps);
        Assert.Equal(["a line"], lines);
    }

    [Fact]
    public async Task Without_a_coordinator_that_answers_the_curves_still_come()
    {
        _control.Answers = false;
        await using Stream stream = await _client.GetStreamAsync("/api/news");
        using var reader = new StreamReader(stream);
        JsonElement news = await NextAsync(reader);
        Assert.Equal(JsonValueKind.Null, news.GetProperty("run").ValueKind);
        Assert.Equal("made-up", news.GetProperty("watched").GetProperty("name").GetString());
        Assert.Equal(1, news.GetProperty("points").GetArrayLength());
    }

    [Fact]
    public async Task Many_onlookers_ask_the_coordinator_once_in_a_while_and_not_once_each()
    {
        Stream[] streams = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _client.GetStreamAsync("/api/news")));
        await Task.Delay(2000);
        Assert.InRange(_control.Asked, 1, 16);
        foreach (Stream stream in streams)
            await stream.DisposeAsync();
    }

    [Theory]
    [InlineData("pause", typeof(PauseCommand))]
    [InlineData("resume", typeof(PauseCommand))]
    [InlineData("stop", typeof(StopCommand))]
    [InlineData("drain?node=worker-1%2Fabc", typeof(DrainCommand))]
    public async Task Whoever_has_the_token_changes_the_run(string action, Type command)
    {
        using HttpResponseMessage answer = await PostAsync(action, Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.IsType(command, Assert.Single(_control.Told));
        if (_control.Told[0] is DrainCommand drain)
            Assert.Equal("worker-1/abc", drain.Node);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    public async Task Without_the_token_nothing_is_changed(string? token)
    {
        using HttpResponseMessage answer = await PostAsync("stop", token);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        using HttpResponseMessage inAddress = await _client.PostAsync($"/api/stop?token={Token}", null);
        Assert.Equal(HttpStatusCode.Unauthorized, inAddress.StatusCode);
        Assert.Empty(_control.Told);
    }

    [Fact]
    public async Task The_case_of_the_scheme_does_not_matter()
    {
        using HttpResponseMessage answer = await PostAsync("stop", Token, "bearer");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task What_the_cluster_refuses_is_said()
    {
        using HttpResponseMessage answer = await PostAsync("drain?node=nobody", Token);
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains("there is no node nobody", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Under_another_name_for_this_machine_nothing_is_shown()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/news");
        request.Headers.Host = "evil.example";
        using HttpResponseMessage answer = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
    }

    [Fact]
    public async Task From_other_machines_the_token_is_needed_to_look_on()
    {
        await using DashboardServer open =
            (await DashboardServer.StartAsync(new HttpSettings("0.0.0.0", 0, IsFixed: true, "secret"),
            _watch, () => _control))!;
        var at = new Uri($"http://127.0.0.1:{open.Port}/api/news");
        using HttpResponseMessage without = await _client.GetAsync(at, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
        using HttpResponseMessage with =
            await _client.GetAsync(new Uri(at, "?token=secret"), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, with.StatusCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_where_it_was_asked_for_and_else_another_is_taken()
    {
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => DashboardServer.StartAsync(HttpSettings.Local(_server.Port), _watch, () => _control));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.StartsWith($"http-port 127.0.0.1:{_server.Port} is taken: ", failure.Message, StringComparison.Ordinal);
        await using DashboardServer? other = await DashboardServer.StartAsync(
            HttpSettings.Local(_server.Port) with { IsFixed = false }, _watch, () => _control);
        Assert.NotEqual(_server.Port, other!.Port);
        failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => DashboardServer.StartAsync(HttpSettings.Local(0) with { Host = "192.0.2.1" }, _watch, () => _control));
        Assert.StartsWith("http-port 192.0.2.1:0 cannot be listened on (", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_of_a_run_are_there_for_Prometheus_and_promtool_finds_nothing_to_say()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory().FullName, "run");
        CliRun run = await CliRun.Of(new CliServices(), ["train", "--epochs", "2", "--quiet", "--output", folder]);
        Assert.True(run.Code == 0, run.Error);
        string metrics = await _client.GetStringAsync("/metrics");
        Assert.Contains("disttrainer_run_steps_total", metrics, StringComparison.Ordinal);
        Assert.Contains("disttrainer_worker_compute_duration_seconds_bucket", metrics, StringComparison.Ordinal);
        Assert.Contains("disttrainer_parameter_shard_apply_duration_seconds_sum", metrics, StringComparison.Ordinal);
        Assert.Contains("dotnet_gc_collections_total", metrics, StringComparison.Ordinal);
        if (!File.Exists("/usr/bin/promtool"))
            return;
        using Process promtool =
            Process.Start(new ProcessStartInfo("/usr/bin/promtool",
            ["check", "metrics"])
            {
                RedirectStandardInput = true,
                RedirectStandardError = true,
                RedirectStandardOutput = true
            })!;
        await promtool.StandardInput.WriteAsync(metrics);
        promtool.StandardInput.Close();
        string said = await promtool.StandardOutput.ReadToEndAsync() + await promtool.StandardError.ReadToEndAsync();
        await promtool.WaitForExitAsync();
        Assert.True(promtool.ExitCode == 0, said);
    }

    private string Token => new Uri(_server.Address).Query["?token=".Length..];

    private Task<HttpResponseMessage> PostAsync(string action, string? token, string scheme = "Bearer")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/api/{action}");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue(scheme, token);
        return _client.SendAsync(request);
    }

    private static async Task<JsonElement> NextAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
                return JsonDocument.Parse(line["data: ".Length..]).RootElement;
        }
        throw new EndOfStreamException();
    }
}
