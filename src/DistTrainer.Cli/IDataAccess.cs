using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>A data set that is known by name.</summary>
/// <param name="Name">As <c>data.source</c> and <c>--data</c> take it.</param>
/// <param name="Meaning">What it is, with its size.</param>
/// <param name="Origin">Source and licence.</param>
/// <param name="Path">Where it lies; null where it must be fetched first.</param>
public sealed record KnownDataSet(string Name, string Meaning, string Origin, string? Path);

/// <summary>Data as the commands need them.</summary>
public interface IDataAccess
{
    /// <summary>Loads, splits and scales.</summary>
    /// <param name="data">Where the samples come from.</param>
    /// <param name="loss">Decides what the targets mean where the description does not.</param>
    /// <exception cref="DistTrainerException">The data are missing or malformed (<see cref="FailureKind.Data"/>).</exception>
    DataParts Load(DataDescription data, LossDescription loss);

    /// <summary>Loads rows for a trained model, scaled as its training data were.</summary>
    /// <param name="data">The file and its format.</param>
    /// <param name="schema">The model's data schema.</param>
    /// <param name="withTargets">Whether target columns must be there; else they may be and are not used.</param>
    /// <exception cref="DistTrainerException">The rows are missing, malformed or do not fit the model (<see cref="FailureKind.Data"/>).</exception>
    DataSet LoadRows(DataDescription data, DataSchema schema, bool withTargets);

    /// <summary>The data sets that are known by name.</summary>
    IReadOnlyList<KnownDataSet> List();

    /// <summary>Fetches a data set into the cache folder and checks it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cacheFolder">The folder; null takes the usual one.</param>
    /// <param name="report">Told of each file, one line.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The folder where it lies.</returns>
    /// <exception cref="DistTrainerException">It is not known, cannot be fetched or is damaged (<see cref="FailureKind.Data"/>).</exception>
    Task<string> FetchAsync(string name, string? cacheFolder, Action<string> report, CancellationToken cancellation);

    /// <summary>The cache folder that is used where none is named.</summary>
    string CacheFolder { get; }
}
