using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using DistTrainer.Cli.Commands;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>The processes of a cluster on this machine: their lines are printed with their names before them.</summary>
internal sealed partial class NodeProcesses : IDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromMinutes(2); // all start at once
    private static readonly TimeSpan s_endTimeout = TimeSpan.FromSeconds(40);

    private readonly Action<string, string, bool> _print;
    private readonly CancellationToken _stop;
    private readonly List<Process> _processes = [];
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _registration;

    /// <summary>Starts with none.</summary>
    /// <param name="print">Takes each line of theirs: the node, the line, and whether it came from its standard error.
    /// It must not wait for anything, or they wait, too.</param>
    /// <param name="stop">When cancelled, the first process is asked to end in good order, and ends the others.</param>
    public NodeProcesses(Action<string, string, bool> print, CancellationToken stop)
    {
        (_print, _stop) = (print, stop);
        _registration = stop.Register(() =>
        {
            lock (_processes)
                Ask(_processes.FirstOrDefault());
        });
    }

    /// <summary>Waits until the first process listens, and tells the others where.</summary>
    /// <returns>Its cluster address.</returns>
    /// <exception cref="DistTrainerException">It ended before.</exception>
    public async Task<string> ConnectAsync()
    {
        Process first = _processes[0];
        Task ended = first.WaitForExitAsync();
        if (await Task.WhenAny(_address.Task, ended, Task.Delay(s_startTimeout)) == _address.Task)
        {
            string address = await _address.Task;
            foreach (Process other in _processes.Skip(1))
                Tell(other, address);
            return address;
        }
        throw new DistTrainerException(
            first.HasExited ? (FailureKind)first.ExitCode
            : FailureKind.Internal, "node-1 did not start; its lines above say why.");
    }

    /// <summary>
    /// Starts a process. Its standard input stays open for as long as this process lives (<see cref="LaunchedNode"/>).
    /// </summary>
    /// <exception cref="OperationCanceledException">They were asked to end.</exception>
    public void Start(string name, string[] arguments)
    {
        (string program, string[] before) = Self();
        var start = new ProcessStartInfo(program, [.. before, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        Process process;
        lock (_processes)
        {
            _stop.ThrowIfCancellationRequested();
            process = Process.Start(start) ?? throw new DistTrainerException(
                FailureKind.Internal, $"{program} could not be started.");
            _processes.Add(process);
        }
        process.OutputDataReceived += (_, line) => Print(name, line.Data, isError: false);
        process.ErrorDataReceived += (_, line) => Print(name, line.Data, isError: true);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Waits until the first process has ended, then for the others, which it has told to end.</summary>
    /// <param name="say">Hears that some had to be killed.</param>
    /// <returns>The first one's exit code.</returns>
    public async Task<int> WaitAsync(Action<string> say)
    {
        await _processes[0].WaitForExitAsync();
        using var patience =
            new CancellationTokenSource(_processes[0].ExitCode == 0 ? s_endTimeout : TimeSpan.FromSeconds(5));
        try
        {
            foreach (Process process in _processes)
                await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            say("launch: nodes that had not ended were killed");
        }
        return _processes[0].ExitCode;
    }

    /// <summary>Kills what still runs.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        foreach (Process process in _processes)
        {
            try
            {
                process.Kill(entireProcessTree: true);
            }
            catch (Exception failure) when (failure is InvalidOperationException or Win32Exception)
            {
                // It has ended.
            }
            process.WaitForExit();
            process.Dispose();
        }
    }

    private static void Tell(Process process, string line)
    {
        try
        {
            process.StandardInput.WriteLine(line);
        }
        catch (IOException)
        {
            // It has ended; its own lines say why.
        }
    }

    // Started as `dotnet disttrainer.dll` the process is dotnet, and the first argument the program.
    private static (string Program, string[] Before) Self()
    {
        string process = Environment.ProcessPath ?? throw new DistTrainerException(
            FailureKind.Internal, "The path of this program is not known.");
        return Path.GetFileNameWithoutExtension(process) == "dotnet"
            ? (process, [Path.Combine(AppContext.BaseDirectory, "disttrainer.dll")]) : (process, []);
    }

    private static void Ask(Process? process)
    {
        if (process is { HasExited: false })
            _ = Kill(process.Id, Terminate);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private void Print(string name, string? line, bool isError)
    {
        if (line is null)
            return;
        if (name == "node-1" && line.StartsWith(NodeCommand.Listening, StringComparison.Ordinal))
            _address.TrySetResult(
                line.Split(' ')
                .First(word => word.StartsWith("cluster=", StringComparison.Ordinal))["cluster=".Length..]);
        lock (_processes)
            _print(name, line, isError);
    }
}
