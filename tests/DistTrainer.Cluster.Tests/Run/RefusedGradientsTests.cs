using DistTrainer.Cluster.Run;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

public sealed class RefusedGradientsTests
{
    [Theory]
    [InlineData(DivergencePolicy.Stop, RefusalAnswer.End)]
    [InlineData(DivergencePolicy.GoBack, RefusalAnswer.GoBack)]
    [InlineData(DivergencePolicy.SkipStep, RefusalAnswer.LeaveOut)]
    public void Another_worker_tries_first_and_then_the_job_decides(DivergencePolicy policy, object then)
    {
        var refusals = new RefusedGradients(new DivergenceDescription { Policy = policy });
        Assert.Equal(RefusalAnswer.ComputeElsewhere, refusals.OnRefused(5, mayRecompute: true));
        Assert.Equal(then, refusals.OnRefused(5, mayRecompute: true));
        Assert.Equal(
            then, new RefusedGradients(new DivergenceDescription { Policy = policy })
            .OnRefused(5, mayRecompute: false));
    }

    [Fact]
    public void Each_time_back_the_first_rate_is_lowered_once_more_until_the_attempts_are_used_up()
    {
        var refusals = new RefusedGradients(new DivergenceDescription
        {
            Policy = DivergencePolicy.GoBack,
            RateFactor = 0.5f,
            Attempts = 2,
        });
        Assert.Null(refusals.WentBack(0.8)); // a server was lost
        Assert.Equal("", refusals.Tried);
        foreach (double rate in new[] { 0.4, 0.2 })
        {
            Assert.Equal(RefusalAnswer.GoBack, refusals.OnRefused(5, mayRecompute: false));
            Assert.True(refusals.GoesBack);
            Assert.Equal(rate, refusals.WentBack(rate * 2));
            Assert.False(refusals.GoesBack);
        }
        Assert.Equal(RefusalAnswer.End, refusals.OnRefused(5, mayRecompute: false));
        Assert.Equal(", also after the learning rate was lowered 2 times", refusals.Tried);
    }

    [Fact]
    public void A_coordinator_that_takes_over_or_resumes_goes_on_counting_and_a_checkpoint_from_before_does_not_raise_the_rate()
    {
        var policy = new DivergenceDescription { Policy = DivergencePolicy.GoBack, RateFactor = 0.1f, Attempts = 2 };
        var first = new RefusedGradients(policy);
        first.OnRefused(5, mayRecompute: false);
        Assert.Equal(0.8 * Math.Pow(0.1f, 1), first.WentBack(0.8));
        var next = new RefusedGradients(policy);
        next.Restore(first.State);
        Assert.Equal(RefusalAnswer.GoBack, next.OnRefused(7, mayRecompute: false));
        next.Restore(default); // the checkpoint that it goes back to
        Assert.Equal(0.8 * Math.Pow(0.1f, 2), next.WentBack(0.08));
        Assert.Equal(RefusalAnswer.End, next.OnRefused(7, mayRecompute: false));

        policy = policy with { Policy = DivergencePolicy.SkipStep };
        first = new RefusedGradients(policy);
        Assert.Equal(RefusalAnswer.LeaveOut, first.OnRefused(5, mayRecompute: false));
        Assert.Equal(RefusalAnswer.LeaveOut, first.OnRefused(6, mayRecompute: false));
        next = new RefusedGradients(policy);
        next.Restore(first.State);
        Assert.Equal(6, next.State.AdmittedStep);
        Assert.Equal(RefusalAnswer.End, next.OnRefused(7, mayRecompute: false));
    }

    [Fact]
    public void Steps_that_are_left_out_count_only_in_a_row()
    {
        var refusals = new RefusedGradients(new DivergenceDescription
        {
            Policy = DivergencePolicy.SkipStep,
            Attempts = 2,
        });
        foreach (long step in new long[] { 3, 4, 6, 7 })
        {
            Assert.Equal(RefusalAnswer.LeaveOut, refusals.OnRefused(step, mayRecompute: false));
            Assert.Equal(step, refusals.State.AdmittedStep);
        }
        Assert.Equal(RefusalAnswer.End, refusals.OnRefused(8, mayRecompute: false));
        Assert.Equal(", as those of the 2 steps before it", refusals.Tried);
    }
}
