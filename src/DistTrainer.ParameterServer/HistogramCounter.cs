using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistTrainer.Engine.Optimizers;

namespace DistTrainer.ParameterServer;

/// <summary>Counts values for a <see cref="ValueHistogram"/>, stretch by stretch; not thread-safe.</summary>
internal sealed class HistogramCounter
{
    /// <summary>Bits of a float's fraction that tell buckets apart.</summary>
    public const int FractionBits = 3;

    /// <summary>Buckets of both signs.</summary>
    public const int Buckets = 1 << (1 + 8 + FractionBits);

    private const int Shift = 23 - FractionBits;
    private readonly int[] _counts = new int[Buckets];
    private readonly int[] _oddCounts = new int[Buckets];
    private float _min = float.PositiveInfinity;
    private float _max = float.NegativeInfinity;
    private double _sum;
    private double _squares;

    /// <summary>Counts some values, each times <paramref name="scale"/>.</summary>
    /// <param name="values">[n], n ≥ 0.</param>
    /// <param name="scale">Factor of every value, &gt; 0.</param>
    public void Add(ReadOnlySpan<float> values, float scale)
    {
        // In turn, so that two values of one bucket do not wait for each other; all 12 bits are within the tables.
        ref int even = ref MemoryMarshal.GetArrayDataReference(_counts),
            odd = ref MemoryMarshal.GetArrayDataReference(_oddCounts);
        int i = 0;
        for (; i < values.Length - 1; i += 2)
        {
            Unsafe.Add(ref even, BucketOf(values[i] * scale))++;
            Unsafe.Add(ref odd, BucketOf(values[i + 1] * scale))++;
        }
        if (i < values.Length)
            _counts[BucketOf(values[i] * scale)]++;
        if (!values.IsEmpty && TensorPrimitives.IsFiniteAll(values))
        {
            Note(TensorPrimitives.Min(values) * scale, TensorPrimitives.Max(values) * scale,
                (double)TensorPrimitives.Sum(values) * scale, SquareSum.Of(values, scale));
            return;
        }
        foreach (float value in values)
        {
            if (float.IsFinite(value))
                Note(value * scale, value * scale, (double)value * scale, (double)value * scale * value * scale);
        }
    }

    /// <summary>What was counted, and begins anew.</summary>
    public ValueHistogram Take()
    {
        TensorPrimitives.Add<int>(_counts, _oddCounts, _counts);
        int used = Buckets - _counts.AsSpan().Count(0);
        ushort[] buckets = new ushort[used];
        int[] counts = new int[used];
        for (int bucket = 0, at = 0; at < used; bucket++)
        {
            if (_counts[bucket] > 0)
                (buckets[at], counts[at++]) = ((ushort)bucket, _counts[bucket]);
        }
        var histogram = new ValueHistogram(buckets, counts, _min, _max, _sum, _squares);
        Clear();
        return histogram;
    }

    /// <summary>Forgets what was counted.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Array.Clear(_oddCounts);
        (_min, _max, _sum, _squares) = (float.PositiveInfinity, float.NegativeInfinity, 0, 0);
    }

    private static uint BucketOf(float value) => BitConverter.SingleToUInt32Bits(value) >> Shift;

    private void Note(float min, float max, double sum, double squares)
    {
        (_min, _max) = (Math.Min(_min, min), Math.Max(_max, max));
        _sum += sum;
        _squares += squares;
    }
}
