using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using DistTrainer.Cli.Runs;
using DistTrainer.Cli.Tests.Serving;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>A table with text, gaps, dates and yes/no, from the file to predictions, by the recipe.</summary>
public sealed class TableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-table-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, IEnumerable<string> lines)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private string Flats(int rows = 90) => Write("flats.csv",
    [
        "city,rooms,lift,built,note,price",
        .. Enumerable.Range(0, rows).Select(i => string.Create(CultureInfo.InvariantCulture,
            $"{(i % 9 == 0 ? "" : new[] { "Kiel", "Ulm", "Bonn" }[i % 3])},{(i % 7 == 0 ? "?" : 1 + (i % 5))},")
            + string.Create(CultureInfo.InvariantCulture,
                $"{(i % 2 == 0 ? "yes" : "no")},20{i % 20:00}-0{1 + (i % 9)}-11,text {i},{(100 * (i % 3)) + (i % 5)}.5")),
    ]);

    private static async Task<CliRun> Run(params string[] args)
    {
        CliRun run = await CliRun.Of(new CliServices(), args);
        Assert.True(run.Code == 0, run.Error);
        return run;
    }

    private async Task<string> Train(string data, params string[] more)
    {
        string run = Path.Combine(_folder, $"run-{Directory.GetDirectories(_folder).Length}");
        await Run(["train", "--data", data, "--epochs", "2", "--quiet", "--output", run, .. more]);
        return run;
    }

    [Fact]
    public async Task A_table_is_described_column_by_column()
    {
        string text = (await Run("data", "inspect", Flats(), "--target", "price")).Output;
        Assert.Contains("targets   price (regression)", text, StringComparison.Ordinal);
        foreach ((string column, string kind, string becomes) in new[]
        {
            ("city", "category", "4 features"), ("rooms", "number", "2 features"), ("lift", "yes-no", "1 feature"),
            ("built", "date", "4 features"), ("note", "ignore", "left out"),
        })
            Assert.Matches($"(?m)^{column} +{kind} .*{becomes}", text);
        text = (await Run("data", "inspect", Flats(), "--target", "lift", "--set", "data.columns.note=category")).Output;
        Assert.Contains("targets   lift (classification)", text, StringComparison.Ordinal);
        Assert.Matches("(?m)^note +category .*embedding 91×", text);
    }

    /// <summary>Another table stands in for the fetched one: nothing is held against the checksum here.</summary>
    [Fact]
    public async Task A_fetched_table_is_trained_by_its_name_with_the_target_and_task_of_the_catalog()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "abalone")).FullName;
        string path = Path.Combine(folder, "abalone.csv");
        File.WriteAllLines(path, Enumerable.Range(0, 90).Select(i => $"{"MFI"[i % 3]},1,2,3,4,5,6,{i % 9}.5,{i % 11}"));
        string train = $"train --data abalone --epochs 1 --output {Path.Combine(_folder, "run")}";
        (int code, string output) = await InProcess(train);
        Assert.True(code == 0, output);
        foreach (string said in new[] { "target '8': values;", "the recipe for tables takes 8 network(s)", " r2=" })
            Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.Contains(
            "targets   8 (regression)", (await InProcess("data inspect abalone")).Output, StringComparison.Ordinal);
        Assert.Contains(
            "targets   0 (classification)", (await InProcess("data inspect abalone --target 0")).Output,
            StringComparison.Ordinal);
        string list = (await InProcess("data list")).Output;
        Assert.Matches($"(?m)^abalone .*\n.*regression, 4177 samples of 8 features.*\n +{path}$", list);
        Assert.Contains("not here; `disttrainer data fetch titanic` gets it", list, StringComparison.Ordinal);
        (code, output) = await InProcess("train --data titanic");
        Assert.Equal((3, $"error: data set 'titanic' is not in {Path.Combine(_folder, "titanic")}; "
            + "run 'disttrainer data fetch titanic'.\n"), (code, output));
    }

    /// <summary>A process of its own, with the test's folder as the cache.</summary>
    private async Task<(int Code, string Output)> InProcess(string command)
    {
        var start = new ProcessStartInfo(
            "/bin/sh", ["-c", $"dotnet \"{Path.Combine(AppContext.BaseDirectory, "disttrainer.dll")}\" {command} 2>&1"])
        {
            RedirectStandardOutput = true,
            Environment = { ["DISTTRAINER_CACHE"] = _folder },
        };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    [Fact]
    public async Task It_is_trained_by_one_command_and_what_was_decided_is_said()
    {
        string path = Path.Combine(_folder, "run");
        CliRun run = await Run(
            "train", "--data", Flats(), "--target", "price", "--epochs", "2", "--output", path);
        foreach (string said in new[]
        {
            "column 'note' is left out: an identifier or free text", "yes is 1 and no 0 in 'lift'",
            "categories: 'city'", "dates: 'built'", "target 'price': values; --task classification",
            "no job file: the recipe for tables takes 8 network(s) of 128 silu, 128 silu",
        })
            Assert.Contains(said, run.Error, StringComparison.Ordinal);
        CliRun evaluated = await Run("evaluate", path);
        Assert.StartsWith("validation samples=14 ", evaluated.Output, StringComparison.Ordinal);
        Assert.Contains("the data have no test part", evaluated.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sgd")]
    [InlineData("rmsprop")]
    public async Task Another_optimizer_than_the_recipe_s_has_its_own_settings(string optimizer)
    {
        string path = Path.Combine(_folder, "run");
        CliRun run = await Run(
            "train", "--data", Flats(), "--target", "price", "--optimizer", optimizer, "--epochs", "1", "--output", path);
        Assert.Equal(0, run.Code);
        string job = await File.ReadAllTextAsync(Path.Combine(path, "job.conf"));
        Assert.Contains($"kind = {optimizer}", job, StringComparison.Ordinal);
        Assert.DoesNotContain("beta2", job, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_recipe_has_switched_on_can_be_set()
    {
        CliRun run = await Run(
            "config", "validate", "--data", Flats(), "--target", "price", "--print", "--set",
            "training.early-stopping.watch=r2", "--set", "training.early-stopping.minimum-delta=0.001", "--set",
            "schedule.minimum-rate=0.0001");
        Assert.Equal(0, run.Code);
        Assert.Contains("watch = r2", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_AUC_that_the_validation_part_does_not_define_is_refused()
    {
        string data = Write("parts.csv", ["a,p,y", .. Enumerable.Range(0, 60).Select(
            i => $"{i % 7},{(i < 40 ? "train" : "validation")},{(i < 40 && i % 3 == 0 ? "rare" : "usual")}")]);
        CliRun run = await CliRun.Of(new CliServices(), [
            "train", "--data", data, "--target", "y", "--set", "data.split={order=part,by=p}", "--set",
            "training.early-stopping.watch=auc", "--epochs", "1"]);
        Assert.Equal(2, run.Code);
        Assert.Contains("the validation part has no row of class 'rare'", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("65536")]
    public async Task What_is_no_port_is_refused(string port)
    {
        CliRun run = await CliRun.Of("train", "--data", Flats(), "--http-port", port);
        Assert.Contains("is no port; allowed: 0 to 65535", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, run.Code);
    }

    [Fact]
    public async Task Whole_numbers_are_classes_or_values_as_is_said()
    {
        string data = Write("rings.csv", ["a,b,rings", .. Enumerable.Range(0, 80).Select(i => $"{i % 7},{i % 11},{i % 9}")]);
        Assert.Contains("target 'rings': 9 classes (0, 1, 2, 3, 4, …); --task regression takes the numbers for values",
            (await Run("train", "--data", data, "--epochs", "1", "--output", Path.Combine(_folder, "c"))).Error,
            StringComparison.Ordinal);
        Assert.Contains("target 'rings': values", (await Run(
            "train", "--data", data, "--task", "regression", "--epochs", "1", "--output", Path.Combine(_folder, "v"))).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Raw_rows_are_predicted_alike_by_predict_and_by_requests_in_JSON_and_CSV()
    {
        string run = await Train(Flats(), "--target", "price");
        string[] rows = ["Ulm,3,YES,2011-03-04", "Oslo,,no,2001-01-01 12:00", ",2,yes,2019-12-31"];
        string data = Write("new.csv", ["city,rooms,lift,built", .. rows]);
        CliRun predicted = await Run("predict", run, "--data", data, "--format", "json");
        Assert.Equal("note: column 'city': 1 row(s) with values that training did not have or had rarely, e.g. 'Oslo'\n",
            predicted.Error.ReplaceLineEndings("\n"));
        await using ServedModel served = await ServedModel.StartAsync(run);
        Assert.Equal(predicted.Output, await served.PredictAsync("city,rooms,lift,built\n" + string.Join('\n', rows),
            "text/csv"));
        const string Body = """
            {"rows": [{"city": "Ulm", "rooms": 3, "lift": "YES", "built": "2011-03-04"},
              ["Oslo", null, false, "2001-01-01 12:00"], ["", 2, "yes", "2019-12-31"]]}
            """;
        Assert.Equal(predicted.Output, await served.PredictAsync(
            Body.Replace("false", "\"no\"", StringComparison.Ordinal)));
        using HttpResponseMessage noted = await served.PostAsync(
            """{"rows": [["Zürich", 1, "no", "2001-01-01"]]}""");
        Assert.Equal("[\"column \\u0027city\\u0027: 1 row(s) with values that training did not have or had rarely, e.g. "
            + "\\u0027Z\\u00FCrich\\u0027\"]", noted.Headers.GetValues("DistTrainer-Notes").Single());
        foreach ((string body, string detail) in new[]
        {
            ("[\"Ulm\",\"3\",\"yes\",\"2011-03-04\"]",
                "rows[0], column \"rooms\": is the text \"3\"; allowed: a number, without quotes, or null"),
            ("[\"Ulm\",3,\"yes\",\"soon\"]", "rows: row 0, column 'built': 'soon' is no date; correct it."),
            ("[\"Ulm\",3,\"maybe\",\"2011-03-04\"]",
                "rows: row 0, column 'lift': 'maybe' is neither yes nor no; give one of them."),
            ("[\"Ulm\",3,\"\",\"2011-03-04\"]", "rows: row 0, column 'lift': has no value, and the model learned of no"),
            ("[\"Ulm\",3,\"yes\",null]", "rows[0], column \"built\": is null, a missing value; allowed: a text."),
            ("[\"Ulm\",[3],\"yes\",\"2011-03-04\"]", "rows[0], column \"rooms\": is a list; allowed: a number"),
        })
        {
            JsonElement problem = await ServedModel.ProblemAsync(
                HttpStatusCode.BadRequest, await served.PostAsync($"{{\"rows\": [{body}]}}"));
            Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal(0, problem.GetProperty("row").GetInt32());
            Assert.Contains(
                problem.GetProperty("column").GetString()!, problem.GetProperty("detail").GetString(),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Its_requests_are_described_as_OpenAPI()
    {
        string run = await Train(Flats(), "--target", "price");
        await using ServedModel served = await ServedModel.StartAsync(run);
        using var api = JsonDocument.Parse(await served.Client.GetStringAsync(new Uri("/openapi.json", UriKind.Relative)));
        JsonElement row = api.RootElement.GetProperty("components").GetProperty("schemas").GetProperty("Row")
            .GetProperty("properties");
        Assert.Equal("[\"number\",\"null\"]", row.GetProperty("rooms").GetProperty("type").ToString().Replace(
            "\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("Bonn", row.GetProperty("city").GetProperty("examples")[0].GetString());
        Assert.Equal("string", row.GetProperty("built").GetProperty("type").GetString());
        Assert.Equal("#/components/schemas/Row", api.RootElement.GetProperty("paths").GetProperty("/predict")
            .GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("application/json")
            .GetProperty("schema").GetProperty("properties").GetProperty("rows").GetProperty("items")
            .GetProperty("$ref").GetString());
    }

    [Fact]
    public async Task Any_name_of_a_column_can_be_the_target()
    {
        string data = Write("odd.csv", ["\"a [m], b\",x y,\"{z}\"",
            .. Enumerable.Range(0, 60).Select(i => $"{i % 5},{i % 3},{i % 2}")]);
        foreach (string name in new[] { "a [m], b", "x y", "{z}", "1" })
        {
            string run = await Train(data, "--target", name);
            Assert.Equal(name == "1" ? "x y" : name, ModelFile.Load(RunFolder.ModelOf(run)).Schema.TargetNames.Single());
        }
    }
}
