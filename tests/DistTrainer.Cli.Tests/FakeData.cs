using System.Globalization;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;

namespace DistTrainer.Cli.Tests;

/// <summary>Small data made by a formula, under the names of the real ones.</summary>
internal sealed class FakeData : IDataAccess
{
    public string CacheFolder => "/cache";

    public DataDescription? LastLoaded { get; private set; }

    public DataParts Load(DataDescription data, LossDescription loss)
    {
        LastLoaded = data;
        if (data.Source == "missing.csv")
            throw new DistTrainerException(
                FailureKind.Data, "missing.csv:3:7: \"abc\" is not a number; allowed: a finite number.");
        bool isClasses = loss.Kind == "cross-entropy";
        bool isNumeric = data.Source.Contains("number", StringComparison.Ordinal);
        string[] names = isNumeric && isClasses
            ? [.. Enumerable.Range(0, 40).Select(i => (i + 0.5).ToString(CultureInfo.InvariantCulture))] : isClasses
            ? ["no", "yes"] : [];
        var schema = new DataSchema
        {
            Task = isClasses ? TaskKind.Classification : TaskKind.Regression,
            FeatureNames = ["a", "b"],
            TargetNames = ["target"],
            ClassNames = names,
            Normalization = new Normalization(
                NormalizationKind.None, [0, 0], [1, 1], [isClasses ? 0 : 10], [isClasses ? 1 : 0.5f]),
        };
        return new DataParts(
            Samples(0, 40, names.Length), Samples(40, data.ValidationFraction > 0 && data.Source != "tiny" ? 10 : 0,
                names.Length), Samples(50, data.TestFraction > 0 ? 10 : 0, names.Length), schema, new string('d', 64));
    }

    public bool IsTable(DataDescription data) => false;

    public bool? LooksLikeClasses(DataDescription data, int mostNumeric) => null;

    public RowBlocks<DataSet> StreamLabelled(DataDescription data, DataSchema schema) =>
        new(() => Samples(100, 3, schema.ClassNames.Count), _ => []);

    public RowBlocks<PredictionRows> StreamForPrediction(DataDescription data, DataSchema schema) =>
        new(() => new(Samples(100, 3, 0).Features, 3, 2), rows => rows.Notes);

    public IReadOnlyList<CatalogEntry> List() =>
    [
        new("digits", "digits", TaskKind.Classification, 1797, 64, "CC-BY-4.0", "/data/digits"),
        new("fashion-mnist", "pictures", TaskKind.Classification, 70_000, 784, "MIT", null),
    ];

    public Task<string> FetchAsync(
        string name, string? cacheFolder, Action<string> report, CancellationToken cancellation)
    {
        report("fetched one file");
        return Task.FromResult(cacheFolder ?? CacheFolder);
    }

    private static DataSet Samples(int start, int count, int classes)
    {
        float[] features = new float[count * 2], targets = new float[count];
        for (int i = 0; i < count; i++)
        {
            features[2 * i] = MathF.Round(MathF.Sin(start + i), 4);
            features[(2 * i) + 1] = MathF.Round(MathF.Cos(3 * (start + i)), 4);
            targets[i] = classes > 0 ? (start + i) % 2 : features[2 * i];
        }

        return new DataSet(features, targets, 2, 1);
    }
}
