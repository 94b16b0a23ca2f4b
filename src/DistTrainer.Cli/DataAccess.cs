using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;

namespace DistTrainer.Cli;

/// <summary>The Engine's readers, as the commands need them.</summary>
internal sealed class DataAccess : IDataAccess
{
    /// <inheritdoc/>
    public string CacheFolder => DataCatalog.CacheFolder;

    /// <inheritdoc/>
    public DataParts Load(DataDescription data, LossDescription loss) => DataLoader.Load(data, loss);

    /// <inheritdoc/>
    public bool IsTable(DataDescription data) => DataLoader.IsTable(data);

    /// <inheritdoc/>
    public bool? LooksLikeClasses(DataDescription data, int mostNumeric) =>
        DataLoader.LooksLikeClasses(data, mostNumeric);

    /// <inheritdoc/>
    public RowBlocks<DataSet> StreamLabelled(DataDescription data, DataSchema schema) =>
        DataLoader.StreamLabelled(data, schema);

    /// <inheritdoc/>
    public RowBlocks<PredictionRows> StreamForPrediction(DataDescription data, DataSchema schema) =>
        DataLoader.StreamForPrediction(data, schema);

    /// <inheritdoc/>
    public IReadOnlyList<CatalogEntry> List() => DataCatalog.List();

    /// <inheritdoc/>
    public Task<string> FetchAsync(
        string name, string? cacheFolder, Action<string> report, CancellationToken cancellation) =>
        DatasetFetcher.FetchAsync(name, cacheFolder ?? CacheFolder, new FileReport(report), cancellation);

    // Called from one thread at a time, and at once: a Progress<T> would report late and out of order.
    private sealed class FileReport(Action<string> report) : IProgress<FetchProgress>
    {
        private string? _file;

        public void Report(FetchProgress value)
        {
            if (value.File == _file)
                return;
            _file = value.File;
            report($"fetching {value.File}{(value.Total is { } total ? $" ({Numbers.Bytes(total)})" : "")}");
        }
    }
}
