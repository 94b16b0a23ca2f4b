using System.Security.Cryptography;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

public sealed class SampleSourceTests
{
    private static readonly DataSet s_data = new(
        [.. Enumerable.Range(0, 90 * 13).Select(i => i * 0.5f)],
        [.. Enumerable.Range(0, 90 * 2).Select(i => i * -0.25f)],
        featureCount: 13,
        targetWidth: 2);
    private static readonly LossDescription s_loss = new() { Kind = "mean-squared-error" };
    private static readonly Network s_network =
        Network.Create(new ModelDescription { Layers = [new LayerDescription()], Loss = s_loss }, 13, 2);

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(31)]
    [InlineData(70)]
    public void A_source_that_is_not_in_memory_gives_an_engine_the_same_panels_and_losses(int rows)
    {
        int[] samples = [.. Enumerable.Range(0, rows).Select(i => i * 37 % 90)];
        float[] parameters = s_network.InitialParameters(1);
        using GradientEngine one = Loaded(s_data), other = Loaded(new Streamed());
        Assert.Equal(one.Features.Values, other.Features.Values);
        Assert.Equal(LossOf(one), LossOf(other));

        GradientEngine Loaded(ISampleSource data)
        {
            var engine = new GradientEngine(s_network, 70, 2);
            engine.Load(data, samples, training: true, step: 1, seed: 1);
            return engine;
        }

        LossSums LossOf(GradientEngine engine)
        {
            var sums = new LossSums[1];
            engine.Forward(parameters);
            engine.Loss([0, rows], sums, withGradient: false);
            return sums[0];
        }
    }

    [Fact]
    public void Features_and_targets_of_samples_in_memory_are_read_together_or_alone_in_any_order()
    {
        float[] features = new float[26], targets = new float[4];
        s_data.Read([7, 2], features, targets);
        Assert.Equal([.. s_data.FeaturesOf(7), .. s_data.FeaturesOf(2)], features);
        Assert.Equal([.. s_data.TargetsOf(7), .. s_data.TargetsOf(2)], targets);
        float[] alone = new float[2];
        s_data.Read([89], default, alone);
        Assert.Equal(s_data.TargetsOf(89), alone);
        s_data.Read([89], features.AsSpan(13), default);
        Assert.Equal([.. s_data.FeaturesOf(7), .. s_data.FeaturesOf(89)], features);
    }

    [Fact]
    public void The_hash_of_parts_in_memory_is_that_of_all_their_values_in_order()
    {
        var none = new DataSet([], [], 13, 2);
        float[] all = [.. s_data.Features, .. s_data.Targets];
        byte[] bytes = [.. all.SelectMany(BitConverter.GetBytes)];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), DataParts.HashOf(s_data, none, none));
        string twice = Convert.ToHexStringLower(SHA256.HashData([.. bytes, .. bytes]));
        Assert.Equal(twice, DataParts.HashOf(none, s_data, s_data));
    }

    private sealed class Streamed : ISampleSource
    {
        public long Count => s_data.Count;

        public int FeatureCount => 13;

        public int TargetWidth => 2;

        public void Read(ReadOnlySpan<int> samples, Span<float> features, Span<float> targets) =>
            s_data.Read(samples, features, targets);

        public void Expect(ReadOnlySpan<int> samples)
        {
        }

        public void AddTo(IncrementalHash hash) => s_data.AddTo(hash);
    }
}
