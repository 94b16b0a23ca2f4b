using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;

namespace DistTrainer.Jobs;

/// <summary>Builds a job's network for its data.</summary>
public static class JobNetwork
{
    /// <summary>The network.</summary>
    /// <param name="model">Layers and loss.</param>
    /// <param name="schema">The data's features and outputs.</param>
    /// <exception cref="DistTrainerException">The layers do not fit the data, or there are too many parameters
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static Network Create(ModelDescription model, DataSchema schema)
    {
        try
        {
            return Network.Create(model, schema.FeatureNames.Count, schema.Outputs, schema.Embedded);
        }
        catch (OverflowException failure)
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"model.layers has more than {int.MaxValue} parameters; use fewer units or members.", failure);
        }
    }
}
