namespace DistTrainer.Engine;

/// <summary>The parts that come with the program, a line each, in the order in which they are listed.</summary>
internal static class BuiltInParts
{
    /// <summary>Makes them known.</summary>
    public static void Register(PluginRegistry registry)
    {
        registry.Add(SgdOptimizer.Part);
        registry.Add(AdamOptimizer.Part);
        registry.Add(AdamOptimizer.DecoupledPart);
        registry.Add(RmsPropOptimizer.Part);
    }
}
