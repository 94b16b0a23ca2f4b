using System.CommandLine;
using System.CommandLine.Parsing;
using DistTrainer.Jobs;

namespace DistTrainer.Cli;

/// <summary>Says what a misspelt word of the command line may have meant.</summary>
internal static class Suggestions
{
    /// <summary>One line for the first thing that is wrong.</summary>
    public static string Explain(ParseResult result)
    {
        ParseError error = result.Errors[0];
        string? option = error.SymbolResult is OptionResult or ArgumentResult { Parent: OptionResult }
            ? ((error.SymbolResult as OptionResult) ?? (OptionResult)error.SymbolResult.Parent!).Option.Name : null;
        string where = option is null || error.Message.Contains(option, StringComparison.Ordinal) ? "" : $"{option}: ";
        string message = where + error.Message.ReplaceLineEndings(" ").TrimEnd('.');
        Command command = result.CommandResult.Command;
        string? unknown = result.UnmatchedTokens.Count > 0 ? result.UnmatchedTokens[0] : null;
        IEnumerable<string> names = command.Options.Select(option => option.Name)
            .Concat(command.Subcommands.Select(sub => sub.Name));
        string hint = unknown is null ? "" : NearestName.Hint(unknown, names);
        return $"{message}{hint}; see `{Path(command)} --help`.";
    }

    private static string Path(Command command) =>
        command.Parents.OfType<Command>()
            .FirstOrDefault() is { } parent ? $"{Path(parent)} {command.Name}" : "disttrainer";
}
