using System.Text.Json;
using CsCheck;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Jobs;

public class JobFileRoundTripTests
{
    private static readonly PartTable<OptimizerPart> s_optimizers = PluginRegistry.Shared.Optimizers;

    private static readonly Gen<float> s_share = Gen.Float[0f, 0.99f];
    private static readonly Gen<float> s_positive = Gen.Float[-30f, 30f].Select(power => MathF.Pow(10f, power));

    private static readonly Gen<string> s_text = Gen.String.Select(
        text => text.Replace("\0", "", StringComparison.Ordinal))
        .Where(text => text.Length > 0 && !text.Any(char.IsSurrogate));

    private static readonly Gen<InitializerDescription> s_initializer =
        from index in Gen.Int[0, PluginRegistry.Shared.Initializers.All.Count - 1]
        from scale in s_positive
        from usual in Gen.Bool
        let part = PluginRegistry.Shared.Initializers.All[index]
        select new InitializerDescription(part.Name)
        {
            Settings = usual || part.Settings.Count == 0 ? PartSettings.None : Set(part, ("scale", scale)),
        };

    private static readonly Gen<LayerDescription> s_layer =
        from units in Gen.Int[1, 1_000_000]
        from activation in OneOf("identity", "relu", "leaky-relu", "sigmoid", "tanh", "gelu", "silu")
        from slope in s_share
        from weight in s_initializer
        from bias in s_initializer
        from hasBias in Gen.Bool
        from dropout in s_share
        select new LayerDescription
        {
            Units = units,
            Activation = activation,
            Settings = activation == "leaky-relu"
                ? Set(PluginRegistry.Shared.Activations[activation], ("leaky-slope", slope)) : PartSettings.None,
            WeightInitializer = weight,
            BiasInitializer = hasBias ? bias : new LayerDescription().BiasInitializer,
            Bias = hasBias,
            Dropout = dropout,
        };

    private static readonly Gen<ModelDescription> s_model =
        from layers in s_layer.Array[0, 4]
        from smoothing in s_share
        from isClasses in Gen.Bool
        from delta in s_positive
        from members in Gen.Int[1, 64]
        select new ModelDescription
        {
            Members = members,
            Layers = [.. layers, new LayerDescription()],
            Loss = isClasses
                ? new LossDescription
                {
                    Settings = Set(PluginRegistry.Shared.Losses["cross-entropy"],
                ("label-smoothing", smoothing))
                } : new LossDescription
                {
                    Kind = "huber",
                    Settings = Set(PluginRegistry.Shared.Losses["huber"], ("huber-delta", delta)),
                },
        };

    private static readonly Gen<ClassWeights> s_classWeights = Gen.OneOf(
        Gen.Const(ClassWeights.None), Gen.Const(ClassWeights.Balanced),
        Gen.Select(s_text, Gen.Double[1e-9, 1e9]).Array[1, 3].Select(pairs => ClassWeights.Of(
            pairs.DistinctBy(pair => pair.Item1).OrderBy(pair => pair.Item1, StringComparer.Ordinal)
                .ToDictionary(pair => pair.Item1, pair => pair.Item2))));

    private static readonly Gen<SplitSettings> s_split =
        from order in Gen.Enum<SplitOrder>()
        from column in s_text
        from folds in Gen.Int[1, SplitSettings.MostFolds]
        from fold in Gen.Int[1, folds]
        let hasFolds = folds > 1 && order != SplitOrder.Time
        select new SplitSettings
        {
            Order = order,
            By = order == SplitOrder.Random ? null : column,
            Folds = hasFolds ? folds : null,
            Fold = hasFolds ? fold : null,
        };

    private static readonly Gen<DataDescription> s_data =
        from source in s_text
        from test in Gen.Null(s_text)
        from format in Gen.Enum<DataFormat>()
        from columns in s_text.Array[0, 3]
        from arrays in Gen.Null(s_text).Array[4]
        from header in Gen.Nullable(Gen.Bool)
        from delimiter in s_text
        from normalization in Gen.Enum<NormalizationKind>()
        from fraction in Gen.Double[0.01, 0.49]
        from seed in Gen.ULong
        from limit in Gen.Int[0, int.MaxValue]
        from weights in Gen.Null(s_text)
        from classWeights in s_classWeights
        from split in s_split
        select new DataDescription
        {
            WeightColumn = weights,
            ClassWeights = classWeights,
            Source = source,
            Split = split,
            TestSource = test,
            Format = format,
            Targets = columns,
            Ignore = columns,
            Arrays = new DataArrays
            {
                Features = arrays[0],
                Targets = arrays[1],
                TestFeatures = arrays[2],
                TestTargets = arrays[3],
            },
            Header = header,
            Delimiter = delimiter[0],
            Normalization = normalization,
            ValidationFraction = fraction,
            TestFraction = fraction,
            SplitSeed = seed,
            Limit = limit,
        };

