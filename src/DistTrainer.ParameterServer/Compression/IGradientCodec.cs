using DistTrainer.Engine.Training;

namespace DistTrainer.ParameterServer.Compression;

/// <summary>
/// Makes what goes between workers and parameter shards smaller. It rounds; what is rounded is sent as it is, without
/// another loss, so that it does not matter who sends what to whom. Pure, and shared by all.
/// </summary>
internal interface IGradientCodec
{
    /// <summary>Rounds the gradient sum of a group of data shards, or parameters; in place or not.</summary>
    /// <param name="values">Floats; what is not finite stays so.</param>
    /// <param name="rounded">As many.</param>
    void Round(ReadOnlySpan<float> values, Span<float> rounded);
}

/// <summary>The codecs, by the job.</summary>
internal static class GradientCodecs
{
    /// <summary>A job's; null: nothing is rounded.</summary>
    public static IGradientCodec? Of(CompressionDescription compression) => compression.Kind switch
    {
        CompressionKind.None => null,
        CompressionKind.Bfloat16 => new Bfloat16Codec(),
        _ => throw new ArgumentOutOfRangeException(nameof(compression), compression.Kind, null),
    };
}
