using System.Globalization;
using Spectre.Console;

namespace DistTrainer.Cli.Progress;

/// <summary>A bar on standard error while a long file is read; nothing where that is no terminal.</summary>
internal static class RowProgress
{
    private const long LongFile = 16 << 20;

    /// <summary>Does something while the bar is shown; it is gone afterwards.</summary>
    /// <param name="console">Where the command writes.</param>
    /// <param name="path">The file.</param>
    /// <param name="share">The share of it that has been read; null where it is not known.</param>
    /// <param name="work">Reports how many are done.</param>
    public static void Show(CliConsole console, string path, Func<double?> share, Action<Action<long>> work)
    {
        if (!console.ErrorIsTerminal || console.ErrorTerminal is not { } terminal
            || !File.Exists(path) || new FileInfo(path).Length < LongFile)
        {
            work(_ => { });
            return;
        }
        terminal.Progress().AutoClear(true).HideCompleted(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("0 rows", maxValue: 1);
                bar.IsIndeterminate = share() is null;
                work(done =>
                {
                    bar.Description = string.Create(CultureInfo.InvariantCulture, $"{done:N0} rows");
                    bar.IsIndeterminate = share() is null;
                    bar.Value = share() ?? 0;
                });
            });
    }
}
