using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>The Engine's readers, as the commands need them.</summary>
internal sealed class DataAccess : IDataAccess
{
    /// <inheritdoc/>
    public string CacheFolder => "";

    /// <inheritdoc/>
    public DataParts Load(DataDescription data, LossDescription loss) => throw new InvalidOperationException("The readers are written in parallel.");

    /// <inheritdoc/>
    public DataSet LoadRows(DataDescription data, DataSchema schema, bool withTargets) => throw new InvalidOperationException("The readers are written in parallel.");

    /// <inheritdoc/>
    public IReadOnlyList<KnownDataSet> List() => [];

    /// <inheritdoc/>
    public Task<string> FetchAsync(string name, string? cacheFolder, Action<string> report, CancellationToken cancellation) => throw new InvalidOperationException("The readers are written in parallel.");
}
