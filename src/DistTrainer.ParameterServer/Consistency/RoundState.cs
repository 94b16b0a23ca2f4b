using System.Numerics.Tensors;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;

namespace DistTrainer.ParameterServer.Consistency;

/// <summary>
/// What a parameter shard needs for the ends of rounds, beside its parameters: the sum of the groups' slots, and the
/// momentum of the outer step.
/// </summary>
internal sealed class RoundState : IDisposable
{
    /// <summary>Name of the slot of the outer step's momentum, behind the optimizer's.</summary>
    public const string OuterMomentumName = "outer_momentum";

    private readonly ConsistencyDescription _job;
    private readonly GradientSum? _slots;
    private readonly AlignedBuffer _way = new(GradientSum.PieceLength);
    private readonly AlignedBuffer _moved = new(GradientSum.PieceLength);
    private readonly int _length;

    private RoundState(JobDescription job, Exchange exchange, int length)
    {
        (_job, _length) = (job.Training.Consistency, length);
        _slots = exchange.Slots > 0 ? new GradientSum(job.Training.DataShards, exchange.Slots * length) : null;
        OuterMomentum = _job.Outer == OuterKind.Nesterov ? new AlignedBuffer(length) : null;
    }

    /// <summary>null in bulk mode.</summary>
    /// <param name="job">The job.</param>
    /// <param name="exchange">What is handed in and out.</param>
    /// <param name="length">Parameters of the parameter shard.</param>
    public static RoundState? Of(JobDescription job, Exchange exchange, int length) =>
        exchange.Ends is LocalRounds ? new RoundState(job, exchange, length) : null;

    /// <summary>All vectors that belong to a parameter: the optimizer's, then that of the outer step.</summary>
    public static IReadOnlyList<string> SlotNamesOf(JobDescription job)
    {
        IReadOnlyList<string> names = Optimizer.Create(job.Optimizer).SlotNames;
        return job.Training.Consistency is { Mode: ConsistencyMode.Local, Outer: OuterKind.Nesterov }
            ? [.. names, OuterMomentumName] : names;
    }

    /// <summary>The outer step's momentum; null where there is none.</summary>
    public AlignedBuffer? OuterMomentum { get; }

    /// <summary>Looks at a contribution's slots before anything of it is taken.</summary>
    public PushOutcome Check(in GradientPush push)
    {
        if (_slots is null || push.Gradient is null)
            return PushOutcome.Accepted;
        int length = _slots.Length;
        if (push.SlotsOffset < 0 || push.SlotsOffset > push.Gradient.Length - length)
            return PushOutcome.Invalid;
        return push.IsKnownFinite
            || TensorPrimitives.IsFiniteAll<float>(push.Gradient.Span.Slice(push.SlotsOffset, length))
            ? PushOutcome.Accepted : PushOutcome.Poisoned;
    }

    /// <summary>Takes a contribution's slots, which were looked at.</summary>
    public void Add(in GradientPush push) =>
        _slots?.Add(push with { GradientOffset = push.SlotsOffset, IsKnownFinite = true });

    /// <summary>Forgets all contributions.</summary>
    public void Clear() => _slots?.Clear();

    /// <summary>The way back from the mean to the round's first parameters; valid until the next call.</summary>
    public ReadOnlySpan<float> Way(ReadOnlySpan<float> first, ReadOnlySpan<float> mean)
    {
        Span<float> way = _way.Span[..mean.Length];
        TensorPrimitives.Subtract(first, mean, way);
        return way;
    }

    /// <summary>
    /// The outer step of a piece, after <see cref="Way"/>: the mean as it is, or SGD with Nesterov momentum as PyTorch
    /// has it, with Δ as the gradient: u ← momentum · u + Δ, parameters ← first − rate · (Δ + momentum · u).
    /// </summary>
    /// <param name="at">First element of the piece.</param>
    /// <param name="isTrained">Whether it is trained; a running average is averaged, no more.</param>
    /// <param name="first">The round's first parameters; may be <paramref name="next"/>.</param>
    /// <param name="mean">The mean.</param>
    /// <param name="next">Gets the parameters.</param>
    public void Step(
        int at, bool isTrained, ReadOnlySpan<float> first, ReadOnlySpan<float> mean, Span<float> next)
    {
        Span<float> before = _moved.Span[..first.Length];
        first.CopyTo(before);
        if (OuterMomentum is null || !isTrained)
        {
            mean.CopyTo(next);
            return;
        }
        ReadOnlySpan<float> way = _way.Span[..mean.Length];
        Span<float> momentum = OuterMomentum.Span.Slice(at, mean.Length);
        for (int i = 0; i < way.Length; i++)
        {
            float moved = (_job.OuterMomentum * momentum[i]) + way[i];
            momentum[i] = float.IsSubnormal(moved) ? 0 : moved; // as for the optimizers' slots
            next[i] = before[i] - (_job.OuterRate * (way[i] + (_job.OuterMomentum * momentum[i])));
        }
    }

    /// <summary>How far the last piece has moved, after <see cref="Step"/>; valid until the next call.</summary>
    /// <param name="next">Its parameters.</param>
    public ReadOnlySpan<float> Moved(ReadOnlySpan<float> next)
    {
        Span<float> moved = _moved.Span[..next.Length];
        TensorPrimitives.Subtract(next, moved, moved);
        return moved;
    }

    /// <summary>Takes the mean of a slot.</summary>
    /// <param name="slot">Which.</param>
    /// <param name="target">Gets it.</param>
    public void TakeSlot(int slot, Span<float> target)
    {
        for (int start = 0; start < _length; start += GradientSum.PieceLength)
        {
            int length = Math.Min(GradientSum.PieceLength, _length - start);
            _slots!.Piece((slot * _length) + start, length).CopyTo(target.Slice(start, length));
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _slots?.Dispose();
        _way.Dispose();
        _moved.Dispose();
        OuterMomentum?.Dispose();
    }
}
