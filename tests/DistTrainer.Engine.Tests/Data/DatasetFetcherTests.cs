using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using DistTrainer.Engine.Data;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class DatasetFetcherTests : IDisposable
{
    private static readonly byte[] s_content = Encoding.UTF8.GetBytes(
        string.Concat(Enumerable.Range(0, 40_000).Select(i => $"{i * 7919L % 100_003} ")));
    private static readonly byte[] s_packed = DataTestFiles.Gzip(s_content);
    private readonly DataTestFiles _files = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public DatasetFetcherTests() => _listener.Start();

    private string Fetched => Path.Combine(_files.Folder, "small", "part.gz");

    private RemoteDataSet Small => new(
        "small", new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/"),
        [new("part.gz", s_content.Length, Convert.ToHexStringLower(SHA256.HashData(s_content)))])
    {
        SystemFolder = _files.PathOf("system"),
    };

    /// <summary>The same content as it is, not packed, and in no package.</summary>
    private RemoteDataSet Plain =>
        Small with { Files = [Small.Files[0] with { Name = "part.csv" }], SystemFolder = null, Target = "x" };

    public void Dispose()
    {
        _listener.Dispose();
        _files.Dispose();
    }

    /// <summary>Answers every connection with these bytes and then closes it, or keeps it open and silent.</summary>
    private void Serve(byte[] body, int? length = null, string status = "200 OK", bool silent = false) =>
        _ = Task.Run(async () =>
    {
        while (true)
        {
            using TcpClient client = await _listener.AcceptTcpClientAsync();
            NetworkStream stream = client.GetStream();
            _ = await stream.ReadAsync(new byte[4096]);
            string lengthLine = length == -1 ? "" : $"Content-Length: {length ?? body.Length}\r\n";
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n{lengthLine}Connection: close\r\n\r\n"));
            await stream.WriteAsync(body);
            if (silent)
                await Task.Delay(TimeSpan.FromSeconds(20));
        }
    });

    private Task<string> FetchAsync(
        double patience = 10, IProgress<FetchProgress>? progress = null, CancellationToken cancel = default) =>
        DatasetFetcher.FetchAsync(Small, _files.Folder, progress, TimeSpan.FromSeconds(patience), cancel);

    private async Task<DistTrainerException> FailsAsync(double patience = 10)
    {
        DistTrainerException exception = await Assert.ThrowsAsync<DistTrainerException>(() => FetchAsync(patience));
        Assert.Equal(FailureKind.Data, exception.Kind);
        Assert.DoesNotContain('\n', exception.Message);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Fetched)!));
        return exception;
    }

    private sealed class Recorder : IProgress<FetchProgress>
    {
        public List<FetchProgress> Reports { get; } = [];

        public void Report(FetchProgress value) => Reports.Add(value);
    }

    [Fact]
    public async Task A_file_is_fetched_once_with_progress_and_then_found_in_the_cache()
    {
        Serve(s_packed);
        var progress = new Recorder();
        Assert.Equal(Path.GetDirectoryName(Fetched), await FetchAsync(progress: progress));
        Assert.Equal(s_packed, await File.ReadAllBytesAsync(Fetched));
        Assert.Equal(new FetchProgress("part.gz", s_packed.Length, s_packed.Length), progress.Reports[^1]);
        _listener.Stop();
        await FetchAsync();
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(Fetched)!));
    }

    private Task<string> FetchPlainAsync() =>
        DatasetFetcher.FetchAsync(Plain, _files.Folder, null, TimeSpan.FromSeconds(10), default);

    [Fact]
    public async Task A_table_that_is_not_packed_is_fetched_and_found()
    {
        Serve(s_content);
        Assert.Null(Plain.Find(_files.Folder));
        Assert.Equal(Path.GetDirectoryName(Fetched), await FetchPlainAsync());
        string path = Plain.Find(_files.Folder)!;
        Assert.Equal(Path.Combine(_files.Folder, "small", "part.csv"), path);
        Assert.Equal(s_content, await File.ReadAllBytesAsync(path));
        await File.WriteAllBytesAsync(path, s_content[..^1]);
        await FetchPlainAsync();
        Assert.Equal(s_content, await File.ReadAllBytesAsync(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData(0, "are right; try again, or put the right file into")]
    [InlineData(-1, "are right; try again, or put the right file into")]
    [InlineData(1, "are right; try again, or put the right file into")]
    [InlineData(200_000, "is longer than")]
    public async Task A_table_with_other_bytes_is_refused_and_nothing_is_left(int more, string expected)
    {
        byte[] wrong = [.. s_content[..^1], 0, .. new byte[Math.Max(0, more)]];
        Serve(more < 0 ? wrong[..^1] : wrong);
        DistTrainerException exception = await Assert.ThrowsAsync<DistTrainerException>(FetchPlainAsync);
        Assert.Equal(FailureKind.Data, exception.Kind);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Debian", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Fetched)!));
    }

    [Fact]
    public async Task A_damaged_file_in_the_cache_is_replaced()
    {
        Serve(s_packed);
        Directory.CreateDirectory(Path.GetDirectoryName(Fetched)!);
        await File.WriteAllBytesAsync(Fetched, s_packed[..^100]);
        await FetchAsync();
        Assert.Equal(s_packed, await File.ReadAllBytesAsync(Fetched));
    }

    [Fact]
    public async Task A_wrong_content_is_refused_and_nothing_is_left()
    {
        byte[] wrong = (byte[])s_content.Clone();
        wrong[^1] ^= 1;
        Serve(DataTestFiles.Gzip(wrong));
        Assert.Contains("are right; try again", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Something_that_is_no_gzip_is_refused()
    {
        Serve("<html>Please log in</html>"u8.ToArray());
        Assert.Contains("no readable gzip", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_download_that_is_cut_off_is_refused_and_nothing_is_left(bool lengthKnown)
    {
        Serve(s_packed[..(s_packed.Length / 2)], lengthKnown ? s_packed.Length : -1);
        Assert.Contains("try again", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_server_is_given_up()
    {
        Serve(s_packed[..1000], s_packed.Length, silent: true);
        Assert.Contains(
            "the server was silent for 0.3 s", (await FailsAsync(patience: 0.3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_sends_without_end_is_stopped()
    {
        Serve(new byte[s_content.Length + 200_000], -1);
        Assert.Contains("is longer than", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_server_is_told()
    {
        Serve([], status: "404 Not Found");
        Assert.Contains("the server answered 404 Not Found", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_the_message_says_what_to_do()
    {
        RemoteDataSet set = Small;
        _listener.Stop();
        DistTrainerException exception = await Assert.ThrowsAsync<DistTrainerException>(() =>
            DatasetFetcher.FetchAsync(set, _files.Folder, null, TimeSpan.FromSeconds(10), default));
        Assert.Equal(FailureKind.Data, exception.Kind);
        Assert.Contains("check the network and try again", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_systems_own_copy_is_used_if_it_is_right()
    {
        Directory.CreateDirectory(_files.PathOf("system"));
        await File.WriteAllBytesAsync(Path.Combine(_files.PathOf("system"), "part.gz"), s_packed);
        _listener.Stop();
        Assert.Equal(
            _files.PathOf("system"), await DatasetFetcher.FetchAsync(
                Small with { Origin = new("http://127.0.0.1:9/") }, _files.Folder, null,
                TimeSpan.FromSeconds(10), default));
        Assert.False(Directory.Exists(Path.GetDirectoryName(Fetched)));
    }

    [Fact]
    public async Task Cancelling_leaves_nothing()
    {
        Serve(s_packed[..1000], s_packed.Length, silent: true);
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(0.3));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FetchAsync(cancel: cancel.Token));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Fetched)!));
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_a_disk_error()
    {
        string file = _files.Write("file", "x");
        DistTrainerException exception = await Assert.ThrowsAsync<DistTrainerException>(
            () => DatasetFetcher.FetchAsync(Small, file, null, TimeSpan.FromSeconds(10), default));
        Assert.Equal(FailureKind.Disk, exception.Kind);
    }

    [Fact]
    public async Task A_name_that_is_not_fetched_is_refused() =>
        Assert.Contains(
            "comes with the program",
            (await Assert.ThrowsAsync<DistTrainerException>(() =>
            DatasetFetcher.FetchAsync("digits", _files.Folder, null, default))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Debians_copy_of_Fashion_MNIST_has_the_stated_checksums()
    {
        RemoteDataSet set = RemoteCatalog.Find("fashion-mnist")!;
        if (!Directory.Exists(set.SystemFolder))
        {
            Assert.Equal(4, set.Files.Count);
            return;
        }
        Assert.Equal(
            set.SystemFolder, await DatasetFetcher.FetchAsync(
                "fashion-mnist", _files.Folder, null, default));
    }
}
