using DistTrainer.Engine.Data;

namespace DistTrainer.Engine;

/// <summary>What tests know of parts that were loaded into memory.</summary>
internal static class InMemory
{
    extension(ISampleSource part)
    {
        /// <summary>[Count, FeatureCount] row-major, where they lie.</summary>
        public float[] Features => ((DataSet)part).Features;

        /// <summary>[Count, TargetWidth] row-major, where they lie.</summary>
        public float[] Targets => ((DataSet)part).Targets;
    }
}
