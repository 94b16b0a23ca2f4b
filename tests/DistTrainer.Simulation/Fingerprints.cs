using System.Globalization;

namespace DistTrainer.Simulation;

/// <summary>
/// What happened under the first seeds, a line a hundred: a change that only moves code leaves them as they are.
/// </summary>
/// <param name="seeds">How many seeds, from 1 on.</param>
internal sealed class Fingerprints(int seeds)
{
    private const int ALine = 100;
    private const ulong Prime = 1099511628211;
    private readonly ulong[] _all = new ulong[seeds];

    /// <summary>Hears how a seed ended.</summary>
    public void Add(SeedOutcome outcome) => _all[outcome.Seed - 1] = outcome.Fingerprint;

    /// <summary>Writes them.</summary>
    public void Write(string path) => File.WriteAllLines(path, Lines());

    /// <summary>Compares them with those in a file, which may have more.</summary>
    /// <returns>The lines that differ; none where all are the same.</returns>
    public IReadOnlyList<string> Compare(string path)
    {
        string[] known = File.ReadAllLines(path);
        return [.. Lines().Where((line, index) => index >= known.Length || known[index] != line)];
    }

    private IEnumerable<string> Lines() => _all.Chunk(ALine).Select((chunk, index) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(index * ALine) + 1}-{(index * ALine) + chunk.Length} "
            + $"{chunk.Aggregate(14695981039346656037, (hash, one) => (hash ^ one) * Prime):x16}"));
}
