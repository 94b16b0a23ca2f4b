using System.Security.Cryptography;
using DistTrainer.Engine.Data;

namespace DistTrainer.Benchmarks;

/// <summary>The same samples again and again, so that an epoch has as many steps as a long round.</summary>
/// <param name="samples">Those.</param>
/// <param name="times">How often, ≥ 1.</param>
internal sealed class RepeatedSource(ISampleSource samples, int times) : ISampleSource
{
    public long Count => samples.Count * times;

    public int FeatureCount => samples.FeatureCount;

    public int TargetWidth => samples.TargetWidth;

    public void Read(ReadOnlySpan<int> rows, Span<float> features, Span<float> targets)
    {
        Span<int> own = rows.Length <= 1024 ? stackalloc int[rows.Length] : new int[rows.Length];
        for (int i = 0; i < rows.Length; i++)
            own[i] = rows[i] % (int)samples.Count;
        samples.Read(own, features, targets);
    }

    public void Expect(ReadOnlySpan<int> rows)
    {
        // They are in memory.
    }

    public void AddTo(IncrementalHash hash) => samples.AddTo(hash);
}
