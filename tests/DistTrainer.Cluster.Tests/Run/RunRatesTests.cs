using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>Learning rates that were set while a run went on.</summary>
public sealed class RunRatesTests
{
    [Fact]
    public void A_rate_holds_from_its_step_on_and_again_after_going_back()
    {
        var rates = new RunRates();
        Assert.Null(rates.At(1));
        rates.Set(10, 0.5);
        rates.Set(20, 0.25);
        rates.Restore([]); // a checkpoint of step 5 knows of none
        Assert.Null(rates.At(9));
        Assert.Equal(0.5, rates.At(10));
        Assert.Equal(0.25, rates.At(20));
        Assert.Equal(9, rates.LastBeforeChange(5));
        Assert.Equal(19, rates.LastBeforeChange(9));
        Assert.Equal(long.MaxValue, rates.LastBeforeChange(19));
    }

    [Fact]
    public void A_rate_that_is_set_anew_replaces_what_was_set_for_later_steps()
    {
        var rates = new RunRates();
        rates.Set(10, 0.5);
        rates.Set(20, 0.25);
        rates.Set(15, 1);
        Assert.Equal([new RateSet(10, 0.5), new RateSet(15, 1)], rates.All);
    }

    [Fact]
    public void A_coordinator_that_takes_over_gets_all_of_them()
    {
        var rates = new RunRates();
        rates.Restore([new RateSet(10, 0.5)]);
        Assert.Equal(0.5, rates.At(12));
    }
}
