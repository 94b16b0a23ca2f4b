using System.Globalization;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Xunit;

namespace DistTrainer.Cluster.Tests.Export;

/// <summary>ONNX Runtime takes a table's raw columns: texts, gaps, values that training did not have, dates.</summary>
public sealed class OnnxTableTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onnx-table-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Line(int i)
    {
        DateTime time = new DateTime(1968, 2, 27, 23, 30, 0, DateTimeKind.Utc).AddHours(i * 977.25);
        return string.Create(CultureInfo.InvariantCulture, $"{(i % 7 == 0 ? "?" : (i * 37 % 101) / 4.0)},")
            + $"{(i % 5 == 0 ? "" : "c" + (i % 3))},z{i * 7 % 31},{(i % 4 < 2 ? "yes" : "NO")},"
            + string.Create(CultureInfo.InvariantCulture, $"{time:yyyy-MM-dd HH:mm:ss},{Later(time, i)},{i % 13},{i % 2}");
    }

    private static string Later(DateTime time, int i) => i % 9 == 0 ? ""
        : time.AddMinutes(i * 17 % 600).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(NormalizationKind.Robust, 4, 3)]
    [InlineData(NormalizationKind.Standardize, 0, 1)]
    [InlineData(NormalizationKind.None, 2, 1)]
    public void ONNX_Runtime_gives_the_same_predictions_from_raw_columns(NormalizationKind kind, int bins, int members)
    {
        string path = Path.Combine(_folder, "train.csv"), onnx = Path.Combine(_folder, "model.onnx");
        const string Names = "number,few,many,word,time,until,whole";
        File.WriteAllLines(path, [$"{Names},target", .. Enumerable.Range(0, 400).Select(Line)]);
        var description = new DataDescription
        {
            Source = path,
            Normalization = kind,
            Columns = new ColumnSettings { Bins = bins, LeastRows = 8 },
        };
        DataSchema schema = DataLoader.Load(description, new LossDescription()).Schema;
        Assert.Equal("many", schema.Embedded.Single().Name);
        Assert.Equal("time", schema.Columns.Single(column => column.Since is not null).Since);
        var job = new JobFile(TestJobs.Job(new()) with { Data = description }, new RunSettings());
        ModelDescription model = job.Job.Model with { Members = members };
        job = job with { Job = job.Job with { Model = model } };
        Network network = JobNetwork.Create(model, schema);
        var trained = new TrainedModel(job, schema, network, network.InitialParameters(5), "hash");
        OnnxFile.Save(onnx, trained);
        string[] rows = [.. Enumerable.Range(395, 60).Select(i => Line(i)[..Line(i).LastIndexOf(',')]),
            "1e6,new,z1,Yes,2400-02-29 23:59:59,2400-03-01 23:59:59,3", ",,,,,,", ",NA,z2,NULL,,,", ",n/a,?,no,,,1",
            "-5,c1,unknown,no,1600-03-01,,0"];
        string test = Path.Combine(_folder, "test.csv");
        File.WriteAllLines(test, [Names, .. rows]);
        float[] expected = trained.Predict(
            DataLoader.LoadForPrediction(description with { Source = test }, schema));
        float[] actual = Runtime(onnx, schema, rows);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-5, $"{i}: {expected[i]} and {actual[i]}");
    }

    private static float[] Runtime(string onnx, DataSchema schema, string[] rows)
    {
        using var session = new InferenceSession(onnx);
        string[][] cells = [.. rows.Select(row => row.Split(','))];
        NamedOnnxValue[] inputs = [.. schema.Columns.Select((column, i) =>
        {
            string[] values = [.. cells.Select(row => row[i])];
            return column.Kind is ColumnKind.Category or ColumnKind.YesNo
                ? NamedOnnxValue.CreateFromTensor(column.Name, new DenseTensor<string>(values, [rows.Length, 1]))
                : NamedOnnxValue.CreateFromTensor(column.Name, new DenseTensor<double>(
                    Array.ConvertAll(values, value => Number(value, column.Kind)), [rows.Length, 1]));
        })];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = session.Run(inputs);
        return [.. results.Single(result => result.Name == OnnxFile.Output).AsEnumerable<float>()];
    }

    private static double Number(string text, ColumnKind kind) => text is "" or "?" ? double.NaN
        : kind == ColumnKind.Date
            ? (DateTime.Parse(text, CultureInfo.InvariantCulture) - DateTime.UnixEpoch).TotalSeconds
            : double.Parse(text, CultureInfo.InvariantCulture);
}
