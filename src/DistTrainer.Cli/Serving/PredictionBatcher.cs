using System.Diagnostics;
using DistTrainer.Engine.Data;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Serving;

/// <summary>
/// Computes requests that come at the same time as one batch, on threads of its own. A row's prediction does not depend
/// on the batch. The caller bounds how many requests wait.
/// </summary>
internal sealed class PredictionBatcher : IDisposable
{
    private readonly TrainedModel _model;
    private readonly int _batchSize;
    private readonly TimeSpan _wait;
    private readonly Queue<Waiting> _queue = new(); // also the lock of all that follows
    private readonly Thread[] _threads;
    private int _rowsWaiting;
    private bool _closed;
    private long _batches;

    /// <summary>Starts the threads.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">Threads, batch size and how long a request waits for others.</param>
    public PredictionBatcher(TrainedModel model, ServeSettings settings)
    {
        (_model, _batchSize, _wait) = (model, settings.BatchSize, settings.BatchWait);
        _threads =
            [.. Enumerable.Range(0, settings.Threads)
            .Select(n => new Thread(Work) { IsBackground = true, Name = $"predict-{n}" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Batches computed so far.</summary>
    public long Batches => Interlocked.Read(ref _batches);

    /// <summary>Predicts rows.</summary>
    /// <param name="rows">The rows, scaled.</param>
    /// <param name="aborted">Whoever asked has gone: rows that still wait are dropped.</param>
    /// <returns>[rows, outputs] row-major.</returns>
    public Task<float[]> PredictAsync(PredictionRows rows, CancellationToken aborted)
    {
        var waiting = new Waiting(
            rows, new float[rows.Count * _model.Network.Outputs], Stopwatch.GetTimestamp(), aborted);
        lock (_queue)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _queue.Enqueue(waiting);
            _rowsWaiting += rows.Count;
            Monitor.PulseAll(_queue);
        }

        return waiting.Done.Task;
    }

    /// <summary>Computes what waits, and ends the threads.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _closed = true;
            Monitor.PulseAll(_queue);
        }

        foreach (Thread thread in _threads)
            thread.Join();
    }

    private void Work()
    {
        using var predictor = new Predictor(_model);
        float[] features = new float[_batchSize * _model.Network.Inputs],
            predictions = new float[_batchSize * _model.Network.Outputs];
        var batch = new List<Waiting>();
        while (Take(batch))
        {
            try
            {
                Compute(predictor, batch, features, predictions);
                batch.ForEach(waiting => waiting.Done.SetResult(waiting.Predictions));
            }
            catch (Exception failure)
            {
                batch.ForEach(waiting => waiting.Done.TrySetException(failure));
            }

            batch.Clear();
        }
    }

    // A batch is what waits, in order, up to the batch size; a larger request is a batch of its own.
    private bool Take(List<Waiting> batch)
    {
        lock (_queue)
        {
            while (batch.Count == 0)
            {
                if (!_queue.TryPeek(out Waiting? first))
                {
                    if (_closed)
                        return false;
                    Monitor.Wait(_queue);
                }
                else if (_rowsWaiting < _batchSize && !_closed
                    && _wait - Stopwatch.GetElapsedTime(first.Since) is { Ticks: > 0 } left)
                {
                    Monitor.Wait(_queue, (int)Math.Ceiling(left.TotalMilliseconds));
                }
                else
                {
                    Dequeue(batch);
                }
            }
        }

        Interlocked.Increment(ref _batches);
        return true;
    }

    private void Dequeue(List<Waiting> batch)
    {
        int rows = 0;
        while (_queue.TryPeek(out Waiting? next) && (rows == 0 || rows + next.Rows.Count <= _batchSize))
        {
            _queue.Dequeue();
            _rowsWaiting -= next.Rows.Count;
            if (next.Aborted.IsCancellationRequested)
            {
                next.Done.SetCanceled(next.Aborted);
                continue;
            }

            rows += next.Rows.Count;
            batch.Add(next);
        }
    }

    private void Compute(Predictor predictor, List<Waiting> batch, float[] features, float[] predictions)
    {
        if (batch.Count == 1)
        {
            predictor.Predict(batch[0].Rows.Features, batch[0].Predictions);
            return;
        }

        int length = 0, outputs = _model.Network.Outputs;
        foreach (Waiting waiting in batch)
        {
            waiting.Rows.Features.CopyTo(features, length);
            length += waiting.Rows.Features.Length;
        }

        predictor.Predict(features.AsSpan(0, length), predictions.AsSpan(0, length / _model.Network.Inputs * outputs));
        int start = 0;
        foreach (Waiting waiting in batch)
        {
            predictions.AsSpan(start, waiting.Predictions.Length).CopyTo(waiting.Predictions);
            start += waiting.Predictions.Length;
        }
    }

    private sealed record Waiting(PredictionRows Rows, float[] Predictions, long Since, CancellationToken Aborted)
    {
        // Whoever asked goes on elsewhere than on the computing thread.
        public TaskCompletionSource<float[]> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
