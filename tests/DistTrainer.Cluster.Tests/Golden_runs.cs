using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>
/// The parameter hashes of small runs, pinned: the same on every instruction set (run again with
/// DOTNET_EnableAVX2=0 and DOTNET_EnableHWIntrinsic=0). A change of one is a change of floating-point order: say why in CHANGELOG.md.
/// </summary>
public sealed class Golden_runs
{
    [Theory]
    [InlineData("sgd", "")]
    [InlineData("sgd-nesterov-clip-norm", "")]
    [InlineData("adam", "")]
    [InlineData("adamw-clip-both-max-norm", "")]
    [InlineData("rmsprop-elastic-net", "")]
    public async Task The_parameter_hash_is_pinned(string variant, string hash)
    {
        DataParts data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
        TrainingResult result = await TestJobs.Run(TestJobs.Variants[variant], data, new RunOptions { Workers = 2, ParameterShards = 2 });
        Assert.Equal(hash, result.ParameterHash);
    }
}
