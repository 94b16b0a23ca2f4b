using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using DistTrainer.Cli.Serving;
using Xunit;

namespace DistTrainer.Cli.Tests.Serving;

public sealed class ServeTests(TrainedModels models) : IClassFixture<TrainedModels>
{
    private static readonly Uri s_model = new("/model", UriKind.Relative);

    [Theory]
    [InlineData("digits")]
    [InlineData("concrete")]
    public async Task Lists_objects_and_CSV_are_answered_byte_for_byte_with_what_predict_prints(string data)
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run(data));
        string expected = await models.Predicted(data, "json");
        string[][] rows = Fields(data);
        Assert.Equal(301, rows.Length);
        Assert.Equal(
            expected, await served.PredictAsync(Body(rows.Skip(1).Select(row => $"[{string.Join(',', row[..^1])}]"))));
        // Backwards, with the target: names decide.
        Assert.Equal(
            expected, await served.PredictAsync(
                Body(rows.Skip(1)
                .Select(
                    row => $"{{{string.Join(
                        ',', rows[0].Zip(row, (name, value) => $"\"{name}\":{value}").Reverse())}}}"))));
        Assert.Equal(expected, await served.PredictAsync(File.ReadAllText(models.Rows(data)), "text/csv"));
        served.Client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("text/csv"));
        Assert.Equal(
            await models.Predicted(data, "csv"),
            await served.PredictAsync(File.ReadAllText(models.Rows(data)), "text/csv"));
    }

    [Theory]
    [InlineData(300, 1)]
    [InlineData(7, 2)]
    public async Task Requests_that_are_computed_as_one_batch_give_the_same_bits_as_predict(int batchSize, int threads)
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"), new ServeSettings
        {
            BatchWait = TimeSpan.FromSeconds(1),
            BatchSize = batchSize,
            Threads = threads,
        });
        string[] expected = Lines(await models.Predicted("concrete", "json"));
        string[][][] parts = [.. Fields("concrete").Skip(1).Take(99).Chunk(3)];
        string[] answers = await Task.WhenAll(
            parts.Select(part => served.PredictAsync(Body(part.Select(row => $"[{string.Join(',', row[..^1])}]")))));
        Assert.Equal(expected.Take(99), answers.SelectMany(Lines));
        long batches = long.Parse(
            served.Figures.Split("batches=")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(batches < 33, served.Figures);
        Assert.StartsWith("requests=33 rows=99 ", served.Figures, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_with_more_rows_or_bytes_than_allowed_is_answered_with_413()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"), new ServeSettings
        {
            MaxRows = 2,
            MaxBytes = 2000,
        });
        string row = $"[{string.Join(',', Fields("concrete")[1][..^1])}]";
        await served.PredictAsync(Body([row, row]));
        JsonElement rows = await ServedModel.ProblemAsync(
            HttpStatusCode.RequestEntityTooLarge, await served.PostAsync(Body([row, row, row])));
        Assert.Contains("more than 2", rows.GetProperty("detail").GetString(), StringComparison.Ordinal);
        string csv = string.Join('\n', File.ReadLines(models.Rows("concrete")).Take(4));
        JsonElement lines = await ServedModel.ProblemAsync(
            HttpStatusCode.RequestEntityTooLarge, await served.PostAsync(csv, "text/csv"));
        Assert.Contains("has 3 rows; allowed: 2", lines.GetProperty("detail").GetString(), StringComparison.Ordinal);
        JsonElement bytes = await ServedModel.ProblemAsync(
            HttpStatusCode.RequestEntityTooLarge, await served.PostAsync(Body([row]) + new string(' ', 2000)));
        Assert.Contains("--max-bytes", bytes.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await served.PredictAsync(Body([row]));
    }

    [Fact]
    public async Task More_requests_at_a_time_than_allowed_are_told_to_come_again()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"), new ServeSettings
        {
            MaxRequests = 1,
            BatchWait = TimeSpan.FromSeconds(3),
        });
        string body = Body([$"[{string.Join(',', Fields("concrete")[1][..^1])}]"]);
        HttpResponseMessage[] answers = await Task.WhenAll(
            served.PostAsync(body), served.PostAsync(body), served.PostAsync(body));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        foreach (HttpResponseMessage answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.OK))
        {
            JsonElement problem = await ServedModel.ProblemAsync(HttpStatusCode.ServiceUnavailable, answer);
            Assert.Contains("--max-requests", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        }

        await served.PredictAsync(body);
    }

    [Theory]
    [InlineData("hello", "The body is not JSON (line 1, byte 1)", null, null)]
    [InlineData("", "The body is not JSON", null, null)]
    [InlineData("[[1]]", "The body is a list; allowed: {\"rows\": [[value, …], …]}", null, null)]
    [InlineData("{}", "\"rows\" is missing", null, null)]
    [InlineData("{\"row\":[]}", "\"row\" is not known (did you mean rows?)", null, null)]
    [InlineData("{\"rows\":[]}", "rows: is empty", null, null)]
    [InlineData("{\"rows\":[[1,2,3,4,5,6,7,8]],\"rows\":[]}", "\"rows\" is there twice", null, null)]
    [InlineData("{\"rows\":[[1,2,3,4,5,6,7,8]]} 1", "The body is not JSON (line 1", null, null)]
    [InlineData("{\"rows\":{}}", "rows: is an object", null, null)]
    [InlineData("{\"rows\":[3]}", "rows[0]: is 3; allowed:", 0, null)]
    [InlineData("{\"rows\":[[1,2,3,4,5,6,7,8],[1,2]]}",
        "rows[1]: has 2 value(s); the model wants 8: cement, blast_furnace_slag", 1, null)]
    [InlineData("{\"rows\":[[1,2,3,4,5,6,7,8,9]]}", "rows[0]: has 9 value(s); the model wants 8", 0, null)]
    [InlineData(
        "{\"rows\":[[1,2,3,\"4\",5,6,7,8]]}",
        "rows[0], column \"water\": is the text \"4\"; allowed: a number", 0, "water")]
    [InlineData("{\"rows\":[[1,2,3,null,5,6,7,8]]}", "rows[0], column \"water\": is null, a missing value", 0, "water")]
    [InlineData("{\"rows\":[[1,2,3,1e39,5,6,7,8]]}",
        "rows[0], column \"water\": 1e39 is too large; allowed: numbers up to 3.4e38", 0, "water")]
    [InlineData("{\"rows\":[[1,2,3,NaN,5,6,7,8]]}", "The body is not JSON", null, null)]
    [InlineData(
        "{\"rows\":[{\"cement\":1}]}", "rows[0]: has no \"blast_furnace_slag\"; the model wants", 0,
        "blast_furnace_slag")]
    [InlineData("{\"rows\":[{\"cemnt\":1}]}",
        "rows[0]: has no \"cement\" (is it \"cemnt\"?); the model wants cement, ", 0, "cement")]
    [InlineData("{\"rows\":[{\"cement\":1,\"cement\":2}]}", "rows[0]: \"cement\" is there twice", 0, "cement")]
    [InlineData("{\"rows\":[{\"\\ud800\":1}]}", "The body has a name that is not UTF-8", null, null)]
    public async Task Wrong_JSON_is_answered_with_row_column_value_and_what_is_allowed(
        string body, string expected, int? row, string? column)
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"));
        JsonElement problem = await ServedModel.ProblemAsync(HttpStatusCode.BadRequest, await served.PostAsync(body));
        Assert.Contains(expected, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(row, problem.TryGetProperty("row", out JsonElement named) ? named.GetInt32() : null);
        Assert.Equal(column, problem.TryGetProperty("column", out JsonElement of) ? of.GetString() : null);
    }

    [Fact]
    public async Task Columns_that_the_model_does_not_know_are_not_used_in_JSON_as_in_CSV_and_in_predict()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"));
        string[][] rows = Fields("concrete");
        string expected = await models.Predicted("concrete", "json");
        Assert.Equal(
            expected, await served.PredictAsync(
                Body(rows.Skip(1)
                .Select(
                    row => $"{{\"id\":\"a\",{string.Join(
                        ',', rows[0].Zip(row, (name, value) => $"\"{name}\":{value}"))},\"note\":[null]}}"))));
        Assert.Equal(
            expected, await served.PredictAsync(
                string.Join('\n', rows.Select((row, i) => i == 0 ? $"id,{string.Join(',', row)},note"
                : $"a,{string.Join(',', row)},?")), "text/csv"));
    }

    [Theory]
    [InlineData("/model")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task HEAD_is_answered_as_GET_is_without_the_body(string path)
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"));
        using HttpResponseMessage whole = await served.Client.GetAsync(new Uri(path, UriKind.Relative));
        using HttpResponseMessage head = await served.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        Assert.Equal(
            (HttpStatusCode.OK, whole.Content.Headers.ContentLength),
            (head.StatusCode, head.Content.Headers.ContentLength));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task HEAD_of_what_cannot_be_got_is_refused()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"));
        using HttpResponseMessage head =
            await served.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/predict"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, head.StatusCode);
    }

    [Theory]
    [InlineData("", "body: the file is empty")]
    [InlineData("1,2,3,4,5,6,7,8\n1,2,3,x,5,6,7,8\n", "body:2:4: column '3': 'x' is not a number")]
    [InlineData("cement,water\n1,2\n", "body:1: the model wants a column 'blast_furnace_slag', which is not there")]
    [InlineData(
        "1,2,3\n",
        "body:1: the model wants a column 'cement', which is not there; the file has 3 columns without names")]
    public async Task Wrong_CSV_is_answered_with_line_column_and_value(string body, string expected)
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"));
        JsonElement problem = await ServedModel.ProblemAsync(
            HttpStatusCode.BadRequest, await served.PostAsync(body, "text/csv"));
        Assert.Contains(expected, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_content_type_path_or_method_is_refused_with_what_is_allowed()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"));
        await Refused(
            HttpStatusCode.UnsupportedMediaType, "allowed: application/json and text/csv", await served.PostAsync(
                "<rows/>", "application/xml"));
        await Refused(HttpStatusCode.NotFound, "GET /predictions is not answered; allowed: POST /predict",
            await served.Client.GetAsync(new Uri("/predictions", UriKind.Relative)));
        await Refused(HttpStatusCode.MethodNotAllowed, "GET /predict is not answered; allowed: POST /predict",
            await served.Client.GetAsync(new Uri("/predict", UriKind.Relative)));

        static async Task Refused(HttpStatusCode status, string expected, HttpResponseMessage response) =>
            Assert.Contains(expected, (await ServedModel.ProblemAsync(status, response)).GetProperty("detail")
                .GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_model_is_described_and_health_is_told()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("digits"));
        JsonElement model = JsonDocument.Parse(await served.Client.GetStringAsync(s_model)).RootElement;
        using JsonDocument run = JsonDocument.Parse(File.ReadAllText(Path.Combine(models.Run("digits"), "run.json")));
        Assert.Equal(
            run.RootElement.GetProperty("parameterHash").GetString(), model.GetProperty("parameterHash").GetString());
        Assert.Equal(
            ("classification", 64, 10), (model.GetProperty("task").GetString(), model.GetProperty("inputs")
            .GetArrayLength(), model.GetProperty("classes").GetArrayLength()));
        JsonElement first = model.GetProperty("tensors")[0];
        Assert.Equal(
            ("0.weight", 64), (first.GetProperty("name").GetString(), first.GetProperty("shape")[1].GetInt32()));
        Assert.Equal(
            "{\"status\":\"live\"}\n", await served.Client.GetStringAsync(new Uri("/health/live", UriKind.Relative)));
        Assert.Equal(
            "{\"status\":\"ready\"}\n", await served.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative)));
    }

    [Fact]
    public async Task Without_the_token_only_health_is_answered()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"), new ServeSettings
        {
            Token = "s3cret",
        });
        foreach (string? shown in new[] { null, "Bearer s3cre", "Bearer s3crets", "Basic s3cret", "s3cret", "Bearer" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, s_model);
            request.Headers.TryAddWithoutValidation("Authorization", shown);
            HttpResponseMessage response = await served.Client.SendAsync(request);
            await ServedModel.ProblemAsync(HttpStatusCode.Unauthorized, response);
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        }

        await ServedModel.ProblemAsync(HttpStatusCode.Unauthorized, await served.PostAsync("{}"));
        Assert.Equal(
            HttpStatusCode.OK, (await served.Client.GetAsync(new Uri("/health/live", UriKind.Relative))).StatusCode);
        foreach (string scheme in new[] { "bearer", "Bearer" })
        {
            served.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(scheme, "s3cret");
            Assert.Equal(HttpStatusCode.OK, (await served.Client.GetAsync(s_model)).StatusCode);
        }
        await ServedModel.ProblemAsync(HttpStatusCode.BadRequest, await served.PostAsync("{}"));
    }

    [Fact]
    public async Task Whoever_goes_away_while_waiting_disturbs_nobody()
    {
        await using ServedModel served = await ServedModel.StartAsync(models.Run("concrete"), new ServeSettings
        {
            BatchWait = TimeSpan.FromSeconds(1),
        });
        string body = Body([$"[{string.Join(',', Fields("concrete")[1][..^1])}]"]);
        using var impatient = new HttpClient
        {
            BaseAddress = served.Client.BaseAddress,
            Timeout = TimeSpan.FromMilliseconds(300),
        };
        Task gone = impatient.PostAsync(
            new Uri("/predict", UriKind.Relative),
            new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        Task<string> stays = served.PredictAsync(body);
        await Assert.ThrowsAsync<TaskCanceledException>(() => gone);
        Assert.Equal(Lines(await models.Predicted("concrete", "json"))[0], Lines(await stays).Single());
        Assert.Equal(await stays, await served.PredictAsync(body));
    }

    private string[][] Fields(string data) => [.. File.ReadLines(models.Rows(data)).Select(line => line.Split(','))];

    private static string Body(IEnumerable<string> rows) => $"{{\"rows\":[{string.Join(',', rows)}]}}";

    private static string[] Lines(string answer) =>
        [.. answer.Split('\n').Where(line => line.StartsWith('{')).Select(line => line.TrimEnd(','))];
}
