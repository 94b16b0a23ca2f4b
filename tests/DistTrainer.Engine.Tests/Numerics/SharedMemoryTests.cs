using System.Runtime.CompilerServices;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Numerics;

/// <summary>Linux only, as the memory itself.</summary>
public sealed class SharedMemoryTests
{
    private const int Length = 5_000;

    [Fact]
    public void A_mapping_shows_what_the_owner_writes_and_outlives_it()
    {
        AlignedBuffer owner = AlignedBuffer.CreateShared(Length);
        Assert.True(owner.Span.IndexOfAnyExcept(0f) < 0);
        owner.Span[0] = 1.5f;
        using AlignedBuffer mapped = Open(owner)!;
        owner.Span[Length - 1] = -2.5f;
        Assert.Equal((1.5f, -2.5f), (mapped.Span[0], mapped.Span[Length - 1]));
        Assert.Equal(owner.Shared!.Tag, mapped.Shared!.Tag);
        owner.Dispose();
        owner.Dispose();
        Assert.Equal((1.5f, -2.5f), (mapped.Span[0], mapped.Span[Length - 1]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(1024)]
    public void Any_length_can_be_shared(int length)
    {
        using AlignedBuffer owner = AlignedBuffer.CreateShared(length);
        owner.Span.Fill(3f);
        using AlignedBuffer mapped =
            AlignedBuffer.OpenShared(Environment.ProcessId, owner.Shared!.Descriptor, length, owner.Shared.Tag)!;
        Assert.Equal(owner.Span.ToArray(), mapped.Span.ToArray());
        Assert.Equal(owner.Shared.Tag, mapped.Shared!.Tag);
    }

    [Fact]
    public void Another_tag_or_length_is_refused()
    {
        using AlignedBuffer owner = AlignedBuffer.CreateShared(Length);
        Assert.Equal("it has another tag", Refusal(owner.Shared!.Descriptor, Length, new byte[SharedMemory.TagBytes]));
        Assert.Equal(
            "it has 20096 bytes; 40064 are expected for 10000 floats", Refusal(
                owner.Shared.Descriptor, 2 * Length, owner.Shared.Tag));
    }

    [Fact]
    public void A_file_that_could_be_cut_off_is_refused()
    {
        string path = Path.Combine(
            Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), Path.GetRandomFileName());
        using var file =
            new FileStream(
                path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, 1, FileOptions.DeleteOnClose);
        file.SetLength((Length * sizeof(float)) + 96);
        Assert.Equal("it is no file in memory that is sealed against shrinking",
            Refusal((int)file.SafeFileHandle.DangerousGetHandle(), Length, new byte[SharedMemory.TagBytes]));
    }

    [Fact]
    public void A_descriptor_or_a_process_that_does_not_exist_gives_nothing()
    {
        AlignedBuffer owner = AlignedBuffer.CreateShared(Length);
        byte[] tag = owner.Shared!.Tag.ToArray();
        Assert.Null(AlignedBuffer.OpenShared(Environment.ProcessId, int.MaxValue, Length, tag));
        Assert.Null(AlignedBuffer.OpenShared(int.MaxValue, owner.Shared.Descriptor, Length, tag));
        owner.Dispose();
    }

    [Fact]
    public void The_memory_is_unmapped_with_the_last_reference()
    {
        int before = Mappings();
        WeakReference reference = Lose();
        for (int i = 0; i < 20 && (reference.IsAlive || Mappings() > before); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal(before, Mappings());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Lose()
    {
        int before = Mappings();
        AlignedBuffer owner = AlignedBuffer.CreateShared(Length);
        AlignedBuffer mapped = Open(owner)!;
        Assert.Equal(before + 2, Mappings());
        return new WeakReference(mapped);
    }

    private static AlignedBuffer? Open(AlignedBuffer owner) =>
        AlignedBuffer.OpenShared(Environment.ProcessId, owner.Shared!.Descriptor, owner.Length, owner.Shared.Tag);

    private static int Mappings() =>
        File.ReadLines("/proc/self/maps").Count(line => line.Contains("/memfd:disttrainer", StringComparison.Ordinal));

    private static string Refusal(int descriptor, int length, ReadOnlySpan<byte> tag)
    {
        byte[] copy = tag.ToArray();
        return Assert.Throws<InvalidDataException>(() =>
            AlignedBuffer.OpenShared(Environment.ProcessId, descriptor, length, copy)).Message;
    }
}
