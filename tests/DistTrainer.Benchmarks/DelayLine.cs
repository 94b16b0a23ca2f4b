using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace DistTrainer.Benchmarks;

/// <summary>
/// A slow and long line between network namespaces, for kernels without netem: a TUN device in each namespace, and a
/// program between them that forwards packets by their IPv4 destination, each after the time that it takes at the rate
/// of its sender's and its receiver's line, and the delay. Packets that would wait longer than <see cref="s_queue"/>
/// are dropped, as a router's queue does. Needs root.
/// </summary>
internal sealed partial class DelayLine
{
    private const int MaximumPacket = 65_536;
    private static readonly TimeSpan s_queue = TimeSpan.FromMilliseconds(200);
    private readonly ConcurrentDictionary<uint, Port> _ports = new();
    private readonly double _ticksAByte;
    private readonly long _delay;

    private DelayLine(double megabits, double milliseconds) => (_ticksAByte, _delay) = (
        Stopwatch.Frequency * 8 / (megabits * 1e6), (long)(Stopwatch.Frequency * milliseconds / 1000));

    /// <summary>
    /// Makes a device in each namespace, says "ready", and forwards until standard input ends.
    /// </summary>
    /// <param name="namespaces">NAME=ADDRESS of each, the address that its device will be given.</param>
    /// <param name="device">The device's name.</param>
    /// <param name="megabits">Mbit/s of each line, in either direction.</param>
    /// <param name="milliseconds">Delay of one direction.</param>
    public static void Run(string[] namespaces, string device, double megabits, double milliseconds)
    {
        var line = new DelayLine(megabits, milliseconds);
        foreach (string[] one in namespaces.Select(text => text.Split('=')))
            line._ports[AddressOf(one[1])] = new Port(Tun.Open(one[0], device));
        foreach (Port port in line._ports.Values)
        {
            new Thread(() => line.Read(port)) { IsBackground = true }.Start();
            new Thread(port.Deliver) { IsBackground = true }.Start();
        }
        Console.WriteLine("ready");
        while (Console.In.Read() >= 0)
        {
            // Whoever has started this closes it.
        }
    }

    private static uint AddressOf(string text) =>
        BinaryPrimitives.ReadUInt32BigEndian(System.Net.IPAddress.Parse(text).GetAddressBytes());

    private void Read(Port from)
    {
        byte[] buffer = new byte[MaximumPacket];
        while (true)
        {
            int length = from.Device.Read(buffer);
            const int destination = 16, header = 20;
            if (length < header || buffer[0] >> 4 != 4
                || !_ports.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(destination)), out Port? to))
                continue;
            long now = Stopwatch.GetTimestamp(), takes = (long)(length * _ticksAByte);
            if (from.WaitsUp(now) > s_queue)
                continue;
            long sent = from.Up(now, takes);
            to.Down(sent, takes, _delay, buffer.AsSpan(0, length).ToArray());
        }
    }

    /// <summary>One namespace's line.</summary>
    private sealed class Port(Tun device)
    {
        private readonly BlockingCollection<(long Due, byte[] Packet)> _waiting = [];
        private readonly Lock _lock = new();
        private long _up;
        private long _down;

        public Tun Device => device;

        /// <summary>How long a packet would wait before it is sent.</summary>
        public TimeSpan WaitsUp(long now) => Stopwatch.GetElapsedTime(now, Math.Max(now, _up));

        /// <summary>Sends a packet; its own reader's thread only.</summary>
        /// <returns>When the last bit is out.</returns>
        public long Up(long now, long takes) => _up = Math.Max(now, _up) + takes;

        /// <summary>Receives one, if the queue has room: bits of several senders queue up for the one line.</summary>
        public void Down(long sent, long takes, long delay, byte[] packet)
        {
            lock (_lock)
            {
                long end = Math.Max(sent, _down + takes);
                if (Stopwatch.GetElapsedTime(sent, end) > s_queue)
                    return;
                _down = end;
                _waiting.Add((end + delay, packet));
            }
        }

        public void Deliver()
        {
            foreach ((long due, byte[] packet) in _waiting.GetConsumingEnumerable())
            {
                TimeSpan early = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (early > TimeSpan.FromMilliseconds(0.5))
                    Thread.Sleep(early);
                device.Write(packet);
            }
        }
    }

    /// <summary>A TUN device: reads what its namespace sends, writes what it receives.</summary>
    private sealed partial class Tun(int descriptor)
    {
        private const int ReadWrite = 2;
        private const int NetworkNamespace = 0x4000_0000;
        private const ulong SetInterface = 0x4004_54CA;
        private const short TunWithoutHeader = 0x1001;
        private const int NameLength = 16;
        private const int RequestLength = 40;

        public static Tun Open(string networkNamespace, string name)
        {
            Tun? made = null;
            Exception? failure = null;
            // The namespace is the thread's: a thread that ends with it.
            var thread = new Thread(() =>
            {
                try
                {
                    Check(setns(Check(open($"/run/netns/{networkNamespace}", 0), networkNamespace), NetworkNamespace),
                        networkNamespace);
                    int device = Check(open("/dev/net/tun", ReadWrite), "/dev/net/tun");
                    byte[] request = new byte[RequestLength];
                    Encoding.ASCII.GetBytes(name, request);
                    BinaryPrimitives.WriteInt16LittleEndian(request.AsSpan(NameLength), TunWithoutHeader);
                    Check(ioctl(device, SetInterface, request), name);
                    made = new Tun(device);
                }
                catch (IOException e)
                {
                    failure = e;
                }
            });
            thread.Start();
            thread.Join();
            return made ?? throw new IOException($"No line to {networkNamespace}: {failure!.Message}", failure);
        }

        public int Read(byte[] buffer) => (int)read(descriptor, buffer, buffer.Length);

        // A device that is down, or full, loses the packet as any line does.
        public void Write(byte[] packet) => _ = write(descriptor, packet, packet.Length);

        private static int Check(int result, string what) => result >= 0 ? result
            : throw new IOException($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");

        [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        private static partial int open(string path, int flags);

        [LibraryImport("libc", SetLastError = true)]
        private static partial int setns(int descriptor, int kind);

        [LibraryImport("libc", SetLastError = true)]
        private static partial int ioctl(int descriptor, ulong request, byte[] argument);

        [LibraryImport("libc", SetLastError = true)]
        private static partial nint read(int descriptor, [Out] byte[] buffer, nint length);

        [LibraryImport("libc", SetLastError = true)]
        private static partial nint write(int descriptor, byte[] buffer, nint length);
    }
}
