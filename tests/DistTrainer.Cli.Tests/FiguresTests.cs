using System.Globalization;
using System.Text;
using System.Text.Json;
using DistTrainer.Cli.Progress;
using DistTrainer.Cli.Runs;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;
using Spectre.Console;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>Every row of the table of figures is shown wherever it says, so a new one is too.</summary>
public sealed class FiguresTests : IDisposable
{
    private const int Width = 400;

    private static readonly StepReport s_step =
        new(7, 2, 5, 20, 0.5, 0.75, 0.001, 1.5, 1234.9, new StepTimes(1, 2, 3, 4));

    private static readonly EpochReport s_epoch = new(2, 10, 0.5, 0.75, 0.25, 0.875, 0.001, 1234.9, 6.5, "ab12");
    private readonly StepReport _step = Numbered(ReportFigures.OfStep, s_step);
    private readonly EpochReport _epoch = Numbered(ReportFigures.OfEpoch, s_epoch);
    private readonly string _folder = Directory.CreateTempSubdirectory("figures").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Lines_of_metrics_and_progress_are_as_they_have_always_been_with_new_columns_behind()
    {
        const string Step =
            """
            {"type":"step","step":7,"epoch":2,"loss":0.5,"accuracy":0.75,"learningRate":0.001,"gradientNorm":1.5,
            "samplesPerSecond":1234.9,"computeMilliseconds":1,"waitMilliseconds":2,"gatherMilliseconds":3,
            "applyMilliseconds":4}
            """;
        const string Epoch =
            """
            {"type":"epoch","step":10,"epoch":2,"loss":0.5,"accuracy":0.75,"validationLoss":0.25,
            "validationAccuracy":0.875,"learningRate":0.001,"samplesPerSecond":1234.9,"trainSeconds":6.5,
            "parameterHash":"ab12"}
            """;
        Assert.Equal(Step.ReplaceLineEndings(""), RunLines.Of(s_step));
        Assert.Equal(Epoch.ReplaceLineEndings(""), RunLines.Of(s_epoch));
        Assert.Equal(
            "type,step,epoch,loss,accuracy,validationLoss,validationAccuracy,"
                + "learningRate,gradientNorm,samplesPerSecond,validationBalancedAccuracy,validationLogLoss,"
                + "validationAuc,validationF1Macro,validationMeanAbsoluteError,validationRootMeanSquaredError,"
                + "validationR2,validationMedianAbsoluteError",
            MetricsTable.Header);
        Assert.Equal("step,7,2,0.5,0.75,,,0.001,1.5,1234.9,,,,,,,,", MetricsTable.Of(s_step));
        Assert.Equal("epoch,10,2,0.5,0.75,0.25,0.875,0.001,,1234.9,,,,,,,,", MetricsTable.Of(s_epoch));
        Assert.Equal(
            "step=7 epoch=2 loss=0.5 accuracy=0.75 learning-rate=0.001 gradient-norm=1.5 samples/s=1234\n"
                + "epoch=2 done step=10 train-loss=0.5 train-accuracy=0.75 validation-loss=0.25 "
                + "validation-accuracy=0.875 samples/s=1234\n",
            Progress(s_step, s_epoch));
        Assert.Equal(
            [
                "loss", "accuracy", "train-loss", "train-accuracy", "validation-loss", "validation-accuracy",
                "validation-balanced-accuracy", "validation-log-loss", "validation-auc", "validation-f1-macro",
                "validation-mean-absolute-error", "validation-root-mean-squared-error", "validation-r2",
                "validation-median-absolute-error",
                "learning-rate", "gradient-norm", "samples-per-second", "compute-milliseconds", "wait-milliseconds",
                "gather-milliseconds", "apply-milliseconds",
            ],
            PlottedMetric.Names);
    }

