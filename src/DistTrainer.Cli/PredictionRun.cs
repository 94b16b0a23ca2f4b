using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using DistTrainer.Engine.Data;
using DistTrainer.Jobs;

namespace DistTrainer.Cli;

/// <summary>Predicts rows block by block on all cores, and writes them in their order.</summary>
/// <param name="model">The model.</param>
/// <param name="rows">The rows.</param>
/// <param name="asJson">Whether JSON is written, not CSV.</param>
internal sealed class PredictionRun(TrainedModel model, RowBlocks<PredictionRows> rows, bool asJson)
{
    private const int RowsAtOnce = 4096;

    private readonly ConcurrentBag<Worker> _workers = [];
    private readonly ConcurrentBag<ArrayBufferWriter<byte>> _texts = [];

    /// <summary>Takes a piece of the text.</summary>
    public delegate void Output(ReadOnlySpan<byte> text);

    /// <summary>Writes all predictions.</summary>
    /// <param name="output">Takes them, in UTF-8.</param>
    /// <param name="report">Told how many rows are written.</param>
    /// <exception cref="Engine.DistTrainerException">A row is wrong; those before may have been written.</exception>
    public void Write(Output output, Action<long> report)
    {
        long written = 0;
        // What stands before the first row is written with it: where that is wrong, nothing is.
        foreach ((ArrayBufferWriter<byte> text, int count) in rows.Select(Predict))
        {
            if (written == 0)
                output(Encoding.UTF8.GetBytes(PredictionText.Begin(model.Schema, asJson)));
            // Blocks do not know whether they are the first, where no comma stands before the row.
            output(text.WrittenSpan[(asJson && written == 0 ? 1 : 0)..]);
            written += count;
            report(written);
            text.ResetWrittenCount();
            _texts.Add(text);
        }
        output(Encoding.UTF8.GetBytes(PredictionText.End(asJson)));
        foreach (Worker worker in _workers)
            worker.Predictor.Dispose();
    }

    private (ArrayBufferWriter<byte> Text, int Rows) Predict(PredictionRows block)
    {
        if (!_workers.TryTake(out Worker? worker))
            worker = new Worker(new Predictor(model), new float[RowsAtOnce * model.Network.Outputs]);
        if (!_texts.TryTake(out ArrayBufferWriter<byte>? text))
            text = new ArrayBufferWriter<byte>();
        for (int first = 0; first < block.Count; first += RowsAtOnce)
        {
            int count = Math.Min(RowsAtOnce, block.Count - first);
            Span<float> predictions = worker.Predictions.AsSpan(0, count * model.Network.Outputs);
            worker.Predictor.Predict(
                block.Features.AsSpan(first * block.FeatureCount, count * block.FeatureCount), predictions);
            PredictionText.WriteRows(model.Schema, predictions, asJson, text);
        }
        _workers.Add(worker);
        return (text, block.Count);
    }

    /// <summary>What a thread predicts with.</summary>
    private sealed record Worker(Predictor Predictor, float[] Predictions);
}
