using System.Globalization;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// Draws loss and accuracy over the epochs (over the steps, where a run ended within its first epoch).
/// </summary>
internal static class CurvesPicture
{
    private const string Accuracy = "accuracy";

    /// <summary>The picture as SVG.</summary>
    /// <param name="title">Above the picture.</param>
    /// <param name="epochs">All epochs.</param>
    /// <param name="steps">Step reports; counts without epochs only.</param>
    public static string Draw(string title, IReadOnlyList<EpochReport> epochs, IReadOnlyList<StepReport> steps)
    {
        bool byEpoch = epochs.Count > 0;
        PlotModel plot = Plot(title, byEpoch ? "epoch" : "step", "loss");
        List<Series> series = byEpoch ? Epochs(epochs)
            : [Line(
                "training loss", OxyColors.SteelBlue, LineStyle.Solid, null, steps.Select(
                    s => (s.Step, (double?)s.Loss)))];
        if (series.OfType<LineSeries>().Any(line => line.YAxisKey == Accuracy))
            plot.Axes.Add(new LinearAxis
            {
                Position = AxisPosition.Right,
                Key = Accuracy,
                Title = Accuracy,
                Maximum = 1.0,
                StringFormat = "0.###",
            });
        series.ForEach(plot.Series.Add);
        return Svg(plot);
    }

    /// <summary>A plot without lines.</summary>
    /// <param name="title">Above it.</param>
    /// <param name="below">What runs from left to right; whole numbers.</param>
    /// <param name="beside">What runs upwards, from 0.</param>
    internal static PlotModel Plot(string title, string below, string beside)
    {
        var plot = new PlotModel
        {
            Title = Printable.Line(title),
            Background = OxyColors.White,
            Culture = CultureInfo.InvariantCulture,
            DefaultFont = "Arial",
            TitleFontSize = 16,
            Padding = new OxyThickness(16),
        };
        plot.Legends.Add(new Legend
        {
            LegendPlacement = LegendPlacement.Inside,
            LegendPosition = LegendPosition.RightMiddle,
            LegendMargin = 24,
            LegendPadding = 10,
            LegendLineSpacing = 6,
            LegendBackground = OxyColor.FromAColor(220, OxyColors.White),
            LegendBorder = OxyColors.LightGray,
        });
        plot.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Bottom,
            Title = below,
            AxisTitleDistance = 8,
            MinimumMajorStep = 1,
            MinimumMinorStep = 1,
            MajorGridlineStyle = LineStyle.Solid,
            MajorGridlineColor = OxyColors.LightGray,
        });
        plot.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Left,
            Title = beside,
            AxisTitleDistance = 16,
            Minimum = 0,
            MinimumPadding = 0,
            MajorGridlineStyle = LineStyle.Solid,
            MajorGridlineColor = OxyColors.LightGray,
        });
        return plot;
    }

    /// <summary>A plot as SVG.</summary>
    internal static string Svg(PlotModel plot)
    {
        using var svg = new MemoryStream();
        new SvgExporter
        {
            Width = 800,
            Height = 500,
            IsDocument = true,
            UseVerticalTextAlignmentWorkaround = true,
            TextMeasurer = new WideText()
        }.Export(plot, svg);
        return System.Text.Encoding.UTF8.GetString(svg.ToArray());
    }

    private static List<Series> Epochs(IReadOnlyList<EpochReport> epochs)
    {
        Series[] all =
        [
            Line("training loss", OxyColors.SteelBlue, LineStyle.Solid, null,
                epochs.Select(e => ((long)e.Epoch, (double?)e.TrainLoss))),
            Line("validation loss", OxyColors.SteelBlue, LineStyle.Dash, null,
                epochs.Select(e => ((long)e.Epoch, e.ValidationLoss))),
            Line("training accuracy", OxyColors.DarkOrange, LineStyle.Solid, Accuracy,
                epochs.Select(e => ((long)e.Epoch, e.TrainAccuracy))),
            Line("validation accuracy", OxyColors.DarkOrange, LineStyle.Dash, Accuracy,
                epochs.Select(e => ((long)e.Epoch, e.ValidationAccuracy))),
        ];
        return [.. all.OfType<LineSeries>().Where(line => line.Points.Count > 0)];
    }

    /// <summary>A line; what is missing or not finite is left out.</summary>
    internal static LineSeries Line(
        string title, OxyColor color, LineStyle style, string? axis, IEnumerable<(long X, double? Y)> points)
    {
        var line = new LineSeries
        {
            Title = Printable.Line(title),
            Color = color,
            LineStyle = style,
            MarkerType = MarkerType.Circle,
            MarkerSize = 2.5,
            MarkerFill = color,
        };
        if (axis is not null)
            line.YAxisKey = axis;
        line.Points.AddRange(
            points.Where(point => point.Y is { } y && double.IsFinite(y))
            .Select(point => new DataPoint(point.X, point.Y!.Value)));
        return line;
    }

    // The measured widths are those of a narrow font, in points; the legend is cut off at them. Viewers' fonts are up
    // to one and a half times as wide.
    private sealed class WideText() : PdfRenderContext(800, 500, OxyColors.White)
    {
        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            OxySize size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(size.Width * 1.5, size.Height);
        }
    }
}
