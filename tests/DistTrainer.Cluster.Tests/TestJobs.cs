using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Tests;

/// <summary>Small jobs and data for tests of the actors.</summary>
internal static class TestJobs
{
    /// <summary>A network with dropout, by its optimizer and what is switched on.</summary>
    public static readonly Dictionary<string, JobDescription> Variants = new()
    {
        ["sgd"] = Job(new OptimizerDescription { Kind = "sgd", LearningRate = 0.05f }),
        ["sgd-nesterov-clip-norm"] =
            Job(new OptimizerDescription
            {
                Kind = "sgd",
                LearningRate = 0.05f,
                Settings = PartSettings.Of(("momentum", 0.9f), ("nesterov", true))
            }) with
            {
                Clipping = new ClippingDescription { Norm = 0.1f },
            },
        ["adam"] = Job(new OptimizerDescription { Kind = "adam", LearningRate = 0.01f }),
        ["adamw-clip-both-max-norm"] =
            Job(new OptimizerDescription
            {
                Kind = "adamw",
                LearningRate = 0.01f,
                Settings = PartSettings.Of(("ams-grad", true))
            }) with
            {
                Clipping = new ClippingDescription { Norm = 0.2f, Value = 0.05f },
                Regularization = new RegularizationDescription { DecoupledWeightDecay = 0.01f, MaxNorm = 1f },
            },
        ["rmsprop-elastic-net"] =
            Job(new OptimizerDescription
            {
                Kind = "rmsprop",
                LearningRate = 0.01f,
                Settings = PartSettings.Of(("centered", true), ("momentum", 0.5f))
            }) with
            {
                Regularization = new RegularizationDescription { L1 = 1e-3f, L2 = 1e-3f, ApplyToBiases = true },
            },
    };

    /// <summary>Three dense layers with all kinds of sizes, dropout and label smoothing.</summary>
    public static JobDescription Job(OptimizerDescription optimizer) => new()
    {
        Model = new ModelDescription
        {
            Layers =
            [
                new LayerDescription { Units = 37, Activation = "gelu", Dropout = 0.3f },
                new LayerDescription { Units = 14, Activation = "tanh", Bias = false },
                new LayerDescription(),
            ],
            Loss = new LossDescription { Settings = PartSettings.Of(("label-smoothing", 0.05f)) },
        },
        Optimizer = optimizer,
        Training = new TrainingDescription { Epochs = 3, BatchSize = 50, DataShards = 8 },
    };

    /// <summary>Points round a centre for each class.</summary>
    public static DataParts Classification(int samples, int features, int classes)
    {
        var random = new Random(5);
        float[] centres =
            [.. Enumerable.Range(0, classes * features).Select(_ => (float)(2 * random.NextDouble() - 1))];
        DataSet Part(int count)
        {
            float[] x = new float[count * features], y = new float[count];
            for (int i = 0; i < count; i++)
            {
                y[i] = random.Next(classes);
                for (int f = 0; f < features; f++)
                    x[(i * features) + f] =
                        centres[((int)y[i] * features) + f] + (float)(0.6 * (random.NextDouble() - 0.5));
            }
            return new DataSet(x, y, features, 1);
        }

        var schema = new DataSchema
        {
            Task = TaskKind.Classification,
            FeatureNames = [.. Enumerable.Range(0, features).Select(i => $"x{i}")],
            TargetNames = ["class"],
            ClassNames = [.. Enumerable.Range(0, classes).Select(i => $"{i}")],
            Normalization = new Normalization(
                NormalizationKind.None, new double[features], [.. Enumerable.Repeat(1f, features)], [0f], [1f]),
        };
        return new DataParts(Part(samples), Part(60), Part(61), schema, "test");
    }

    /// <summary>The last two features become categories.</summary>
    public static DataParts WithCategories(DataParts data, int first, int second)
    {
        int width = data.Train.FeatureCount;
        DataSet Part(ISampleSource part) => new(
            [.. ((DataSet)part).Features.Select((value, i) => ((i % width) - width) switch
            {
                -2 => Category(value, first),
                -1 => Category(value, second),
                _ => value,
            })],
            ((DataSet)part).Targets, width, 1);

        return data with { Train = Part(data.Train), Validation = Part(data.Validation), Test = Part(data.Test) };

        static float Category(float value, int count) =>
            Math.Clamp(MathF.Floor((value + 1.3f) / 2.6f * count), 0, count - 1);
    }

    /// <summary>Runs a job quietly.</summary>
    public static Task<TrainingResult> Run(
        JobDescription job, DataParts data, RunOptions options, ITrainingObserver? observer = null,
            CancellationToken stop = default) =>
        LocalTrainer.RunAsync(
            job, data, options with { ActorConfiguration = "akka.loglevel = OFF" }, null,
            observer ?? new Silence(), stop)
            .WaitAsync(TimeSpan.FromMinutes(2), CancellationToken.None);

    private sealed class Silence : ITrainingObserver
    {
        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }
    }
}
