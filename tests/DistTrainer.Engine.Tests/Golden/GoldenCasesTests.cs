using DistTrainer.Engine.Data;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Plugins;
using DistTrainer.Golden;
using Xunit;

namespace DistTrainer.Engine.Tests.Golden;

public class GoldenCasesTests
{
    [Fact]
    public void Every_activation_and_loss_has_a_gradient_case_with_and_without_biases()
    {
        foreach (string activation in PluginRegistry.Shared.Activations.All.Where(part => part.Plugin is null)
            .Select(part => part.Name))
        {
            foreach (string loss in PluginRegistry.Shared.Losses.All.Where(part => part.Plugin is null)
                .Select(part => part.Name))
            {
                foreach (bool bias in new[] { true, false })
                {
                    Assert.Contains(GoldenCases.Gradients, c => c.Model.Loss.Kind == loss
                        && c.Model.Layers[0].Activation == activation && c.Model.Layers.All(l => l.Bias == bias));
                }
            }
        }
    }

    [Fact]
    public void Every_optimizer_has_a_case_with_every_regularizer_and_limit()
    {
        foreach (IGrouping<OptimizerDescription, TrainingCase> cases in GoldenCases.Trainings.GroupBy(c => c.Optimizer))
        {
            Assert.Contains(cases, c => c.Regularization is { L1: > 0, L2: 0 });
            Assert.Contains(cases, c => c.Regularization is { L1: 0, L2: > 0, ApplyToBiases: false });
            Assert.Contains(cases, c => c.Regularization is { L1: > 0, L2: > 0 });
            Assert.Contains(cases, c => c.Regularization is { L2: > 0, ApplyToBiases: true });
            Assert.Contains(cases, c => c.Regularization.DecoupledWeightDecay > 0);
            Assert.Contains(cases, c => c.Regularization is { MaxNorm: > 0, L1: 0 });
            Assert.Contains(cases, c => c.Clipping.Value > 0);
            Assert.Contains(cases, c => c.Clipping.Norm > 0);
        }
        Assert.Equal(PluginRegistry.Shared.Optimizers.All.Select(part => part.Name)
            .Order(), GoldenCases.Trainings.Select(c => c.Optimizer.Kind).Distinct().Order());
    }

    [Fact]
    public void Every_array_has_the_length_that_its_network_asks_for()
    {
        foreach (GradientCase golden in GoldenCases.Gradients)
        {
            DataSet data = GoldenCases.Data(golden.Model);
            Assert.Equal(GoldenCases.InitialParameters(golden.Model).Length, golden.ExpectedGradient.Length);
            Assert.Equal(data.Count * golden.Model.Layers[^1].Units!.Value, golden.ExpectedOutputs.Length);
        }
        foreach (TrainingCase golden in GoldenCases.Trainings)
            Assert.Equal(GoldenCases.InitialParameters(golden.Model).Length, golden.ExpectedParameters.Length);
    }
}
