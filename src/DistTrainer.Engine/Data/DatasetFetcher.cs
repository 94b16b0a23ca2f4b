using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;

namespace DistTrainer.Engine.Data;

/// <summary>How far a download is.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Bytes">Bytes received of it.</param>
/// <param name="Total">Bytes of the whole file; null where the server does not say.</param>
internal sealed record FetchProgress(string File, long Bytes, long? Total);

/// <summary>
/// Brings data sets into the cache folder. Files there are complete and right, or they are not there.
/// </summary>
internal static class DatasetFetcher
{
    private const int BufferSize = 1 << 16;

    /// <summary>
    /// Fetches a data set by name; see
    /// <see cref="FetchAsync(RemoteDataSet, string, IProgress{FetchProgress}?, TimeSpan, CancellationToken)"/>.
    /// </summary>
    /// <param name="name">One of <see cref="RemoteCatalog"/>; the others come with the program.</param>
    /// <param name="cacheFolder">Usually <see cref="DataCatalog.CacheFolder"/>; the files go into a folder of the data
    /// set's name in it.</param>
    /// <param name="progress">Hears of every block that comes in.</param>
    /// <param name="cancel">Stops; nothing half-written is left.</param>
    /// <returns>The folder with the files: the distribution's own where it is installed and right, else one in the
    /// cache.</returns>
    /// <exception cref="DistTrainerException">There is nothing to fetch by that name, the network failed, or a checksum
    /// is wrong (data); the disk is full (disk).</exception>
    public static Task<string> FetchAsync(
        string name, string cacheFolder, IProgress<FetchProgress>? progress, CancellationToken cancel)
    {
        if (RemoteCatalog.Find(name) is { } set)
            return FetchAsync(set, cacheFolder, progress, TimeSpan.FromSeconds(60), cancel);
        string place = DataCatalog.Locate(name);
        string fetched = string.Join(", ", RemoteCatalog.All.Select(remote => remote.Name));
        throw DataError.Of(
            $"data set '{name}' comes with the program ({place}); those that are fetched are {fetched}.");
    }

