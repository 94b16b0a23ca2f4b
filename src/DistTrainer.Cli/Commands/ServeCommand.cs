using System.CommandLine;
using System.Net;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cli;

/// <summary><c>disttrainer serve</c>.</summary>
internal sealed class ServeCommand : Command
{
    /// <summary>What the line begins with that says where the server listens.</summary>
    public const string Serving = "serving";

    private const string TokenVariable = "DISTTRAINER_TOKEN";

    private static readonly ServeSettings Defaults = new();

    private readonly CliConsole console;
    private readonly StopSignals signals;
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string> host = new("--host")
    {
        Description = "Address to listen on: an IP address, or localhost",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => "127.0.0.1",
    };
    private readonly Option<int> port = Whole("--port", "Port to listen on; 0 takes a free one", Defaults.Port);
    private readonly Option<int> maxRows = Whole(
        "--max-rows", "Most rows of one request; more are answered with 413", Defaults.MaxRows);
    private readonly Option<int> maxBytes = Whole(
        "--max-bytes", "Most bytes of one request; more are answered with 413", Defaults.MaxBytes);
    private readonly Option<int> maxRequests = Whole(
        "--max-requests", "Most requests at the same time; more are answered with 503", Defaults.MaxRequests);
    private readonly Option<int> batchWait = Whole(
        "--batch-wait",
        "Milliseconds that a request may wait for others to be computed with it; 0: only those that came meanwhile are",
        0);
    private readonly Option<int> batchSize = Whole(
        "--batch-size", "Rows that do not wait for more", Defaults.BatchSize);
    private readonly Option<int> threads = Whole("--threads", "Threads that compute batches", Defaults.Threads);
    private readonly Option<string?> token = new("--token")
    {
        Description =
            $"Clients must send Authorization: Bearer TOKEN. Default: the variable {TokenVariable}, which other users "
            + "of the machine do not see",
        HelpName = "TOKEN",
    };
    private readonly Option<bool> insecure = new("--insecure")
    {
        Description = "Lets other machines ask without a token",
    };

    /// <summary>Makes the command.</summary>
    public ServeCommand(CliConsole console, StopSignals signals)
        : base(
            "serve",
            "Answers predictions over HTTP until it is told to end: POST /predict, GET /model, GET /health/live, GET "
            + "/health/ready.")
    {
        (this.console, this.signals) = (console, signals);
        Add(model);
        foreach (Option option in new Option[] { host, port, maxRows, maxBytes, maxRequests, batchWait, batchSize,
            threads, token, insecure })
            Add(option);
        SetAction((result, _) => RunAsync(result));
    }

    private async Task<int> RunAsync(ParseResult options)
    {
        ServeSettings settings = Read(options);
        string path = RunFolder.ModelOf(options.GetRequiredValue(model));
        TrainedModel saved = ModelFile.Load(path);
        string run = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await using PredictionServer server = await PredictionServer.StartAsync(
            saved, run, settings, line => console.Error.WriteLine($"error: {line}"));
        console.Output.WriteLine($"{Serving} {server.Address} model={path} parameters sha256={saved.ParameterHash}");
        await signals.WaitAsync();
        await server.StopAsync();
        console.Output.WriteLine($"served {server.Figures}");
        return signals.ExitCode;
    }

    private ServeSettings Read(ParseResult options)
    {
        var settings = new ServeSettings
        {
            Address = Address(options.GetValue(host)!),
            Port = InRange(options, port, 0, IPEndPoint.MaxPort),
            MaxRows = InRange(options, maxRows, 1, 1_000_000),
            MaxBytes = InRange(options, maxBytes, 1, 1 << 30),
            MaxRequests = InRange(options, maxRequests, 1, 100_000),
            BatchWait = TimeSpan.FromMilliseconds(InRange(options, batchWait, 0, 10_000)),
            BatchSize = InRange(options, batchSize, 1, 100_000),
            Threads = InRange(options, threads, 1, 1024),
            Token = options.GetValue(token) ?? Environment.GetEnvironmentVariable(TokenVariable),
        };
        if (settings.Token is { } given && (given.Length == 0 || given.Any(c => c is <= ' ' or > '~')))
            throw Wrong(
                "--token: is empty or has blanks or other than ASCII characters; allowed: letters, digits and signs "
                + "of ASCII.");
        if (settings.Token is null && !IPAddress.IsLoopback(settings.Address) && !options.GetValue(insecure))
            throw Wrong(
                $"--host: {settings.Address} can be reached from other machines, and nobody is asked who they are; "
                + $"give a --token (or the variable {TokenVariable}), listen on 127.0.0.1, or say --insecure.");
        return settings;
    }

    private static Option<int> Whole(string name, string description, int value) =>
        new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => value };

    private static IPAddress Address(string text) => text == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(text, out IPAddress? address) ? address
        : throw Wrong(
            $"--host: \"{text}\" is no address; allowed: an IP address of this machine (0.0.0.0 is all of them), or "
            + "localhost.");

    private static int InRange(ParseResult options, Option<int> option, int least, int most) =>
        options.GetValue(option) is var value && value >= least && value <= most
        ? value
        : throw Wrong(
            $"{option.Name}: {Numbers.Text(value)} is out of range; allowed: {Numbers.Text(least)} to "
            + $"{Numbers.Text(most)}.");

    private static DistTrainerException Wrong(string message) => new(FailureKind.Configuration, message);
}
