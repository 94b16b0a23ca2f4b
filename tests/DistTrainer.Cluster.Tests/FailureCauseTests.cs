using DistTrainer.Cluster.Logging;
using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class FailureCauseTests
{
    [Fact]
    public void A_failure_made_for_people_is_told_though_it_has_a_cause_of_its_own()
    {
        var told = new DistTrainerException(FailureKind.Disk, "/run: cannot be written", new IOException("errno 28"));
        Assert.Same(told, told.Cause());
        Assert.Same(told, new AggregateException(told).Cause());
    }

    [Fact]
    public void Any_other_failure_is_told_as_it_was_before_a_task_wrapped_it()
    {
        var thrown = new InvalidOperationException("outer", new IOException("errno 28"));
        Assert.Same(thrown, new AggregateException(thrown).Cause());
    }
}
