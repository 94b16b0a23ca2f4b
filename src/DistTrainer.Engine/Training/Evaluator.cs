using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Training;

/// <summary>
/// Runs a model forward over samples in chunks of a fixed size, so that the sums do not depend on who evaluates which
/// chunk.
/// </summary>
public sealed class Evaluator : IDisposable
{
    /// <summary>Samples of one chunk.</summary>
    internal const int ChunkSize = 256;

    private readonly IModel _model;
    private readonly IGradientEngine _engine;
    private readonly int[] _samples = new int[ChunkSize];

    /// <summary>Reserves memory for one chunk.</summary>
    /// <param name="model">The model.</param>
    /// <param name="targetWidth">Targets a sample.</param>
    /// <param name="threads">Threads that share each product; ≥ 1.</param>
    public Evaluator(IModel model, int targetWidth, int threads = 1)
    {
        _model = model;
        _engine = model.CreateEngine(ChunkSize, targetWidth, threads, forTraining: false);
    }

    /// <summary>Number of chunks of a data set.</summary>
    /// <exception cref="DistTrainerException">
    /// It has more than <see cref="EpochSampler.MostSamples"/> (<see cref="FailureKind.Data"/>).
    /// </exception>
    internal static int ChunkCount(ISampleSource data) =>
        (int)((EpochSampler.CheckCount(data.Count) + ChunkSize - 1) / ChunkSize);

    /// <summary>Evaluates some chunks.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="parameters">All parameters, flat.</param>
    /// <param name="firstChunk">First chunk.</param>
    /// <param name="sums">One entry a chunk; overwritten.</param>
    internal void Evaluate(ISampleSource data, ReadOnlySpan<float> parameters, int firstChunk, Span<LossSums> sums)
    {
        ReadOnlySpan<int> samples = sums.IsEmpty ? [] : SamplesOf(data, firstChunk);
        for (int chunk = 0; chunk < sums.Length; chunk++)
        {
            int count = samples.Length;
            _engine.Load(data, samples, training: false, step: 0, seed: 0);
            if (chunk + 1 < sums.Length)
                data.Expect(samples = SamplesOf(data, firstChunk + chunk + 1));
            Forward(parameters);
            _engine.Loss([0, count], sums.Slice(chunk, 1), withGradient: false);
        }
    }

    /// <summary>Evaluates a whole data set; the chunks' sums are added in order.</summary>
    /// <param name="data">The samples; may be none.</param>
    /// <param name="parameters">All parameters, flat.</param>
    public LossSums Evaluate(ISampleSource data, ReadOnlySpan<float> parameters)
    {
        var sums = new LossSums[ChunkCount(data)];
        Evaluate(data, parameters, 0, sums);
        return sums.Aggregate(default(LossSums), (left, right) => left + right);
    }

    /// <summary>Predicts rows: class probabilities, sigmoid probabilities or values, as the loss has it.</summary>
    /// <param name="features">[rows, inputs] row-major, scaled as in training.</param>
    /// <param name="parameters">All parameters, flat.</param>
    /// <param name="predictions">[rows, outputs] row-major; overwritten.</param>
    public void Predict(ReadOnlySpan<float> features, ReadOnlySpan<float> parameters, Span<float> predictions)
    {
        int rows = features.Length / _model.Inputs;
        for (int start = 0; start < rows; start += ChunkSize)
        {
            int count = Math.Min(ChunkSize, rows - start);
            _engine.Load(features.Slice(start * _model.Inputs, count * _model.Inputs));
            Forward(parameters);
            _engine.Predict(predictions.Slice(start * _model.Outputs, count * _model.Outputs));
        }
    }

    private void Forward(ReadOnlySpan<float> parameters)
    {
        for (int stage = 0; stage < _model.Stages; stage++)
            _engine.Forward(stage, parameters);
    }

    private ReadOnlySpan<int> SamplesOf(ISampleSource data, int chunk)
    {
        int start = chunk * ChunkSize, count = (int)Math.Min(ChunkSize, data.Count - start);
        for (int i = 0; i < count; i++)
            _samples[i] = start + i;
        return _samples.AsSpan(0, count);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _engine.Dispose();
}