    private static readonly Gen<OptimizerDescription> s_optimizer =
        from kind in OneOf("sgd", "adam", "adamw", "rmsprop")
        from rate in s_positive
        from a in s_share
        from b in s_share
        from epsilon in s_positive
        from flag in Gen.Bool
        select kind switch
        {
            "sgd" => new OptimizerDescription
            {
                Kind = kind,
                LearningRate = rate,
                Settings = Set(
                    s_optimizers[kind], ("momentum", 0.001f + (a / 2)), ("nesterov", flag),
                    ("dampening", flag ? 0 : b)),
            },
            "rmsprop" => new OptimizerDescription
            {
                Kind = kind,
                LearningRate = rate,
                Settings = Set(
                    s_optimizers[kind], ("momentum", a), ("alpha", b), ("epsilon", epsilon), ("centered", flag)),
            },
            _ => new OptimizerDescription
            {
                Kind = kind,
                LearningRate = rate,
                Settings = Set(
                    s_optimizers[kind], ("beta1", a), ("beta2", b), ("epsilon", epsilon), ("ams-grad", flag)),
            },
        };

    private static readonly Gen<ScheduleDescription> s_schedule =
        from kind in OneOf("constant", "step", "multi-step", "exponential", "cosine", "reduce-on-plateau")
        from gamma in Gen.Float[0.01f, 1f]
        from number in Gen.Int[1, 1000]
        from threshold in s_positive
        let all = new (string Name, object Value)[]
        {
            ("gamma", gamma), ("step-size", number), ("milestones", new[] { number, number + 1, 2000 }),
                ("minimum-rate", 1e-35f), ("patience", number), ("threshold", threshold),
        }
        let part = PluginRegistry.Shared.Schedules[kind]
        select new ScheduleDescription
        {
            Kind = kind,
            Settings = Set(part, [.. all.Where(value => part.Settings.Any(setting => setting.Name == value.Name))]),
            WarmUpSteps = number,
        };

    private static readonly Gen<TrainingDescription> s_training =
        from number in Gen.Int[1, 65_536]
        from seed in Gen.ULong
        from flag in Gen.Bool
        from delta in Gen.Double[0, 1]
        from stops in Gen.Bool
        select new TrainingDescription
        {
            Epochs = number,
            MaxSteps = number - 1,
            BatchSize = number,
            DataShards = number,
            Seed = seed,
            Shuffle = flag,
            EarlyStopping = stops
                ? new EarlyStoppingDescription { Patience = number, MinimumDelta = delta, RestoreBest = flag } : new(),
        };

    private static readonly Gen<JobFile> s_job =
        from data in s_data
        from model in s_model
        from optimizer in s_optimizer
        from schedule in s_schedule
        from training in s_training
        from strength in s_positive
        from flag in Gen.Bool
        from number in Gen.Int[1, 1024]
        from output in Gen.Null(s_text)
        select new JobFile(
            new JobDescription
            {
                Data = data with { NormalizeTargets = flag && model.Loss.Kind == "huber" },
                Model = model,
                Optimizer = optimizer,
                Schedule = schedule,
                Training = training,
                Regularization = new RegularizationDescription
                {
                    L1 = strength,
                    L2 = strength,
                    DecoupledWeightDecay = strength,
                    MaxNorm = strength,
                    ApplyToBiases = flag,
                },
                Clipping = new ClippingDescription { Value = strength, Norm = strength },
            },
            new RunSettings
            {
                Workers = number,
                ParameterShards = number,
                ComputeThreads = number,
                ReportEvery = number,
                Output = output,
                Checkpoint = new CheckpointSettings
                {
                    EverySteps = number - 1,
                    EveryTime = TimeSpan.FromMilliseconds(1500 * (number - 1)),
                    Keep = number,
                    KeepBest = number - 1,
                },
            });

    [Fact]
    public void Every_job_that_is_written_reads_back_to_the_equal_job() =>
        s_job.Sample(job => Assert.Equal(Json(job), Json(JobFile.Read(new JobSource(job.Write(), "x")))), iter: 400);

    private static Gen<string> OneOf(params string[] names) =>
        Gen.Int[0, names.Length - 1].Select(index => names[index]);

    // A value that is the default is not kept.
    private static PartSettings Set(Part part, params (string Name, object Value)[] settings) =>
        part.Settings.Aggregate(
        PartSettings.Of(settings), (kept, setting) =>
            kept.TextOf(setting) == setting.Default ? kept.Without(setting.Name) : kept);

    // Records compare lists by reference, so the whole content is compared as JSON.
    private static string Json(JobFile job) => JsonSerializer.Serialize(job);
}
