using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// Floats that other processes of this machine can map (Linux): an anonymous file in memory, which leaves nothing
/// behind whatever kills the process. A random tag behind the floats proves that a mapping is the one that was meant.
/// The file is sealed against shrinking, without which a peer could end its reader's process by cutting it off.
/// </summary>
internal sealed unsafe partial class SharedMemory
{
    /// <summary>Bytes of <see cref="Tag"/>.</summary>
    public const int TagBytes = 16;

    private const nuint CacheLine = 64;
    private const string Name = "disttrainer";
    private const uint CloseOnExec = 1, AllowSealing = 2;
    private const int AddSeals = 1033, GetSeals = 1034;
    private const int SealSeal = 1, SealShrink = 2, SealGrow = 4;
    private const int OpenNonBlocking = 0x800, OpenCloseOnExec = 0x80000;
    private const int ProtectRead = 1, ProtectWrite = 2;
    private const int MapShared = 1, MapPopulate = 0x8000;
    private const int SeekEnd = 2;
    private const int AdviseHugePage = 14;
    private readonly nuint _bytes;
    private float* _floats;

    private SharedMemory(float* floats, nuint bytes, int descriptor)
    {
        _floats = floats;
        (_bytes, Descriptor) = (bytes, descriptor);
    }

    /// <summary>The file's descriptor in the process that made it; −1 in those that mapped it.</summary>
    public int Descriptor { get; }

    /// <summary>Random bytes that stand behind the floats.</summary>
    public ReadOnlySpan<byte> Tag => new((byte*)_floats + _bytes - CacheLine, TagBytes);

    /// <summary>The first float; null once it is freed.</summary>
    internal float* Floats => _floats;

    /// <summary>
    /// Makes a file of <paramref name="length"/> floats, all zero; null where the system has none of the kind.
    /// </summary>
    internal static SharedMemory? TryCreate(int length)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        int descriptor = CreateFile(Name, CloseOnExec | AllowSealing);
        if (descriptor < 0)
            return null;
        nuint bytes = BytesFor(length);
        void* address = Resize(descriptor, (nint)bytes) == 0
            && Control(descriptor, AddSeals, SealSeal | SealShrink | SealGrow) == 0
            ? Map(null, bytes, ProtectRead | ProtectWrite, MapShared, descriptor, 0)
            : (void*)-1;
        if (address == (void*)-1)
        {
            _ = Close(descriptor);
            return null;
        }
        _ = Advise(address, bytes, AdviseHugePage); // only a hint: most systems have no huge pages for files in memory
        var memory = new SharedMemory((float*)address, bytes, descriptor);
        RandomNumberGenerator.Fill(MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(memory.Tag), TagBytes));
        return memory;
    }

    /// <summary>Maps another process's file, for reading.</summary>
    /// <param name="process">The process.</param>
    /// <param name="descriptor">Its descriptor of the file.</param>
    /// <param name="length">Floats that it must have.</param>
    /// <param name="tag">The tag that must stand behind them.</param>
    /// <returns>Null if it cannot be opened: there is no such file, or this process may not.</returns>
    /// <exception cref="InvalidDataException">It is not what was promised.</exception>
    internal static SharedMemory? TryOpen(int process, int descriptor, int length, ReadOnlySpan<byte> tag)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        // Not blocking: a descriptor may be a pipe.
        int own = Open(
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/proc/{process}/fd/{descriptor}"),
            OpenNonBlocking | OpenCloseOnExec);
        if (own < 0)
            return null;
        try
        {
            int seals = Control(own, GetSeals, 0);
            if (seals < 0 || (seals & SealShrink) == 0)
                throw new InvalidDataException("it is no file in memory that is sealed against shrinking");
            nuint bytes = BytesFor(length);
            if (Seek(own, 0, SeekEnd) is var size && size != (nint)bytes)
                throw new InvalidDataException($"it has {size} bytes; {bytes} are expected for {length} floats");
            void* address = Map(null, bytes, ProtectRead, MapShared | MapPopulate, own, 0);
            if (address == (void*)-1)
                return null;
            var memory = new SharedMemory((float*)address, bytes, -1);
            if (CryptographicOperations.FixedTimeEquals(memory.Tag, tag))
                return memory;
            memory.Free();
            throw new InvalidDataException("it has another tag");
        }
        finally
        {
            _ = Close(own);
        }
    }

    /// <summary>Unmaps the floats and closes the file, which other processes' mappings outlive.</summary>
    internal void Free()
    {
        _ = Unmap(_floats, _bytes);
        _floats = null;
        if (Descriptor >= 0)
            _ = Close(Descriptor);
    }

    private static nuint BytesFor(int length) =>
        ((((nuint)length * sizeof(float)) + CacheLine - 1) & ~(CacheLine - 1)) + CacheLine;

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Resize(int descriptor, nint bytes);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "lseek")]
    private static partial nint Seek(int descriptor, nint offset, int whence);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(
        void* address, nuint bytes, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
