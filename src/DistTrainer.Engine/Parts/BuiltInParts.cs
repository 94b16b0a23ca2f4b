namespace DistTrainer.Engine;

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

        registry.Add(SgdOptimizer.Part);
        registry.Add(AdamOptimizer.Part);
        registry.Add(AdamOptimizer.DecoupledPart);
        registry.Add(RmsPropOptimizer.Part);
    }
}
