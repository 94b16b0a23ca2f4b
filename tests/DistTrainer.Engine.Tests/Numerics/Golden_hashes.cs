using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Tests.Layers;
using Xunit;

namespace DistTrainer.Engine.Tests.Numerics;

/// <summary>
/// Pinned hashes of everything that feeds parameters. They must hold with <c>DOTNET_EnableAVX2=0</c> and with
/// <c>DOTNET_EnableHWIntrinsic=0</c>; a change here changes the results of every job.
/// </summary>
public class Golden_hashes
{
    [Fact]
    public void Exp() =>
        Check("85a6c2f8d14b5842f210516b2e791d5c47ad67a094073d6b5449f4b0305b8d12", Mapped(VectorMath.Exp, -90, 90));

    [Fact]
    public void Log() =>
        Check("74323c9c3a2d1a6ac1895903ab3d1433eef5d9118c31b478066e27444d4aea40", Mapped(VectorMath.Log, 1e-40f, 1000));

    [Fact]
    public void Tanh() =>
        Check("f11b3913ad45a7f8df94e7a1179b023a4183e0969f30d737f6d63f46fdf8baf0", Mapped(VectorMath.Tanh, -12, 12));

    [Fact]
    public void Sigmoid() =>
        Check("80b187dfaceba9aaf53fdde31c3b511932fef4decf47041a741d8456d5a1bd6e", Mapped(VectorMath.Sigmoid, -90, 90));

    [Fact]
    public void Normal_distribution_function() =>
        Check("9977d3fff8282e3132fe3984e618d7da846269572120f55d7dfd785177eee726",
        Mapped(VectorMath.NormalCdf, -14, 14));

    [Theory]
    [InlineData("relu", "0d6ca7b82159ab50f63eddb4b65494167c78a284d0baadec449b19a3617a6782")]
    [InlineData("leaky-relu", "6f502edb5f6f453a8de6eea85f9a290c3d7954656c1c712968668ce9deea6d07")]
    [InlineData("sigmoid", "c2ba4faa145dcc26de14c4637a21b46c709b63b290ef6b502208679946304ee4")]
    [InlineData("tanh", "35e8a12049d847ab200b6a27e89eb5a4c95ed872c5cfe847d548d0a96c7e6e5d")]
    [InlineData("gelu", "8f95f95253cc9d33cfd4cde125fab09007ca6106ac03e3f6ec36ba138108552c")]
    [InlineData("silu", "1ffb9f321cdaad617a5b7ad152b09684a10cf2fe363602a9367ca2abb8e17a73")]
    public void Activations_and_their_gradients(string kind, string expected)
    {
        var layer = PluginRegistry.Shared.Activations[kind].Create(7, PartSettings.None);
        PanelBuffer input = Noise(7, 67, 1);
        PanelBuffer gradient = Noise(7, 67, 2);
        var output = new PanelBuffer(7, 67);
        var back = new PanelBuffer(7, 67);
        layer.Forward(default, [], input.Panels, output.Panels);
        layer.BackwardInput(default, [], input.Panels, output.Panels, gradient.Panels, back.Panels);
        Check(expected, [.. Rows(output), .. Rows(back)]);
    }

    [Fact]
    public void Dropout()
    {
        var output = new PanelBuffer(10, 67);
        int[] samples = [.. Enumerable.Range(0, 67).Select(row => row * 31)];
        var context = new LayerContext { Training = true, Seed = 123456789012345, Step = 7, Samples = samples };
        new DropoutLayer(0.3f, 10, 4).Forward(context, [], Noise(10, 67, 3).Panels, output.Panels);
        Check("acc5731853de7d219708ec164adf81aca70ab18dec3813712f95cdf86c004ead", Rows(output));
    }

    [Theory]
    [InlineData("cross-entropy", "54a2571564fb1169edc57d6bc4b34d14a961e6dd4ac2b194e98bc279bb16ebee")]
    [InlineData("binary-cross-entropy", "ef53ae5030540b5b74b286d14cc1dfcf41d789db9f9f9944fbce815612db4a15")]
    [InlineData("mean-squared-error", "df455f74524ceb7207036c6531a724a7495cf78368a8fc202eb645dd5a93afd3")]
    [InlineData("huber", "699d99ef8002413473e6dffaf67d45e881b29b15ada26f74d9c4861dda0b26ef")]
    public void Losses_and_their_gradients(string kind, string expected)
    {
        bool classes = kind == "cross-entropy";
        float[] targets =
            [.. Enumerable.Range(0, classes ? 67 : 67 * 5).Select(i => classes ? i % 5 : (i * 7 % 11) / 10f)];
        var gradient = new PanelBuffer(5, 67);
        var sums = new LossSums[2];
        LossDescription loss = classes ? LossDescription.Of(kind, ("label-smoothing", 0.1f)) : LossDescription.Of(kind);
        loss.Create().Evaluate(Noise(5, 67, 4).Panels, targets, [], [0, 40, 67], gradient.Panels, sums);
        float[] halves =
            [.. sums.SelectMany(
                sum => MemoryMarshal.Cast<double, float>([sum.LossSum, sum.SquaredErrorSum]).ToArray())];
        Check(expected, [.. Rows(gradient), .. halves]);
    }

    [Theory]
    [InlineData("random-uniform", "afe509a24af51c983e4a3b791ebb1f4f900bce71e339dec7c2b37c8bbbef3e3d")]
    [InlineData("random-normal", "ceebb06161585c6b3b68490fe244a53aad9f12bf3c1996dec076358638f4bb3e")]
    [InlineData("xavier-uniform", "0b9f5de8d836d023b19ae320b4b1ccc4459221718aaa0cce2171d7423590ce5c")]
    [InlineData("xavier-normal", "96f4cca7dd6aa71888ba8131d96705ea3732b102c24db8dbb0a7c484ef40607f")]
    [InlineData("he-uniform", "1899d7fb804137b2b749c96d9115053185a414346034a88a267b194af753f2f7")]
    [InlineData("he-normal", "eb514409bee4e2d6d45c1302d3245329fc8b20b0686670baac368febb54bc74f")]
    [InlineData("lecun-normal", "2e4f5a44c230c9b7d6352b20f72a9396438ccaf9092d59054837f3b3746346a8")]
    [InlineData("orthogonal", "4ea6e4ea09f3d698a34974b9c5ed9938bc2bfeb150facada19297009eff1a4cc")]
    public void First_values(string kind, string expected)
    {
        float[] values = new float[37 * 29];
        Initializer.Fill(new InitializerDescription(kind), 42, 3, [37, 29], 29, 37, values);
        Check(expected, values);
    }

    private delegate void SpanFunction(ReadOnlySpan<float> x, Span<float> destination);

    private static float[] Mapped(SpanFunction function, float from, float to)
    {
        const int Count = 10_007;
        float[] x = [.. Enumerable.Range(0, Count).Select(i => from + ((to - from) * (i / (float)(Count - 1))))];
        float[] y = new float[Count];
        function(x, y);
        return y;
    }

    private static PanelBuffer Noise(int features, int rows, ulong stream) =>
        PanelBuffer.Of(features, rows, (row, feature) =>
        (CounterRandom.Uniform(1, RandomPurpose.Split, stream, (ulong)((row * features) + feature)) - 0.5f) * 12);

    private static float[] Rows(PanelBuffer buffer) => [.. buffer.AllRows().Select(BitConverter.Int32BitsToSingle)];

    private static void Check(string expected, float[] values)
    {
        string actual = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(values)));
        Assert.True(expected == actual, $"The hash is {actual}; {expected} is pinned.");
    }
}
