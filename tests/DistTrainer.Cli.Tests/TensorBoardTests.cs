using System.Buffers.Binary;
using System.Globalization;
using DistTrainer.Cli;
using DistTrainer.Cluster;
using DistTrainer.Engine;
using Google.Protobuf;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>Event files are read back by a reader of their specification: TFRecord and field numbers, nothing of what wrote them.</summary>
public sealed class TensorBoardTests : IDisposable
{
    private static readonly ParameterLayout s_layout = Network.Create(new ModelDescription { Layers = [new LayerDescription()] }, inputs: 3, outputs: 2).Layout;
    private readonly string folder = Directory.CreateTempSubdirectory("events").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_run_s_event_file_has_the_figures_of_metrics_csv()
    {
        string run = Path.Combine(folder, "run");
        await CliRun.Of("train", "--tensorboard", "on", "--output", run);
        List<(long Step, string Tag, float Value)> scalars = Read(Assert.Single(Directory.GetFiles(run, "events.out.tfevents.*")));
        string[][] table = [.. File.ReadAllLines(Path.Combine(run, "metrics.csv")).Select(line => line.Split(','))];
        Assert.NotEmpty(scalars);
        foreach (string[] row in table.Skip(1))
        {
            (string tag, string column)[] names = row[0] == "step" ? [("train/loss", "loss"), ("train/gradient-norm", "gradientNorm")] : [("epoch/train-loss", "loss"), ("epoch/validation-loss", "validationLoss")];
            foreach ((string tag, string column) in names)
            {
                float expected = float.Parse(row[Array.IndexOf(table[0], column)], CultureInfo.InvariantCulture);
                Assert.Contains((long.Parse(row[1], CultureInfo.InvariantCulture), tag, expected), scalars);
            }
        }
    }

    [Fact]
    public void Weights_and_biases_are_histograms_without_what_is_not_finite()
    {
        using (var events = new TensorBoardFile(folder, s_layout, () => true, lastStep: 0))
        {
            events.OnParameters(7, [1, -2, 3, float.NaN, 0.5f, 0.25f, 9, 9]);
            events.OnParameters(8, new float[8]);
        }
        List<(long Step, string Tag, float Value)> found = Read(Assert.Single(Directory.GetFiles(folder)));
        Assert.Equal([(7L, "parameters/0.weight", 5f), (7, "parameters/0.bias", 2), (8, "parameters/0.weight", 6), (8, "parameters/0.bias", 2)], found);
    }

    [Fact]
    public async Task Without_the_option_there_is_none()
    {
        string run = Path.Combine(folder, "run");
        await CliRun.Of("train", "--output", run);
        Assert.Empty(Directory.GetFiles(run, "events.*"));
    }

    [Fact]
    public void A_run_that_goes_back_or_on_says_from_which_step_earlier_records_do_not_count()
    {
        using (var events = new TensorBoardFile(folder, s_layout, () => true, lastStep: 0))
        {
            events.OnStep(Step(5, double.NaN));
            events.OnWentBack(3);
            events.OnStep(Step(4, 0.5));
            Assert.Null(events.Failure);
        }
        List<(long Step, string Tag, float Value)> first = Read(Assert.Single(Directory.GetFiles(folder)));
        Assert.DoesNotContain(first, scalar => scalar is { Step: 5, Tag: "train/loss" });
        Assert.Contains((5, "train/learning-rate", 0.1f), first);
        Assert.Equal((4, "restart", 0), first.First(scalar => scalar.Step == 4));
        Assert.Contains((4, "train/loss", 0.5f), first);
        Assert.True(TensorBoardFile.IsIn(folder));
    }

    [Fact]
    public void A_folder_that_another_process_has_taken_over_is_left_alone()
    {
        bool isOwned = true;
        using var events = new TensorBoardFile(folder, s_layout, () => isOwned, lastStep: 0);
        isOwned = false;
        events.OnStep(Step(1, 1));
        Assert.Empty(Read(Assert.Single(Directory.GetFiles(folder))));
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
            foreach ((int _, object value) in Fields(((ByteString)entry.GetValueOrDefault(5, ByteString.Empty)).ToByteArray()))
            {
                Dictionary<int, object> scalar = Fields(((ByteString)value).ToByteArray()).ToDictionary(field => field.Number, field => field.Value);
                string tag = ((ByteString)scalar[1]).ToStringUtf8();
                found.Add(scalar.TryGetValue(2, out object? simple) ? (step, tag, (float)simple) : (step, tag, Counted((ByteString)scalar[5])));
            }
            isFirst = false;
        }
        return found;
    }

    // The number of values; as many must be in the buckets, whose limits rise up to the largest value.
    private static float Counted(ByteString message)
    {
        Dictionary<int, object> histogram = Fields(message.ToByteArray()).ToDictionary(field => field.Number, field => field.Value);
        double[] limits = Doubles((ByteString)histogram[6]), counts = Doubles((ByteString)histogram[7]);
        Assert.Equal(limits.Length, counts.Length);
        Assert.Equal(limits.Order(), limits);
        Assert.Equal(histogram.GetValueOrDefault(2, 0.0), limits[^1]);
        Assert.Equal((double)histogram[3], counts.Sum());
        return (float)counts.Sum();
    }

    private static double[] Doubles(ByteString packed) => [.. packed.ToByteArray().Chunk(8).Select(bytes => BinaryPrimitives.ReadDoubleLittleEndian(bytes))];

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
