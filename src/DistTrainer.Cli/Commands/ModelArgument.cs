using System.CommandLine;

namespace DistTrainer.Cli.Commands;

/// <summary>The argument that names a model.</summary>
internal static class ModelArgument
{
    /// <summary>A model file or a run folder.</summary>
    public static Argument<string> Create() => new("MODEL|RUN")
    {
        Description = "A model.safetensors or the run folder that holds it",
    };
}