    /// <summary>Fetches the files that are not there yet: each to a temporary name, checked, then renamed.</summary>
    /// <param name="set">What to fetch.</param>
    /// <param name="cacheFolder">The files go into a folder of the data set's name in it.</param>
    /// <param name="progress">Hears of every block that comes in.</param>
    /// <param name="patience">How long the server may be silent.</param>
    /// <param name="cancel">Stops; nothing half-written is left.</param>
    /// <returns>The folder with the files.</returns>
    /// <exception cref="DistTrainerException">The network failed or a checksum is wrong (data); the disk is full
    /// (disk).</exception>
    public static async Task<string> FetchAsync(
        RemoteDataSet set, string cacheFolder, IProgress<FetchProgress>? progress, TimeSpan patience,
            CancellationToken cancel)
    {
        if (set.SystemFolder is { } system && await AllRightAsync(set, system, cancel).ConfigureAwait(false))
            return system;
        string folder = Path.Combine(cacheFolder, set.Name);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(
                FailureKind.Disk,
                $"{folder}: the folder cannot be made ({DataError.OneLine(exception)}); set DISTTRAINER_CACHE to a "
                + "folder that can be written.", exception);
        }
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        foreach (RemoteFile file in set.Files)
        {
            string path = Path.Combine(folder, file.Name);
            if (await ProblemAsync(path, file, cancel).ConfigureAwait(false) is not null)
                await FetchFileAsync(client, set, file, path, progress, patience, cancel).ConfigureAwait(false);
        }
        return folder;
    }

    private static async Task FetchFileAsync(
        HttpClient client, RemoteDataSet set, RemoteFile file, string path, IProgress<FetchProgress>? progress,
            TimeSpan patience, CancellationToken cancel)
    {
        Uri address = new(set.Origin, file.Name);
        string package = set.SystemFolder is null ? "" : $"install the Debian package dataset-{set.Name}, ";
        string advice = "check the network and try again, "
            + $"{package}or put the file into {Path.GetDirectoryName(path)}.";
        string part = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():n}.part";
        try
        {
            await DownloadAsync(client, address, file, part, progress, patience, cancel).ConfigureAwait(false);
            if (await ProblemAsync(part, file, cancel).ConfigureAwait(false) is { } problem)
                throw DataError.Of(
                    $"{address}: {problem}; try again, or put the right file into {Path.GetDirectoryName(path)}.");
            File.Move(part, path, overwrite: true);
        }
        catch (OperationCanceledException exception) when (!cancel.IsCancellationRequested)
        {
            throw DataError.Of(
                $"{address}: the server was silent for {patience.TotalSeconds:0.#} s; {advice}", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or HttpIOException)
        {
            throw DataError.Of(
                $"{address}: the download failed ({DataError.OneLine(exception)}); {advice}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(
                FailureKind.Disk,
                $"{path}: cannot be written ({DataError.OneLine(exception)}); make room, or set DISTTRAINER_CACHE to "
                + "another folder.", exception);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static async Task DownloadAsync(
        HttpClient client, Uri address, RemoteFile file, string part, IProgress<FetchProgress>? progress,
            TimeSpan patience, CancellationToken cancel)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        silence.CancelAfter(patience);
        using HttpResponseMessage response =
            await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, silence.Token)
            .ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new HttpRequestException($"the server answered {(int)response.StatusCode} {response.ReasonPhrase}");
        long? total = response.Content.Headers.ContentLength;
        Stream source = await response.Content.ReadAsStreamAsync(silence.Token).ConfigureAwait(false);
        await using var target = new FileStream(
            part, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferSize, FileOptions.Asynchronous);
        byte[] buffer = new byte[BufferSize];
        // A server that sends without end is stopped: neither the content nor a gzip of it is much longer.
        for (long received = 0, limit = file.Length + BufferSize; ;)
        {
            silence.CancelAfter(patience);
            int read = await ReadAsync(source, buffer, silence.Token).ConfigureAwait(false);
            if (read == 0)
                return;
            received += read;
            if (received > limit)
                throw new HttpRequestException($"the file is longer than {limit} bytes");
            await target.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            progress?.Report(new(file.Name, received, total));
        }
    }

    /// <summary>Reads from the network; its failures are told apart from those of the disk.</summary>
    private static async Task<int> ReadAsync(Stream source, byte[] buffer, CancellationToken cancel)
    {
        try
        {
            return await source.ReadAsync(buffer, cancel).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new HttpRequestException($"the connection broke: {DataError.OneLine(exception)}", exception);
        }
    }

    private static async Task<bool> AllRightAsync(RemoteDataSet set, string folder, CancellationToken cancel)
    {
        foreach (RemoteFile file in set.Files)
        {
            if (await ProblemAsync(Path.Combine(folder, file.Name), file, cancel).ConfigureAwait(false) is not null)
                return false;
        }
        return true;
    }

    /// <summary>What is wrong with a file, or null.</summary>
    private static async Task<string?> ProblemAsync(string path, RemoteFile file, CancellationToken cancel)
    {
        if (!File.Exists(path))
            return "the file is not there";
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await using FileStream stored = File.OpenRead(path);
            await using Stream content = file.IsPacked ? new GZipStream(stored, CompressionMode.Decompress) : stored;
            byte[] buffer = new byte[BufferSize];
            long length = 0;
            for (int read; length <= file.Length
                && (read = await content.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0; length += read)
                hash.AppendData(buffer, 0, read);
            string found = Convert.ToHexStringLower(hash.GetHashAndReset());
            return length == file.Length && found == file.Sha256 ? null
                : $"the content has {length} bytes with SHA-256 {found}, but {file.Length} with {file.Sha256} are "
                    + "right";
        }
        catch (Exception exception) when (
            exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return $"the file {(file.IsPacked ? "is no readable gzip" : "cannot be read")} "
                + $"({DataError.OneLine(exception)})";
        }
    }
}
