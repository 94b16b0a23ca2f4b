using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Counts the process's allocations, so nothing else may run beside it.</summary>
[Collection("alone")]
public sealed class TransferAllocationTests
{
    [Fact]
    public void Sending_allocates_nothing_that_grows_with_its_size()
    {
        const int Count = 1_000_000, Times = 50;
        using var arrived = new SemaphoreSlim(0);
        using var server = new DataPlaneRig("server", Count) { KeepsRecords = false, OnMessage = _ => arrived.Release() };
        using var worker = new DataPlaneRig("worker");
        using AlignedBuffer source = TransferTests.Numbers(Count);
        DataConnection connection = worker.Connect(server);
        long Allocated(int times)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < times; i++)
            {
                connection.Send(TransferTests.Gradient(0, Count), source, 0);
                connection.Send(1, default);
                Assert.True(arrived.Wait(20_000));
            }
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
        Allocated(3);
        // What other tests left running allocates now and then; a copy of what is sent would be 4 MB in every try.
        Assert.InRange(Enumerable.Range(0, 3).Min(_ => Allocated(Times)), 0, 20_000);
    }
}
