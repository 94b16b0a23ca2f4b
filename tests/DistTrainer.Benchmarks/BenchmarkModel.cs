namespace DistTrainer.Benchmarks;

/// <summary>The models that the peers are measured on: ReLU between the layers, softmax cross-entropy behind.</summary>
internal sealed record BenchmarkModel(string Name, int Batch, int[] Widths)
{
    public static readonly BenchmarkModel[] All =
    [
        new("a", 64, [784, 128, 10]),
        new("b", 128, [784, 512, 256, 10]),
        new("c", 256, [784, 2048, 2048, 10]),
    ];
}
