using System.Buffers.Binary;
using System.Globalization;
using DistTrainer.Cli.Runs;
using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer;
using Google.Protobuf;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>
/// Event files are read back by a reader of their specification: TFRecord and field numbers, nothing of what wrote
/// them.
/// </summary>
public sealed class TensorBoardTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("events").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_run_s_event_file_has_the_figures_of_metrics_csv()
    {
        string run = Path.Combine(_folder, "run");
        await CliRun.Of("train", "--tensorboard", "on", "--output", run);
        List<(long Step, string Tag, float Value)> scalars = Read(
            Assert.Single(Directory.GetFiles(run, "events.out.tfevents.*")));
        string[][] table = [.. File.ReadAllLines(Path.Combine(run, "metrics.csv")).Select(line => line.Split(','))];
        Assert.NotEmpty(scalars);
        foreach (string[] row in table.Skip(1))
        {
            (string tag, string column)[] names = row[0] == "step"
                ? [("train/loss", "loss"), ("train/gradient-norm", "gradientNorm")]
                : [("epoch/train-loss", "loss"), ("epoch/validation-loss", "validationLoss")];
            foreach ((string tag, string column) in names)
            {
                float expected = float.Parse(row[Array.IndexOf(table[0], column)], CultureInfo.InvariantCulture);
                Assert.Contains((long.Parse(row[1], CultureInfo.InvariantCulture), tag, expected), scalars);
            }
        }
    }

    [Fact]
    public async Task Weights_biases_and_gradients_are_histograms_every_few_steps_and_after_the_last_however_the_run_is_cut()
    {
        List<(long Step, string Tag, float Value)>[] found = await Task.WhenAll(new[] { 1, 3 }.Select(async parts =>
        {
            string run = Path.Combine(_folder, $"run-{parts}");
            await CliRun.Of(
                new CliServices(), ["train", "--epochs", "2", "--tensorboard", "on", "--set", "run.histograms-every=7",
                "--parameter-shards", $"{parts}", "--workers", $"{parts}", "--output", run]);
            return Read(Assert.Single(Directory.GetFiles(run, "events.out.tfevents.*")))
                .FindAll(entry => entry.Tag.StartsWith("parameters/", StringComparison.Ordinal)
                || entry.Tag.StartsWith("gradients/", StringComparison.Ordinal));
        }));
        long[] steps = [.. found[0].Select(entry => entry.Step).Distinct()];
        Assert.Equal(
            Enumerable.Range(1, 80).Where(step => step % 7 == 0 || step == 80).Select(step => (long)step), steps);
        Assert.Equal(["0.bias", "0.weight", "3.bias", "3.weight", "6.bias", "6.weight"], found[0]
            .Where(entry => entry.Step == 7).Select(entry => entry.Tag.Split('/')[1]).Distinct().Order());
        Assert.All(found[0].Where(entry => entry.Tag == "gradients/6.bias"), entry => Assert.Equal(10, entry.Value));
        Assert.Equal(found[0].Order(), found[1].Order());
    }

    [Fact]
    public void Buckets_leave_out_what_is_not_finite_and_say_nothing_where_nothing_is()
    {
        ValueHistogram values = ValueHistogram.Of(
            [1, -2, 3, float.NaN, 0.5f, 0.25f, 0, -0f, float.NegativeInfinity, 1e-40f]);
        using (var events = new TensorBoardFile(_folder, () => FolderOwner.Mine, lastStep: 0))
            events.OnHistogram(new HistogramReport(7, "0.weight", values, ValueHistogram.Empty));
        List<(long Step, string Tag, float Value)> found = Read(Assert.Single(Directory.GetFiles(_folder)));
        Assert.Equal([(7L, "parameters/0.weight", 8f), (7, "gradients/0.weight", 0)], found);
    }

    [Fact]
    public async Task Without_the_option_there_is_none()
    {
        string run = Path.Combine(_folder, "run");
        await CliRun.Of("train", "--output", run);
        Assert.Empty(Directory.GetFiles(run, "events.*"));
    }

    [Fact]
    public void A_run_that_goes_back_or_on_says_from_which_step_earlier_records_do_not_count()
    {
        using (var events = new TensorBoardFile(_folder, () => FolderOwner.Mine, lastStep: 0))
        {
            events.OnStep(Step(5, double.NaN));
            events.OnWentBack(3);
            events.OnStep(Step(4, 0.5));
            Assert.Null(events.Failure);
        }
        List<(long Step, string Tag, float Value)> first = Read(Assert.Single(Directory.GetFiles(_folder)));
        Assert.DoesNotContain(first, scalar => scalar is { Step: 5, Tag: "train/loss" });
        Assert.Contains((5, "train/learning-rate", 0.1f), first);
        Assert.Equal((4, "restart", 0), first.First(scalar => scalar.Step == 4));
        Assert.Contains((4, "train/loss", 0.5f), first);
        Assert.True(TensorBoardFile.IsIn(_folder));
    }

    [Fact]
    public void A_folder_that_another_process_has_taken_over_is_left_alone()
    {
        bool isOwned = true;
        using var events = new TensorBoardFile(_folder, () => isOwned ? FolderOwner.Mine : FolderOwner.Another, lastStep: 0);
        isOwned = false;
        events.OnStep(Step(1, 1));
        Assert.Empty(Read(Assert.Single(Directory.GetFiles(_folder))));
    }

    private static StepReport Step(long step, double loss) => new(step, 1, 10, 10, loss, null, 0.1, 2, 3, default);

    private static List<(long Step, string Tag, float Value)> Read(string path)
    {
        byte[] data;
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            data = new byte[file.Length];
            file.ReadExactly(data);
        }
        var found = new List<(long Step, string Tag, float Value)>();
        bool isFirst = true;
        for (int at = 0; at < data.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadInt64LittleEndian(data.AsSpan(at)));
            Check(data.AsSpan(at, 8), BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at + 8)));
            byte[] body = data.AsSpan(at + 12, length).ToArray();
            Check(body, BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at + 12 + length)));
            at += 16 + length;
            Dictionary<int, object> entry = Fields(body).ToDictionary(field => field.Number, field => field.Value);
            Assert.True((double)entry[1] > 1.7e9);
            long step = entry.TryGetValue(2, out object? number) ? (long)number : 0;
            if (isFirst)
                Assert.Equal("brain.Event:2", ((ByteString)entry[3]).ToStringUtf8());
            else if (entry.ContainsKey(7))
                found.Add((step, "restart", 0));
            foreach ((int _, object value) in Fields(((ByteString)entry.GetValueOrDefault(5, ByteString.Empty))
                .ToByteArray()))
            {
                Dictionary<int, object> scalar = Fields(((ByteString)value).ToByteArray())
                    .ToDictionary(field => field.Number, field => field.Value);
                string tag = ((ByteString)scalar[1]).ToStringUtf8();
                found.Add(
                    scalar.TryGetValue(2, out object? simple) ? (step, tag, (float)simple)
                    : (step, tag, Counted((ByteString)scalar[5])));
            }
            isFirst = false;
        }
        return found;
    }

    // The number of values; as many must be in the buckets, whose limits rise and whose first and last hold the least
    // and the largest.
    private static float Counted(ByteString message)
    {
        Dictionary<int, object> histogram = Fields(message.ToByteArray())
            .ToDictionary(field => field.Number, field => field.Value);
        double[] limits = Doubles((ByteString)histogram.GetValueOrDefault(6, ByteString.Empty)),
            counts = Doubles((ByteString)histogram.GetValueOrDefault(7, ByteString.Empty));
        Assert.Equal(limits.Length, counts.Length);
        Assert.Equal(limits.Distinct().Order(), limits);
        Assert.Equal((double)histogram.GetValueOrDefault(3, 0.0), counts.Sum());
        if (limits.Length == 0)
            return 0;
        double least = (double)histogram.GetValueOrDefault(1, 0.0),
            largest = (double)histogram.GetValueOrDefault(2, 0.0);
        Assert.InRange(least, double.NegativeInfinity, limits[0]);
        Assert.InRange(largest, limits.Length > 1 ? limits[^2] : double.NegativeInfinity, limits[^1]);
        return (float)counts.Sum();
    }

    private static double[] Doubles(ByteString packed) =>
        [.. packed.ToByteArray().Chunk(8).Select(bytes => BinaryPrimitives.ReadDoubleLittleEndian(bytes))];

    private static List<(int Number, object Value)> Fields(byte[] message)
    {
        var input = new CodedInputStream(message);
        var fields = new List<(int Number, object Value)>();
        while (input.ReadTag() is > 0 and uint tag)
        {
            fields.Add(((int)(tag >> 3), (tag & 7) switch
            {
                0 => input.ReadInt64(),
                1 => input.ReadDouble(),
                2 => input.ReadBytes(),
                5 => (object)input.ReadFloat(),
                _ => throw new FormatException($"wire type {tag & 7}"),
            }));
        }
        return fields;
    }

    // Bit by bit, reflected, polynomial 0x1EDC6F41; then TFRecord's mask.
    private static void Check(ReadOnlySpan<byte> bytes, uint masked)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78);
        }
        crc = ~crc;
        Assert.Equal(unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8), masked);
    }
}
