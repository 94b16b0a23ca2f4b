using System.CommandLine;
using System.Runtime.InteropServices;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer env</c>.</summary>
internal sealed class EnvCommand : Command
{
    /// <summary>Makes the command.</summary>
    public EnvCommand(CliConsole console, CliServices services)
        : base("env", "Prints what a bug report needs: version, runtime, machine and folders.") => SetAction(_ =>
        {
            (string Name, string Value)[] lines =
            [
                ("version", Machine.Version),
                ("runtime", RuntimeInformation.FrameworkDescription),
                ("system", $"{RuntimeInformation.OSDescription.Trim()} {RuntimeInformation.OSArchitecture}"),
                ("processor", Machine.Processor),
                ("cores", Numbers.Text(Environment.ProcessorCount)),
                ("vectors", Machine.Simd),
                ("memory", Numbers.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)),
                ("program", AppContext.BaseDirectory),
                ("data cache", services.Data.CacheFolder),
                ("runs", Path.GetFullPath("runs")),
            ];
            foreach ((string name, string value) in lines)
                console.Output.WriteLine($"{name,-11} {value}");
        });
}
