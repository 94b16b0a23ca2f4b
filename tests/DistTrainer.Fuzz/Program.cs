using System.CommandLine;
using System.Globalization;
using DistTrainer.Fuzz;

// A library behind Parquet may hang on a damaged file, which would hide what the program's own readers do: it has to be
// asked for.
Dictionary<string, Func<FuzzReader>> all = new()
{
    ["idx"] = () => new IdxFuzz(),
    ["csv"] = () => new CsvFuzz(),
    ["npy"] = () => new NpyFuzz(),
    ["safetensors"] = () => new SafeTensorsFuzz(),
    ["manifest"] = () => new ManifestFuzz(),
    ["part"] = () => new PartFuzz(),
    ["ledger"] = () => new LedgerFuzz(),
    ["job"] = () => new JobFuzz(),
    ["node"] = () => new NodeFuzz(),
    ["frames"] = () => new FramesFuzz(),
    ["messages"] = () => new MessagesFuzz(),
    ["handshake"] = () => new HandshakeFuzz(),
    ["control"] = () => new ControlFuzz(),
    ["parquet"] = () => new ParquetFuzz(),
};
var inputs = new Option<long>("--inputs")
{
    Description = "How many inputs each reader gets.",
    DefaultValueFactory = _ => 20_000,
};
var number = new Option<int>("--number")
{
    Description = "Which inputs: another number, other mutations.",
    DefaultValueFactory = _ => 1,
};
var readers = new Option<string[]>("--reader")
{
    Description = $"Readers to fuzz: {string.Join(", ", all.Keys)}; all but parquet if none is named.",
    AllowMultipleArgumentsPerToken = true,
};
readers.AcceptOnlyFromAmong([.. all.Keys]);
var failures = new Option<string>("--failures")
{
    Description = "Where inputs that are findings are written.",
    DefaultValueFactory = _ => "fuzz-failures",
};
var replay = new Option<string?>("--replay") { Description = "Give one such input to the reader alone." };
var command =
    new RootCommand(
        "Gives every reader of files and of the wire damaged inputs; each must be read or refused.") { inputs, number,
        readers, failures, replay };
command.SetAction(parsed =>
{
    string[] names = parsed.GetValue(readers) is { Length: > 0 } given ? given
        : [.. all.Keys.Where(name => name != "parquet")];
    return parsed.GetValue(replay) is { } path
        ? Replay(all[names[0]](), path, parsed.GetValue(failures)!)
        : RunAll(
            names.Select(name => all[name]), parsed.GetValue(inputs), parsed.GetValue(number),
            parsed.GetValue(failures)!);
});
try
{
    return command.Parse(args).Invoke();
}
finally
{
    Directory.Delete(Scratch.Folder, recursive: true);
}

static int Replay(FuzzReader toClose, string path, string failures)
{
    using FuzzReader reader = toClose;
    string? problem = new Fuzzer(reader, failures).Examine(FailureFile.Read(path), out string? refusal);
    Console.WriteLine(problem ?? (refusal is null ? "read" : $"refused: {refusal}"));
    return problem is null ? 0 : 1;
}

static int RunAll(IEnumerable<Func<FuzzReader>> readers, long inputs, int number, string failures)
{
    (int passed, int failed) = (0, 0);
    foreach (Func<FuzzReader> make in readers)
    {
        using FuzzReader reader = make();
        FuzzOutcome outcome = new Fuzzer(reader, failures).Run(inputs, number);
        Console.WriteLine(outcome);
        (passed, failed) = outcome.Findings == 0 ? (passed + 1, failed) : (passed, failed + 1);
    }
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{passed} passed, {failed} failed"));
    return failed == 0 && passed > 0 ? 0 : 1;
}