    [Fact]
    public void What_a_report_does_not_have_is_left_out_empty_or_null()
    {
        StepReport step = s_step with { Accuracy = null, Loss = double.NaN };
        Assert.Equal("step,7,2,,,,,0.001,1.5,1234.9,,,,,,,,", MetricsTable.Of(step));
        Assert.Contains("\"loss\":null,\"accuracy\":null,", RunLines.Of(step), StringComparison.Ordinal);
        Assert.Equal(step with { StepsPerEpoch = 0, TotalSteps = 0 }, RunLines.Read(RunLines.Of(step))!.Value.Report);
        Assert.Contains("epoch=2 loss=NaN learning-rate=", Progress(step, s_epoch), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_figure_is_in_the_lines_of_metrics_and_is_read_back_and_a_line_without_it_is_of_an_older_version()
    {
        AssertLine(ReportFigures.OfStep, RunLines.Of(_step));
        AssertLine(ReportFigures.OfEpoch, RunLines.Of(_epoch));
        Assert.Equal(_step with { StepsPerEpoch = 0, TotalSteps = 0 }, RunLines.Read(RunLines.Of(_step))!.Value.Report);
        Assert.Equal(_epoch, RunLines.Read(RunLines.Of(_epoch))!.Value.Report);
        const string Line = """{"type":"step","step":7,"epoch":2,"loss":0.5}""";
        var older = Assert.IsType<StepReport>(RunLines.Read(Line)!.Value.Report);
        Assert.Equal((0.5, double.NaN, double.NaN), (older.Loss, older.LearningRate, older.Times.Apply));
    }

    [Fact]
    public void Every_figure_is_in_the_table_where_it_says_so()
    {
        AssertTable(ReportFigures.OfStep, MetricsTable.Of(_step));
        AssertTable(ReportFigures.OfEpoch, MetricsTable.Of(_epoch));
    }

    [Fact]
    public void Every_figure_is_in_the_progress_and_in_the_live_view_where_it_says_so()
    {
        string[] lines = Progress(_step, _epoch).Split('\n');
        AssertProgress(ReportFigures.OfStep, lines[0]);
        AssertProgress(ReportFigures.OfEpoch, lines[1]);

        var run = new RunStatus("id", "name", "running", 1, 2, 7, 20, _step, [], []);
        var status = new ClusterStatus(run, [], "node");
        string picture = Text(LiveView.Draw("name", status, [new RunPoint(_step, 1)], 0, [], Width));
        Assert.All(ReportFigures.OfStep.In(FigurePlaces.Progress), figure =>
        {
            double value = figure.Of(_step)!.Value;
            string shown = figure.Unit == "1" ? (100 * value).ToString("F2", CultureInfo.InvariantCulture)
                : figure.IsWhole ? value.ToString("N0", CultureInfo.InvariantCulture) : Numbers.Text(value);
            Assert.Contains($" {shown} ", picture, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Every_figure_is_in_the_dashboard_s_news_where_it_says_so()
    {
        var watched = new WatchedRun("name", "folder", 20, 5, _step, null, null);
        var news = new WatchNews(default, true, watched, [new RunPoint(_step, 1)], [_epoch], []);
        JsonElement json = JsonSerializer.SerializeToElement(NewsJson.Of(news, null), JsonSerializerOptions.Web);
        Assert.Equal(Curves(ReportFigures.OfStep, _step, 7), Doubles(json.GetProperty("points")[0]));
        Assert.Equal(
            ReportFigures.OfStep.In(FigurePlaces.Curves).Select(figure => figure.Name.Replace('-', ' ')),
            json.GetProperty("curves").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(Curves(ReportFigures.OfEpoch, _epoch, 10, 2), Doubles(json.GetProperty("epochs")[0]));
        IEnumerable<string> keys = ReportFigures.OfStep.In(FigurePlaces.Progress).Select(figure => figure.Key);
        Assert.Equal(
            ["step", "epoch", "stepsPerEpoch", .. keys],
            json.GetProperty("watched").GetProperty("last").EnumerateObject().Select(property => property.Name));

        const string Last =
            """
            {"step":7,"epoch":2,"stepsPerEpoch":5,"loss":0.5,"accuracy":0.75,"learningRate":0.001,"gradientNorm":1.5,
            "samplesPerSecond":1234.9}
            """;
        object of = NewsJson.Of(news with { Run = watched with { Last = s_step } }, null);
        string written = JsonSerializer.Serialize(of, JsonSerializerOptions.Web);
        Assert.Contains(Last.ReplaceLineEndings(""), written, StringComparison.Ordinal);

        static double[] Doubles(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetDouble())];
    }

    [Fact]
    public void Every_figure_is_a_curve_of_TensorBoard_and_of_plot_where_it_says_so()
    {
        using (var file = new TensorBoardFile(_folder, () => default, 0))
        {
            file.OnStep(_step);
            file.OnEpoch(_epoch);
        }
        string bytes = Encoding.Latin1.GetString(File.ReadAllBytes(Assert.Single(Directory.GetFiles(_folder))));
        AssertCurves(ReportFigures.OfStep, _step, bytes, name => PlottedMetric.Find(name).OfStep!);
        AssertCurves(
            ReportFigures.OfEpoch, _epoch, bytes, name => Assert.Single(PlottedMetric.Find(name).OfEpoch).Value);
    }

    [Fact]
    public void Every_figure_of_two_reports_is_averaged_or_the_last_one_counts()
    {
        StepReport next = Numbered(ReportFigures.OfStep, s_step, 2000);
        StepReport joined = new RunPoint(_step, 3).With(new RunPoint(next, 1)).Report;
        Assert.All(ReportFigures.OfStep, figure => Assert.Equal(
            figure.IsMean ? (0.75 * figure.Of(_step)) + (0.25 * figure.Of(next)) : figure.Of(next),
            figure.Of(joined)));
    }

    /// <summary>A report whose figures are all different: by their row.</summary>
    private static TReport Numbered<TReport>(
        IReadOnlyList<Figure<TReport>> figures, TReport report, double first = 1000.5)
    {
        for (int row = 0; row < figures.Count; row++)
            report = figures[row].With(report, first + row);
        return report;
    }

    private static void AssertLine<TReport>(IReadOnlyList<Figure<TReport>> figures, string line)
    {
        using JsonDocument json = JsonDocument.Parse(line);
        for (int row = 0; row < figures.Count; row++)
            Assert.Equal(1000.5 + row, json.RootElement.GetProperty(figures[row].Key).GetDouble());
    }

    private static void AssertTable<TReport>(IReadOnlyList<Figure<TReport>> figures, string line)
    {
        string[] columns = MetricsTable.Header.Split(','), values = line.Split(',');
        Assert.Equal(columns.Length, values.Length);
        for (int row = 0; row < figures.Count; row++)
        {
            string shown = (1000.5 + row).ToString(CultureInfo.InvariantCulture);
            if (figures[row].Places.HasFlag(FigurePlaces.Table))
                Assert.Equal(shown, values[Array.IndexOf(columns, figures[row].Key)]);
            else
                Assert.DoesNotContain(shown, values);
        }
    }

    private static void AssertProgress<TReport>(IReadOnlyList<Figure<TReport>> figures, string line)
    {
        for (int row = 0; row < figures.Count; row++)
        {
            string value = figures[row].IsWhole ? Numbers.Text(1000L + row) : Numbers.Text(1000.5 + row);
            bool isThere = $"{line} ".Contains($" {figures[row].Label}={value} ", StringComparison.Ordinal);
            Assert.Equal(figures[row].Places.HasFlag(FigurePlaces.Progress), isThere);
        }
    }

    private static void AssertCurves<TReport>(
        IEnumerable<Figure<TReport>> figures, TReport report, string file,
        Func<string, Func<TReport, double?>> plotted) =>
        Assert.All(figures, figure =>
        {
            bool isCurve = figure.Places.HasFlag(FigurePlaces.Curves);
            Assert.Equal(isCurve, file.Contains($"{figure.Group}/{figure.Name}", StringComparison.Ordinal));
            if (isCurve)
                Assert.Equal(figure.Of(report), plotted(figure.Name)(report));
        });

    private static double[] Curves<TReport>(
        IEnumerable<Figure<TReport>> figures, TReport report, params double[] before) =>
        [.. before, .. figures.In(FigurePlaces.Curves).Select(figure => figure.Of(report)!.Value)];

    private static string Progress(StepReport step, EpochReport epoch)
    {
        var output = new StringWriter { NewLine = "\n" };
        var progress = new PlainProgress(output, TextWriter.Null, isQuiet: false);
        progress.OnStep(step);
        progress.OnEpoch(epoch);
        return output.ToString();
    }

    private static string Text(Spectre.Console.Rendering.IRenderable picture)
    {
        var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = Width;
        console.Write(picture);
        return text.ToString();
    }
}
