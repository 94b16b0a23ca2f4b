using System.Globalization;
using DistTrainer.Cli;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
using var signals = StopSignals.Watch();
return await CliApp.RunAsync(args, CliConsole.System(), new CliServices(), signals);
