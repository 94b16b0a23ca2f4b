using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// A block of floats outside the garbage collector's heap, zeroed, aligned to a cache line (to a huge page where it is
/// large), so that it can be pooled, pinned and handed to kernels, or to other processes, without a copy.
/// </summary>
public sealed unsafe partial class AlignedBuffer : IDisposable
{
    private const nuint CacheLine = 64;
    private const nuint HugePage = 2 << 20;
    private const int AdviseHugePage = 14;
    private float* _pointer;

    /// <summary>Reserves <paramref name="length"/> floats, all zero.</summary>
    /// <param name="length">Number of floats, ≥ 0.</param>
    public AlignedBuffer(int length)
        : this(length, zeroed: true)
    {
    }

    /// <summary>Reserves <paramref name="length"/> floats.</summary>
    /// <param name="length">Number of floats, ≥ 0.</param>
    /// <param name="zeroed">Whether they are zero; else they are whatever was there.</param>
    internal AlignedBuffer(int length, bool zeroed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint bytes = Math.Max((nuint)length * sizeof(float), CacheLine);
        bool huge = bytes >= 2 * HugePage;
        _pointer = (float*)NativeMemory.AlignedAlloc(bytes, huge ? HugePage : CacheLine);
        if (huge)
            Advise(_pointer, bytes);
        if (zeroed)
            NativeMemory.Clear(_pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
    }

    private AlignedBuffer(SharedMemory memory, int length)
    {
        (Shared, Length) = (memory, length);
        _pointer = memory.Floats;
        GC.AddMemoryPressure(PressureBytes);
    }

    /// <summary>Gives the memory back if the owner forgot to.</summary>
    ~AlignedBuffer() => Free();

    /// <summary>Number of floats.</summary>
    public int Length { get; }

    /// <summary>How other processes of this machine find the memory; null: they cannot.</summary>
    internal SharedMemory? Shared { get; }

    /// <summary>The floats; only to be read where they are another process's.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed.</exception>
    public Span<float> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_pointer is null, this);
            return new Span<float>(_pointer, Length);
        }
    }

    /// <summary>The first float; valid until <see cref="Dispose"/>.</summary>
    public float* Pointer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _pointer;
    }

    private long PressureBytes => (long)Math.Max((nuint)Length * sizeof(float), CacheLine);

    /// <summary>
    /// Reserves floats, all zero, that other processes of this machine can map; as the constructor does where the
    /// system has no such memory.
    /// </summary>
    /// <param name="length">Number of floats, ≥ 0.</param>
    internal static AlignedBuffer CreateShared(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return SharedMemory.TryCreate(length) is { } memory ? new AlignedBuffer(memory, length)
            : new AlignedBuffer(length);
    }

    /// <summary>
    /// Maps the floats of another process's buffer, to be read only: writing to them ends this process.
    /// </summary>
    /// <param name="process">The other process's id, as this one sees it.</param>
    /// <param name="descriptor">The <see cref="SharedMemory.Descriptor"/> of its buffer.</param>
    /// <param name="length">Floats of its buffer.</param>
    /// <param name="tag">The <see cref="SharedMemory.Tag"/> of its buffer.</param>
    /// <returns>Null if there is no such buffer or this process may not open it.</returns>
    /// <exception cref="InvalidDataException">What is there is not that buffer, or could be cut off while it is
    /// mapped.</exception>
    internal static AlignedBuffer? OpenShared(int process, int descriptor, int length, ReadOnlySpan<byte> tag)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return SharedMemory.TryOpen(process, descriptor, length, tag) is { } memory
            ? new AlignedBuffer(memory, length) : null;
    }

    /// <summary>
    /// Asks for huge pages for an array that nobody has written to yet: a large one is then filled without a fault for
    /// each 4 KiB.
    /// </summary>
    internal static void AdviseHugePages(float[] array)
    {
        fixed (float* start = array)
        {
            nuint first = ((nuint)start + HugePage - 1) / HugePage * HugePage;
            nuint end = ((nuint)start + ((nuint)array.Length * sizeof(float))) / HugePage * HugePage;
            if (end > first)
                Advise((void*)first, end - first);
        }
    }

    // Only a hint: a refusal costs speed, nothing else.
    private static void Advise(void* address, nuint bytes)
    {
        if (OperatingSystem.IsLinux())
            _ = MemoryAdvise(address, bytes, AdviseHugePage);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer is null)
            return;
        if (Shared is null)
            NativeMemory.AlignedFree(_pointer);
        else
            Shared.Free();
        _pointer = null;
        GC.RemoveMemoryPressure(PressureBytes);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
