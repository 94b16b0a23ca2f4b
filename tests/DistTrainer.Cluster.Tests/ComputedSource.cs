using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using DistTrainer.Engine.Data;

namespace DistTrainer.Cluster.Tests;

/// <summary>Samples that are nowhere: a row is computed from its number when it is read. Counts the reads.</summary>
/// <param name="count">Samples.</param>
/// <param name="classes">Classes, by which the rows differ.</param>
internal sealed class ComputedSource(long count, int classes) : ISampleSource
{
    public const int Width = 11;
    private readonly ConcurrentDictionary<int, int[]> _expected = [];
    private long _reads;
    private long _foreseen;
    private long _samples;

    public long Count => count;

    public int FeatureCount => Width;

    public int TargetWidth => 1;

    /// <summary>Calls of <see cref="Read"/>.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Reads of just the samples that the same thread had named last.</summary>
    public long Foreseen => Interlocked.Read(ref _foreseen);

    /// <summary>Samples of all reads.</summary>
    public long Samples => Interlocked.Read(ref _samples);

    public void Read(ReadOnlySpan<int> samples, Span<float> features, Span<float> targets)
    {
        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _samples, samples.Length);
        _expected.TryRemove(Environment.CurrentManagedThreadId, out int[]? expected);
        if (expected is not null && samples.SequenceEqual(expected))
            Interlocked.Increment(ref _foreseen);
        for (int row = 0; row < samples.Length; row++)
        {
            for (int f = 0; f < Width && !features.IsEmpty; f++)
                features[(row * Width) + f] = Feature(samples[row], f);
            if (!targets.IsEmpty)
                targets[row] = samples[row] % classes;
        }
    }

    private float Feature(long sample, int f) =>
        (((sample * 7) + (f * 13)) % 31 / 31f) + ((sample + f) % classes * 0.25f);

    public void Expect(ReadOnlySpan<int> samples) => _expected[Environment.CurrentManagedThreadId] = samples.ToArray();

    public void AddTo(IncrementalHash hash) => hash.AppendData(Encoding.UTF8.GetBytes($"computed {count} {classes}"));

    /// <summary>The same rows in memory.</summary>
    public DataSet ToMemory()
    {
        float[] features = new float[count * Width], targets = new float[count];
        new ComputedSource(count, classes).Read([.. Enumerable.Range(0, (int)count)], features, targets);
        return new DataSet(features, targets, Width, 1);
    }
}
