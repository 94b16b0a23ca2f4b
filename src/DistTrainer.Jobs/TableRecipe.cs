using System.Globalization;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;

namespace DistTrainer.Jobs;

/// <summary>
/// The job for a table where nobody says another: what to do with the columns, the network, and how to train it, by the
/// number of rows and the task alone. docs/recipe.md has what each part of it brings. The ideas are those of RealMLP
/// (Holzmüller et al. 2024: robust scaling with smooth bounds, label smoothing, one rate and schedule for all), of
/// piecewise linear encodings (Gorishniy et al. 2022), and of ensembles in one run (TabM, Gorishniy et al. 2024).
/// </summary>
public static class TableRecipe
{
    private const int Few = 1_500;
    private const int Many = 10_000;
    private const double WarmUp = 0.05;

    /// <summary>From so many rows on only the lengths of the training follow from their number.</summary>
    public const int ManyRows = 25_000;

    /// <summary>The job.</summary>
    /// <param name="task">What the targets mean: classification or regression.</param>
    /// <param name="rows">Rows of the table, held-out ones included; ≥ 1.</param>
    public static JobSource For(TaskKind task, long rows)
    {
        bool isClasses = task == TaskKind.Classification;
        Sizes sizes = SizesFor(isClasses, rows);
        long training = Math.Max(1, (long)(rows * (1 - TestShare(rows) - sizes.Validation)));
        long steps = (training + sizes.Batch - 1) / sizes.Batch * sizes.Epochs;
        bool watches = Math.Round(rows * sizes.Validation) >= 1;
        string layer = $"{{ units = {sizes.Units}, activation = {sizes.Activation}, weight-initializer = he-normal, "
            + $"dropout = {Text(sizes.Dropout)} }}";
        return new JobSource(
            $$"""
            data {
              normalization = {{(isClasses && rows < Few ? "standardize" : "robust")}}
              normalize-targets = {{(isClasses ? "false" : "true")}}
              one-hot = 40
              embedding = 8
              least-rows = 2
              bins = {{Text(sizes.Bins)}}
              test-fraction = {{Text(TestShare(rows))}}
              stratify = {{(isClasses ? "true" : "false")}}
              validation-fraction = {{Text(sizes.Validation)}}
            }
            model {
              members = {{Text(sizes.Members)}}
              layers = [
                {{string.Join(",\n    ", Enumerable.Repeat(layer, sizes.Layers))}},
                { weight-initializer = lecun-normal }
              ]
              loss {{(isClasses ? "{ kind = cross-entropy, label-smoothing = 0.05 }" : "= mean-squared-error")}}
            }
            optimizer { kind = adamw, learning-rate = 0.001, beta2 = 0.99 }
            regularization.decoupled-weight-decay = {{Text(sizes.Decay)}}
            schedule { kind = cosine, warm-up-steps = {{Text((long)(WarmUp * steps))}} }
            training {
              epochs = {{Text(sizes.Epochs)}}
              batch-size = {{Text(sizes.Batch)}}
              early-stopping.patience = {{Text(watches ? sizes.Patience : 0)}}
              figures = {{(watches ? "true" : "false")}}
            }
            """, "the recipe for tables")
        {
            IsBuiltIn = true,
        };
    }

    /// <summary>The job in one line.</summary>
    /// <param name="job">What came of the recipe and of what is laid over it.</param>
    public static string Describe(JobDescription job)
    {
        ModelDescription model = job.Model;
        string layers = string.Join(", ", model.Layers.SkipLast(1).Select(
            layer => $"{Text(layer.Units ?? 0)} {layer.Activation}"));
        return $"no job file: the recipe for tables takes {Text(model.Members)} network(s) of {layers}; "
            + $"{job.Optimizer.Kind}, batches of {Text(job.Training.BatchSize)}, at most {Text(job.Training.Epochs)} "
            + "epochs (`disttrainer config validate` with the same options and --print prints the job; docs/recipe.md "
            + "says why)";
    }

    private static Sizes SizesFor(bool isClasses, long rows) => (rows, isClasses) switch
    {
        ( < Few, true) => new(0.15, 0, 8, 128, 2, "silu", 0.3, 2, 40, 40, 32),
        ( < Few, false) => new(0.15, 8, 8, 128, 2, "silu", 0.15, 0.01, 150, 40, 32),
        ( < Many, _) => new(0.1, 16, 4, 256, 3, "relu", 0.15, 0.01, 80, 25, 128),
        ( < ManyRows, true) => new(0.1, 16, 4, 256, 2, "relu", 0.15, 0.01, 12, 8, 256),
        ( < ManyRows, false) => new(0.1, 16, 4, 256, 2, "relu", 0.15, 0.01, 30, 8, 256),
        (_, true) => new(0.1, 16, 2, 256, 2, "relu", 0.15, 0.01, 12, 8, 256),
        _ => new(0.1, 16, 2, 256, 2, "relu", 0.15, 0.01, 30, 8, 256),
    };

    // Of few rows a test part of a tenth says little, and they are missed in training.
    private static double TestShare(long rows) => rows < Few ? 0 : 0.1;

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed record Sizes(
        double Validation, int Bins, int Members, int Units, int Layers, string Activation, double Dropout,
        double Decay, int Epochs, int Patience, int Batch);
}
