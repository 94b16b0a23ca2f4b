using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public class BackgroundTests
{
    private readonly ThreadBackground _background = new();

    /// <summary>
    /// What the work returns or throws reaches whoever asked, whether it yields or not, and the thread works on after a
    /// failure.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Results_and_failures_reach_the_asker(bool yields)
    {
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(round, await _background.Run(() => round, yields));
            var failure = await Assert.ThrowsAsync<DistTrainerException>(
                () => _background.Run<int>(() => throw new DistTrainerException(FailureKind.Disk, "full"), yields));
            Assert.Equal("full", failure.Message);
        }
    }

    /// <summary>
    /// Works one after another do not start a thread each: a run that writes a checkpoint ten times a second would.
    /// </summary>
    [Fact]
    public async Task Threads_are_used_again()
    {
        var threads = new HashSet<int>();
        for (int work = 0; work < 100; work++)
            threads.Add(await _background.Run(() => Environment.CurrentManagedThreadId, yields: true));
        Assert.InRange(threads.Count, 1, 50);
    }

    /// <summary>
    /// Works at the same time wait for nothing but each other: each has a thread, and none is the thread pool's.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Works_at_the_same_time_have_a_thread_each(bool yields)
    {
        using var all = new Barrier(8);
        bool[] met = await Task.WhenAll(
            Enumerable.Range(0, 8)
            .Select(
                _ => _background.Run(
                    () => all.SignalAndWait(TimeSpan.FromSeconds(30))
                    && !Thread.CurrentThread.IsThreadPoolThread, yields)));
        Assert.All(met, Assert.True);
    }
}
