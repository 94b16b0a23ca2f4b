using System.CommandLine;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer help</c>: what <c>--help</c> prints, of the program or of one of its commands.</summary>
internal sealed class HelpCommand : Command
{
    /// <summary>Makes the command.</summary>
    /// <param name="console">Where the help goes.</param>
    /// <param name="root">All commands.</param>
    public HelpCommand(CliConsole console, RootCommand root)
        : base("help", "Shows this help, or that of a command.")
    {
        var names = new Argument<string[]>("command")
        {
            Description = "The command, e.g. train or data fetch",
            HelpName = "COMMAND",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Add(names);
        SetAction(result =>
        {
            string[] named = result.GetValue(names) ?? [];
            Require(root, named);
            return root.Parse([.. named, "--help"]).Invoke(new InvocationConfiguration
            {
                Output = console.Output,
                Error = console.Error,
            });
        });
    }

    private static void Require(Command command, string[] named)
    {
        foreach (string name in named)
        {
            string[] known = [.. command.Subcommands.Select(sub => sub.Name)];
            command = command.Subcommands.FirstOrDefault(sub => sub.Name == name) ?? throw new DistTrainerException(
                FailureKind.Configuration, $"help: there is no command {string.Join(
                    ' ', named)}{NearestName.Hint(name, known)}; `disttrainer help` lists all.");
        }
    }
}
