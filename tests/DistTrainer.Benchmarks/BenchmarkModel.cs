using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Training;

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

    /// <summary>The job with the peers' optimizer settings.</summary>
    public JobDescription Job(string optimizer, int dataShards, int epochs) => new()
    {
        Model = new ModelDescription
        {
            Layers = [.. Widths.Skip(1).Select((units, i) => new LayerDescription
            {
                Units = units,
                Activation = i + 2 < Widths.Length ? "relu" : "identity",
                WeightInitializer = new InitializerDescription("he-uniform"),
            })],
        },
        Optimizer = optimizer == "sgd"
            ? new OptimizerDescription
            {
                Kind = "sgd",
                LearningRate = 0.01f,
                Settings = PartSettings.Of(("momentum", 0.9f)),
            }
            : new OptimizerDescription { Kind = "adam", LearningRate = 1e-3f },
        Training = new TrainingDescription
        {
            Epochs = epochs,
            BatchSize = Batch,
            DataShards = dataShards,
            Shuffle = false,
        },
    };
}
