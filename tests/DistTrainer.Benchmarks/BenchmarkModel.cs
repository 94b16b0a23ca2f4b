using System.Globalization;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

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

    /// <summary>Steps between two reports, of which a timed chunk is made.</summary>
    public int ReportEvery { get; private init; } = 10;

    /// <summary>One of <see cref="All"/>, or any shape with its batch, such as 784-512-512-10@64.</summary>
    public static BenchmarkModel Named(string name)
    {
        if (All.FirstOrDefault(known => known.Name == name) is { } known)
            return known;
        string[] parts = name.Split('@');
        if (parts.Length != 2)
            throw new ArgumentException($"'{name}' is neither a, b, c nor a shape such as 784-512-512-10@64.");
        int[] widths = [.. parts[0].Split('-').Select(Whole)];
        int batch = Whole(parts[1]);
        double flops = 6.0 * batch * widths.Zip(widths.Skip(1), (inputs, outputs) => (double)inputs * outputs).Sum();
        return new BenchmarkModel(name, batch, widths)
        {
            // As the product does, but where steps are long not so seldom that a chunk lasts for seconds.
            ReportEvery = (int)Math.Clamp(1e10 / flops, 2, new RunSettings().ReportEvery),
        };
    }

    /// <summary>The job with the peers' optimizer settings.</summary>
    /// <param name="optimizer">sgd and momentum (both with momentum 0.9), plain-sgd, adam, rmsprop.</param>
    /// <param name="dataShards">Null: as many as a job has by default.</param>
    /// <param name="epochs">Passes over the samples.</param>
    public JobDescription Job(string optimizer, int? dataShards, int epochs)
    {
        var training = new TrainingDescription { Epochs = epochs, BatchSize = Batch, Shuffle = false };
        return new JobDescription
        {
            Model = Network(),
            Optimizer = Rule(optimizer),
            Training = dataShards is { } count ? training with { DataShards = count } : training,
        };
    }

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static OptimizerDescription Rule(string optimizer) => optimizer switch
    {
        "sgd" or "momentum" => OptimizerDescription.Of("sgd", ("momentum", 0.9f)) with { LearningRate = 0.01f },
        "plain-sgd" => new OptimizerDescription { Kind = "sgd", LearningRate = 0.01f },
        "adam" or "rmsprop" => new OptimizerDescription { Kind = optimizer, LearningRate = 1e-3f },
        _ => throw new ArgumentException($"'{optimizer}' is not sgd, momentum, plain-sgd, adam or rmsprop."),
    };

    private ModelDescription Network() => new()
    {
        Layers = [.. Widths.Skip(1).Select((units, i) => new LayerDescription
        {
            Units = units,
            Activation = i + 2 < Widths.Length ? "relu" : "identity",
            WeightInitializer = new InitializerDescription("he-uniform"),
        })],
    };
}
