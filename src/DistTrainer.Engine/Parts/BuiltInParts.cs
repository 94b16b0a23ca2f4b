using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Layers.Activations;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Schedules;

namespace DistTrainer.Engine.Parts;

/// <summary>The parts that come with the program, a line each, in the order in which they are listed.</summary>
internal static class BuiltInParts
{
    /// <summary>Makes them known.</summary>
    public static void Register(PluginRegistry registry)
    {
        registry.Add(DenseLayer.Part);

        registry.Add(IdentityFunction.Part);
        registry.Add(ReluFunction.Part);
        registry.Add(LeakyReluFunction.Part);
        registry.Add(SigmoidFunction.Part);
        registry.Add(TanhFunction.Part);
        registry.Add(GeluFunction.Part);
        registry.Add(SiluFunction.Part);

        registry.Add(CrossEntropyLoss.Part);
        registry.Add(BinaryCrossEntropyElement.Part);
        registry.Add(SquaredErrorElement.Part);
        registry.Add(HuberElement.Part);

        registry.Add(ConstantInitializer.Zeros);
        registry.Add(ConstantInitializer.Constant);
        registry.Add(UniformInitializer.Random);
        registry.Add(NormalInitializer.Random);
        registry.Add(UniformInitializer.Xavier);
        registry.Add(NormalInitializer.Xavier);
        registry.Add(UniformInitializer.He);
        registry.Add(NormalInitializer.He);
        registry.Add(NormalInitializer.Lecun);
        registry.Add(OrthogonalInitializer.Part);

        registry.Add(ConstantSchedule.Part);
        registry.Add(StepSchedule.Part);
        registry.Add(MultiStepSchedule.Part);
        registry.Add(ExponentialSchedule.Part);
        registry.Add(CosineSchedule.Part);
        registry.Add(PlateauSchedule.Part);

        registry.Add(SgdOptimizer.Part);
        registry.Add(AdamOptimizer.Part);
        registry.Add(AdamOptimizer.DecoupledPart);
        registry.Add(RmsPropOptimizer.Part);
    }
}
