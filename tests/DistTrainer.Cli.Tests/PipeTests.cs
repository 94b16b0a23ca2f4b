using System.Diagnostics;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>Pipes in the place of files, and processes that may have few files open.</summary>
public sealed class PipeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-pipes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fifo")]
    [InlineData("fifo.csv")]
    public async Task A_pipe_is_read_once_and_gives_what_its_file_gives(string name)
    {
        string file = Path.Combine(_folder, "x.csv"), pipe = MakePipe(name);
        File.WriteAllLines(
            file, ["a,b,y", .. Enumerable.Range(0, 40).Select(i => $"{i},{i * i},{(i % 3 == 0 ? "no" : "yes")}")]);
        Task written = Task.Run(() => File.WriteAllBytes(pipe, File.ReadAllBytes(file)));
        CliRun ofPipe = await CliRun.Of(new CliServices(), ["data", "inspect", pipe]);
        await written;
        CliRun ofFile = await CliRun.Of(new CliServices(), ["data", "inspect", file]);
        Assert.Equal((0, ofFile.Output), (ofPipe.Code, ofPipe.Output));
        Assert.Contains("classes   no: 14, yes: 26", ofPipe.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data", "inspect", "PIPE")]
    [InlineData("train", "--data", "PIPE")]
    [InlineData("train", "--config", "PIPE")]
    [InlineData("predict", "PIPE", "--data", "iris")]
    public async Task A_signal_ends_a_command_that_waits_for_a_pipe_without_a_writer(params string[] args)
    {
        string pipe = MakePipe("nobody.csv");
        using StopSignals signals = new();
        Task<CliRun> run = CliRun.Of(
            new CliServices(), [.. args.Select(arg => arg.Replace("PIPE", pipe, StringComparison.Ordinal))], signals);
        await Task.Delay(100);
        Assert.False(run.IsCompleted);
        signals.Raise(ExitCodes.Interrupted);
        Assert.Equal(ExitCodes.Interrupted, (await run.WaitAsync(TimeSpan.FromSeconds(20))).Code);
        await File.WriteAllBytesAsync(pipe, []); // lets its thread go
    }

    [Fact]
    public async Task A_pipe_that_brings_nothing_is_empty_and_not_waited_for_again()
    {
        string pipe = MakePipe("empty.csv");
        Task written = Task.Run(() => OpenToWrite(pipe).Dispose());
        CliRun run = await CliRun.Of(new CliServices(), ["data", "inspect", pipe]).WaitAsync(TimeSpan.FromSeconds(20));
        await written;
        Assert.Equal(
            (3, $"error: {pipe}: the file is empty; give a file with at least one row.\n"), (run.Code, run.Error));
    }

    [Fact]
    public async Task A_device_without_end_is_refused_with_the_bound()
    {
        CliRun run = await CliRun.Of(new CliServices(), ["data", "inspect", "/dev/zero"]);
        Assert.Equal(
            (3, "error: /dev/zero: a pipe or device that brings more than 512 MiB, the most that is kept of one; save "
            + "what it brings as a file, and give that.\n"), (run.Code, run.Error));
        CliRun job = await CliRun.Of(new CliServices(), ["train", "--config", "/dev/zero"]);
        Assert.Equal(
            (2, "error: /dev/zero: is larger than a job file may be (1048576 characters).\n"), (job.Code, job.Error));
    }

    [Fact]
    public async Task A_pipe_in_the_place_of_a_model_is_refused()
    {
        string pipe = MakePipe("model");
        Task written = Task.Run(() => OpenToWrite(pipe).Dispose());
        CliRun run = await CliRun.Of(new CliServices(), ["predict", pipe, "--data", "iris"]);
        await written;
        Assert.Equal(
            (4, $"error: {pipe}: is a pipe; save what it brings as a file, and give that.\n"), (run.Code, run.Error));
    }

    [Theory]
    [InlineData(48, "train")]
    [InlineData(64, "node --role server")]
    [InlineData(100, "launch")]
    [InlineData(200, "serve nowhere")]
    public async Task Too_few_open_files_are_one_line_that_names_the_limit_and_what_to_do(int limit, string command)
    {
        var start = new ProcessStartInfo(
            "/bin/sh",
            ["-c", $"ulimit -n {limit}; exec dotnet \"{Path.Combine(AppContext.BaseDirectory, "disttrainer.dll")}\" "
            + $"{command}"])
        {
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        using Process process = Process.Start(start)!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(
            (2, $"error: open files: at most {limit} are allowed to this process; disttrainer needs 256 at least: "
            + "raise the limit (ulimit -n 4096; LimitNOFILE of a systemd service, --ulimit nofile of a container).\n"),
            (process.ExitCode, error));
    }

    [Fact]
    public async Task Running_out_of_open_files_later_is_told_as_such()
    {
        CliRun run = await CliRun.Of(
            new CliServices
            {
                Data = new FakeData(),
                Train = (_, _, _, _, _, _) =>
            throw new InvalidOperationException("x",
            new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.TooManyOpenSockets))
            },
            ["train", "--output", Path.Combine(_folder, "run")]);
        Assert.Equal(2, run.Code);
        Assert.StartsWith(
            "error: open files: all that are allowed to this process are open (x): raise the limit (ulimit -n 4096",
            run.Error, StringComparison.Ordinal);
    }

    // A lock of the writer would shut the reader out, who opens the pipe at the same time.
    private static FileStream OpenToWrite(string pipe) =>
        new(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

    private string MakePipe(string name)
    {
        string path = Path.Combine(_folder, name);
        using Process made = Process.Start("mkfifo", [path]);
        made.WaitForExit();
        return path;
    }
}
