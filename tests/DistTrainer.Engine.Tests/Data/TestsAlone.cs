using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>Tests that measure the memory of the whole process: beside others they would measure theirs too.</summary>
[CollectionDefinition(nameof(TestsAlone), DisableParallelization = true)]
public sealed class TestsAlone;
