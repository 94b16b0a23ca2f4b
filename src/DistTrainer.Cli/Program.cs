using System.Globalization;
using DistTrainer.Cli;

return OpenFiles.Suffice() ? await RunAsync(args) : ExitCodes.Configuration;

static async Task<int> RunAsync(string[] args)
{
    CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
    var console = CliConsole.System();
    using var signals = StopSignals.Watch(console.ShowCursor);
    return await CliApp.RunAsync(args, console, new CliServices(), signals);
}
