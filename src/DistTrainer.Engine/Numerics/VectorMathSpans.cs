using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>A function of each element that is the same bits in whatever lane the element lies.</summary>
internal interface IVectorFunction
{
    /// <summary>f of eight elements.</summary>
    static abstract Vector256<float> Invoke(Vector256<float> x);
}

/// <content>The same functions over spans of any length.</content>
public static partial class VectorMath
{
    /// <summary>destination[i] = e^x[i]; see <see cref="Exp(Vector256{float})"/>.</summary>
    /// <param name="x">The inputs.</param>
    /// <param name="destination">At least as long; may be the same memory as <paramref name="x"/>, not a shifted part
    /// of it.</param>
    /// <exception cref="ArgumentException">The destination is shorter.</exception>
    public static void Exp(ReadOnlySpan<float> x, Span<float> destination) => Map<ExpKernel>(x, destination);

    /// <summary>destination[i] = ln x[i]; see <see cref="Log(Vector256{float})"/>.</summary>
    /// <inheritdoc cref="Exp(ReadOnlySpan{float}, Span{float})"/>
    public static void Log(ReadOnlySpan<float> x, Span<float> destination) => Map<LogKernel>(x, destination);

    /// <summary>destination[i] = tanh x[i]; see <see cref="Tanh(Vector256{float})"/>.</summary>
    /// <inheritdoc cref="Exp(ReadOnlySpan{float}, Span{float})"/>
    public static void Tanh(ReadOnlySpan<float> x, Span<float> destination) => Map<TanhKernel>(x, destination);

    /// <summary>destination[i] = 1 / (1 + e^−x[i]); see <see cref="Sigmoid(Vector256{float})"/>.</summary>
    /// <inheritdoc cref="Exp(ReadOnlySpan{float}, Span{float})"/>
    public static void Sigmoid(ReadOnlySpan<float> x, Span<float> destination) => Map<SigmoidKernel>(x, destination);

    /// <summary>
    /// destination[i] = Φ(x[i]); see <see cref="NormalCdf(Vector256{float}, out Vector256{float})"/>.
    /// </summary>
    /// <inheritdoc cref="Exp(ReadOnlySpan{float}, Span{float})"/>
    public static void NormalCdf(ReadOnlySpan<float> x, Span<float> destination) =>
        Map<NormalCdfKernel>(x, destination);

    private static void Map<TFunction>(ReadOnlySpan<float> x, Span<float> destination)
        where TFunction : struct, IVectorFunction
    {
        if (destination.Length < x.Length)
            throw new ArgumentException(
                $"The destination has room for {destination.Length} floats; {x.Length} are needed.",
                nameof(destination));
        int whole = x.Length - (x.Length % Vector256<float>.Count);
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(destination);
        for (int i = 0; i < whole; i += Vector256<float>.Count)
            TFunction.Invoke(Vector256.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        if (whole == x.Length)
            return;
        Span<float> tail = stackalloc float[Vector256<float>.Count];
        tail.Clear();
        x[whole..].CopyTo(tail);
        TFunction.Invoke(Vector256.Create<float>(tail)).CopyTo(tail);
        tail[..(x.Length - whole)].CopyTo(destination[whole..]);
    }

    private readonly struct ExpKernel : IVectorFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Invoke(Vector256<float> x) => Exp(x);
    }

    private readonly struct LogKernel : IVectorFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Invoke(Vector256<float> x) => Log(x);
    }

    private readonly struct TanhKernel : IVectorFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Invoke(Vector256<float> x) => Tanh(x);
    }

    private readonly struct SigmoidKernel : IVectorFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Invoke(Vector256<float> x) => Sigmoid(x);
    }

    private readonly struct NormalCdfKernel : IVectorFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Invoke(Vector256<float> x) => NormalCdf(x, out _);
    }
}
