using System.Globalization;
using DistTrainer.Cli;

return OpenFiles.Suffice() ? await RunAsync(args) : ExitCodes.Configuration;

static async Task<int> RunAsync(string[] args)
{
    CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
    using var signals = StopSignals.Watch();
    return await CliApp.RunAsync(args, CliConsole.System(), new CliServices(), signals);
}
