using System.Buffers.Binary;
using System.Globalization;
using DistTrainer.Cli.TensorBoard;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.ParameterServer;
using Google.Protobuf;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// An event file for TensorBoard: the figures of steps and epochs as scalars, and histograms of each weight and bias
/// tensor and of its gradient. A file grows by whole records (TFRecord:
/// length, masked CRC-32C of the length, event, masked CRC-32C of the event); a part of a run that goes on writes
/// another file into the same folder, and says from which step on the earlier ones do not count.
/// </summary>
internal sealed class TensorBoardFile : ITrainingObserver, IDisposable
{
    private const uint MaskDelta = 0xa282ead8;
    private const string Version = "brain.Event:2";
    private const string Prefix = "events.out.tfevents.";
    private readonly GrowingFile _file;

    /// <summary>Opens a new file.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="look">Whether the folder may be written at the moment; see <see cref="GrowingFile"/>.</param>
    /// <param name="lastStep">The last step that is in; what earlier files say of later ones does not count.</param>
    public TensorBoardFile(string folder, Func<FolderOwner> look, long lastStep)
    {
        _file = new GrowingFile(Path.Combine(folder, NewName(folder)), look);
        Write(new Event { FileVersion = Version });
        if (lastStep > 0)
            OnWentBack(lastStep);
    }

    /// <summary>Whether a folder has such a file: a run that goes on there writes another.</summary>
    public static bool IsIn(string folder) => Directory.EnumerateFiles(folder, Prefix + "*").Any();

    /// <summary>Why a record could not be written; null while all is well.</summary>
    public DistTrainerException? Failure => _file.Failure;

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report) => Scalars(report.Step, ReportFigures.OfStep, report);

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => Scalars(report.Step, ReportFigures.OfEpoch, report);

    /// <inheritdoc/>
    public void OnHistogram(HistogramReport report)
    {
        var summary = new Summary();
        summary.Value.Add(new Summary.Types.Value
        {
            Tag = $"parameters/{report.Tensor}",
            Histo = Histogram(report.Parameters),
        });
        summary.Value.Add(new Summary.Types.Value
        {
            Tag = $"gradients/{report.Tensor}",
            Histo = Histogram(report.Gradients),
        });
        Write(new Event { Step = report.Step, Summary = summary });
    }

    /// <summary>TensorBoard drops what it has of the steps after <paramref name="lastStep"/>.</summary>
    public void OnWentBack(long lastStep) => Write(new Event
    {
        Step = lastStep + 1,
        SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start },
    });

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void Scalars<TReport>(long step, IEnumerable<Figure<TReport>> figures, TReport report)
    {
        var summary = new Summary();
        foreach (Figure<TReport> figure in figures.In(FigurePlaces.Curves))
        {
            string tag = $"{figure.Group}/{figure.Name}";
            if (figure.Of(report) is { } value && double.IsFinite(value))
                summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        }
        Write(new Event { Step = step, Summary = summary });
    }

    /// <summary>
    /// A bucket of the schema goes from the limit before it to its own, so those that have no values stand between the
    /// others.
    /// </summary>
    private static HistogramProto Histogram(ValueHistogram values)
    {
        IReadOnlyList<(double Lower, double Upper, long Count)> buckets = values.Finite();
        if (buckets.Count == 0)
            return new HistogramProto();
        var histogram = new HistogramProto
        {
            Min = values.Min,
            Max = values.Max,
            Num = buckets.Sum(bucket => bucket.Count),
            Sum = values.Sum,
            SumSquares = values.Squares,
        };
        double last = buckets[0].Lower;
        foreach ((double lower, double upper, long count) in buckets)
        {
            if (lower > last)
                Bucket(lower, 0);
            Bucket(upper, count);
            last = upper;
        }
        return histogram;

        void Bucket(double limit, double count)
        {
            histogram.BucketLimit.Add(limit);
            histogram.Bucket.Add(count);
        }
    }

    private void Write(Event entry)
    {
        entry.WallTime = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        byte[] body = entry.ToByteArray();
        byte[] record = new byte[sizeof(long) + sizeof(uint) + body.Length + sizeof(uint)];
        BinaryPrimitives.WriteInt64LittleEndian(record, body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(sizeof(long)), Masked(record.AsSpan(0, sizeof(long))));
        body.CopyTo(record.AsSpan(sizeof(long) + sizeof(uint)));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(record.Length - sizeof(uint)), Masked(body));
        _file.Add(record);
    }

    /// <summary>
    /// TensorBoard reads files in the order of their names, so a new one comes after those that are there, whatever the
    /// clock says.
    /// </summary>
    private static string NewName(string folder)
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        IEnumerable<long> earlier = Directory.EnumerateFiles(folder, Prefix + "*")
            .Select(path => Path.GetFileName(path)[Prefix.Length..].Split('.')[0])
            .Select(
                text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long time) ? time : 0);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Prefix}{earlier.Append(now - 1).Max() + 1}.{Environment.MachineName}.{Environment.ProcessId}");
    }

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = Crc32C.Compute(bytes);
        return unchecked(((crc >> 15) | (crc << 17)) + MaskDelta);
    }
}
