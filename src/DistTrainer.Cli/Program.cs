using System.Globalization;
using DistTrainer.Cli;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
var console = CliConsole.System();
using var signals = StopSignals.Watch(console.ShowCursor);
return await CliApp.RunAsync(args, console, new CliServices(), signals);
