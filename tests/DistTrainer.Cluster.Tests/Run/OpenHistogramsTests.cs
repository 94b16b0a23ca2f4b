using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Reports;
using DistTrainer.Engine.Models;
using DistTrainer.ParameterServer;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

public sealed class OpenHistogramsTests
{
    private static readonly ParameterLayout s_layout =
        Network.Create(new ModelDescription { Layers = [new LayerDescription()] }, inputs: 3, outputs: 2).Layout;
    private readonly OpenHistograms _open = new(s_layout);

    [Fact]
    public void A_tensor_s_histograms_come_once_with_the_last_part_whatever_comes_twice()
    {
        Assert.Null(Add(7, 0, [1, 2, 3, 4]));
        Assert.Null(Add(7, 0, [1, 2, 3, 4]));
        HistogramReport whole = Assert.IsType<HistogramReport>(Add(7, 1, [5, 6]));
        Assert.Equal(
            (7L, "0.weight", 6L, 21.0, -21.0),
            (whole.Step, whole.Tensor, whole.Parameters.Count, whole.Parameters.Sum, whole.Gradients.Sum));
        Assert.Null(Add(7, 1, [5, 6]));
    }

    [Fact]
    public void A_step_that_lacks_a_part_is_forgotten_and_a_run_may_go_back()
    {
        Assert.Null(Add(7, 0, [1, 2, 3, 4]));
        Assert.Null(Add(14, 0, [1, 2, 3, 4]));
        Assert.Null(Add(21, 0, [1, 2, 3, 4]));
        Assert.Null(Add(7, 1, [5, 6]));
        Assert.NotNull(Add(7, 0, [1, 2, 3, 4]));
    }

    [Fact]
    public void A_tensor_that_is_not_there_is_ignored() =>
        Assert.Null(
            _open.Add(
                new ReportHistogram(1, 0, 1, new TensorHistogram(99, ValueHistogram.Empty, ValueHistogram.Empty))));

    private HistogramReport? Add(long step, int parameterShard, float[] values) => _open.Add(
        new ReportHistogram(
            1, parameterShard, step, new TensorHistogram(
                0, ValueHistogram.Of(values), ValueHistogram.Of([.. values.Select(value => -value)]))));
}
