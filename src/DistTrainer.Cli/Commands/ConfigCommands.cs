using System.CommandLine;
using System.Text;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer config …</c>.</summary>
internal static class ConfigCommands
{
    /// <summary>What the help says of them.</summary>
    public const string Summary = "Makes and checks job files.";

    /// <summary>Makes the commands.</summary>
    public static Command Create(CliConsole console, CliServices services) =>
        new("config", Summary) { Init(console), Validate(console, services) };

    private static Command Init(CliConsole console)
    {
        var data = new Option<string>("--for")
        {
            Description = "The built-in job to start from",
            HelpName = string.Join('|', BuiltInJobs.Names),
            DefaultValueFactory = _ => BuiltInJobs.DefaultData,
        };
        var output = new Option<string?>("--output")
        {
            Description = "Writes to this new file. Default: standard output",
            HelpName = "FILE",
        };
        var command =
            new Command("init",
            "Prints a complete job file that explains every key.") { data.AcceptOnlyFromAmong([.. BuiltInJobs.Names]),
            output };
        command.SetAction(result =>
        {
            string text =
                "# A job of disttrainer, in HOCON (JSON works too): one key a line.\n# Lines that begin with # show "
                + "keys at their default, or without effect here.\n\n"
                + JobFile.Read(BuiltInJobs.Read(result.GetRequiredValue(data))).Write(comments: true);
            if (result.GetValue(output) is not { } path)
            {
                console.Machine.Write(text);
                return;
            }

            if (Path.Exists(path))
                throw new DistTrainerException(
                    FailureKind.Configuration, $"--output: {path} is there already; name a new file.");
            AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        });
        return command;
    }

    private static Command Validate(CliConsole console, CliServices services)
    {
        var options = new JobOptions();
        var print = new Option<bool>("--print") { Description = "Prints the resolved job with all defaults" };
        var command =
            new Command("validate",
            "Checks a job (a job file, or the built-in one, with the options laid over it) without "
            + "training.") { print };
        options.AddTo(command);
        command.SetAction(result =>
        {
            (JobFile job, string name, _) = options.Read(result, services.Data);
            if (result.GetValue(print))
                console.Machine.Write(job.Write());
            else
                console.Output.WriteLine($"{name}: fine, {Numbers.Text(job.Job.Model.Layers.Count)} layers");
        });
        return command;
    }
}
