using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

/// <summary>Counts the process's allocations, so nothing else may run beside it.</summary>
[Collection("alone")]
public sealed class TransferAllocationTests
{
    [Fact]
    public void Sending_allocates_nothing_that_grows_with_its_size()
    {
        const int Count = 1_000_000, Times = 50;
        using var arrived = new SemaphoreSlim(0);
        using var server = new DataPlaneRig("server", Count)
        {
            KeepsRecords = false,
            OnMessage = _ => arrived.Release(),
        };
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
        BeAlone();
        Assert.InRange(Allocated(Times), 0, 20_000);
    }

    /// <summary>What other tests have left running allocates until it has ended.</summary>
    private static void BeAlone()
    {
        long deadline = Environment.TickCount64 + 30_000;
        long others;
        do
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Thread.Sleep(500);
            others = GC.GetTotalAllocatedBytes(precise: true) - before;
        }
        while (others > 1_000 && Environment.TickCount64 < deadline);
        Assert.InRange(others, 0, 1_000);
    }
}
