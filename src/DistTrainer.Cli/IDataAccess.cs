using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;

namespace DistTrainer.Cli;

/// <summary>
/// Data as the commands need them; see <see cref="DataLoader"/>, <see cref="DataCatalog"/> and
/// <see cref="DatasetFetcher"/>.
/// </summary>
internal interface IDataAccess
{
    /// <summary>Loads, splits and scales.</summary>
    /// <param name="data">Where the samples come from.</param>
    /// <param name="loss">Decides what the targets mean where the description does not.</param>
    /// <exception cref="DistTrainerException">The data are missing or malformed
    /// (<see cref="FailureKind.Data"/>).</exception>
    DataParts Load(DataDescription data, LossDescription loss);

    /// <summary>Whether data are a table: columns with names, text and gaps.</summary>
    /// <param name="data">Where the samples come from.</param>
    bool IsTable(DataDescription data);

    /// <summary>Whether the targets look like classes, whatever is wrong elsewhere in the file.</summary>
    /// <param name="data">Where the samples come from; one target column.</param>
    /// <param name="mostNumeric">How many different whole numbers are still taken for classes.</param>
    /// <returns>Null where the data must be loaded to know.</returns>
    /// <exception cref="DistTrainerException">No label can be read (<see cref="FailureKind.Data"/>).</exception>
    bool? LooksLikeClasses(DataDescription data, int mostNumeric);

    /// <summary>All samples of a file for a trained model, scaled as its training data were, read block by
    /// block.</summary>
    /// <param name="data">The file and its format.</param>
    /// <param name="schema">The model's data schema.</param>
    /// <exception cref="DistTrainerException">The rows are missing, malformed or do not fit the model
    /// (<see cref="FailureKind.Data"/>).</exception>
    RowBlocks<DataSet> StreamLabelled(DataDescription data, DataSchema schema);

    /// <summary>Rows without targets for a trained model, read block by block.</summary>
    /// <param name="data">The file and its format.</param>
    /// <param name="schema">The model's data schema.</param>
    /// <exception cref="DistTrainerException">The rows are missing, malformed or do not fit the model
    /// (<see cref="FailureKind.Data"/>).</exception>
    RowBlocks<PredictionRows> StreamForPrediction(DataDescription data, DataSchema schema);

    /// <summary>The data sets that are known by name.</summary>
    IReadOnlyList<CatalogEntry> List();

    /// <summary>Fetches a data set into the cache folder and checks it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cacheFolder">The folder; null takes <see cref="CacheFolder"/>.</param>
    /// <param name="report">Told of each file when it is complete, one line.</param>
    /// <param name="cancellation">Ends it; nothing half-written is left.</param>
    /// <returns>The folder where it lies.</returns>
    /// <exception cref="DistTrainerException">It is not known, cannot be fetched or is damaged
    /// (<see cref="FailureKind.Data"/>).</exception>
    Task<string> FetchAsync(string name, string? cacheFolder, Action<string> report, CancellationToken cancellation);

    /// <summary>The cache folder that is used where none is named.</summary>
    string CacheFolder { get; }
}
