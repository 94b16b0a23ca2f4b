using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistTrainer.Engine;

/// <summary>
/// A block of floats outside the garbage collector's heap, zeroed, aligned to a cache line (to a huge page where it is
/// large), so that it can be pooled, pinned and handed to kernels without a copy.
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
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint bytes = Math.Max((nuint)length * sizeof(float), CacheLine);
        bool huge = bytes >= 2 * HugePage;
        _pointer = (float*)NativeMemory.AlignedAlloc(bytes, huge ? HugePage : CacheLine);
        if (huge && OperatingSystem.IsLinux())
            _ = MemoryAdvise(_pointer, bytes, AdviseHugePage); // only a hint: a refusal costs speed, nothing else
        NativeMemory.Clear(_pointer, bytes);
        GC.AddMemoryPressure((long)bytes);
    }

    /// <summary>Gives the memory back if the owner forgot to.</summary>
    ~AlignedBuffer() => Free();

    /// <summary>Number of floats.</summary>
    public int Length { get; }

    /// <summary>The floats.</summary>
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
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        GC.RemoveMemoryPressure((long)Math.Max((nuint)Length * sizeof(float), CacheLine));
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
