using System.CommandLine;
using System.Net;
using DistTrainer.Cli.Runs;
using DistTrainer.Cli.Serving;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer serve</c>.</summary>
internal sealed class ServeCommand : Command
{
    /// <summary>What the line begins with that says where the server listens.</summary>
    public const string Serving = "serving";

    private const string TokenVariable = "DISTTRAINER_TOKEN";

    private static readonly ServeSettings s_defaults = new();

    private readonly CliConsole _console;
    private readonly StopSignals _signals;
    private readonly Argument<string> _model = ModelArgument.Create();
    private readonly Option<string> _host = new("--host")
    {
        Description = "Address to listen on: an IP address, or localhost",
        HelpName = "ADDRESS",
        DefaultValueFactory = _ => "127.0.0.1",
    };
    private readonly Option<int> _port = Whole("--port", "Port to listen on; 0 takes a free one", s_defaults.Port);
    private readonly Option<int> _maxRows = Whole(
        "--max-rows", "Most rows of one request; more are answered with 413", s_defaults.MaxRows);
    private readonly Option<int> _maxBytes = Whole(
        "--max-bytes", "Most bytes of one request; more are answered with 413", s_defaults.MaxBytes);
    private readonly Option<int> _maxRequests = Whole(
        "--max-requests", "Most requests at the same time; more are answered with 503", s_defaults.MaxRequests);
    private readonly Option<int> _batchWait = Whole(
        "--batch-wait",
        "Milliseconds that a request may wait for others to be computed with it; 0: only those that came meanwhile are",
        0);
    private readonly Option<int> _batchSize = Whole(
        "--batch-size", "Rows that do not wait for more", s_defaults.BatchSize);
    private readonly Option<int> _threads = Whole("--threads", "Threads that compute batches", s_defaults.Threads);
    private readonly Option<string?> _token = new("--token")
    {
        Description =
            $"Clients must send Authorization: Bearer TOKEN. Default: the variable {TokenVariable}, which other users "
            + "of the machine do not see",
        HelpName = "TOKEN",
    };
    private readonly Option<bool> _insecure = new("--insecure")
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
        (_console, _signals) = (console, signals);
        Add(_model);
        foreach (Option option in new Option[] { _host, _port, _maxRows, _maxBytes, _maxRequests, _batchWait,
            _batchSize, _threads, _token, _insecure })
            Add(option);
        SetAction((result, _) => RunAsync(result));
    }

    private async Task<int> RunAsync(ParseResult options)
    {
        ServeSettings settings = Read(options);
        string path = RunFolder.ModelOf(options.GetRequiredValue(_model));
        TrainedModel saved = ModelFile.Load(path);
        string run = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await using PredictionServer server = await PredictionServer.StartAsync(
            saved, run, settings, line => _console.Error.WriteLine($"error: {line}"));
        _console.Output.WriteLine($"{Serving} {server.Address} model={path} parameters sha256={saved.ParameterHash}");
        await _signals.WaitAsync();
        await server.StopAsync();
        _console.Output.WriteLine($"served {server.Figures}");
        return _signals.ExitCode;
    }

    private ServeSettings Read(ParseResult options)
    {
        var settings = new ServeSettings
        {
            Address = Address(options.GetValue(_host)!),
            Port = InRange(options, _port, 0, IPEndPoint.MaxPort),
            MaxRows = InRange(options, _maxRows, 1, 1_000_000),
            MaxBytes = InRange(options, _maxBytes, 1, 1 << 30),
            MaxRequests = InRange(options, _maxRequests, 1, 100_000),
            BatchWait = TimeSpan.FromMilliseconds(InRange(options, _batchWait, 0, 10_000)),
            BatchSize = InRange(options, _batchSize, 1, 100_000),
            Threads = InRange(options, _threads, 1, 1024),
            Token = options.GetValue(_token) ?? Environment.GetEnvironmentVariable(TokenVariable),
        };
        if (settings.Token is { } given && (given.Length == 0 || given.Any(c => c is <= ' ' or > '~')))
            throw Wrong(
                "--token: is empty or has blanks or other than ASCII characters; allowed: letters, digits and signs "
                + "of ASCII.");
        if (settings.Token is null && !IPAddress.IsLoopback(settings.Address) && !options.GetValue(_insecure))
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
