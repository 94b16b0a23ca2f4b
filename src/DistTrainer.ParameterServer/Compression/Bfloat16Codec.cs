using DistTrainer.Engine.Numerics;

namespace DistTrainer.ParameterServer.Compression;

/// <summary>Rounds to bfloat16, two bytes a value; has no memory of what was lost.</summary>
internal sealed class Bfloat16Codec : IGradientCodec
{
    public void Round(ReadOnlySpan<float> values, Span<float> rounded) => Bfloat16.Round(values, rounded);
}
