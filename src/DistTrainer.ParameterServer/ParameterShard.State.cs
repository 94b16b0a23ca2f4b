using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Checkpoints;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.ParameterServer;

/// <content>Taking the state out and in: the best parameters, and copies for checkpoints.</content>
internal sealed partial class ParameterShard
{
    /// <summary>
    /// Keeps the own parameters apart from the shared vector from now on, or in it. A replica keeps them apart: the
    /// vector of its node gets the same values from the parameter shard that it follows, at another time. Where what is
    /// handed out is rounded, the own parameters are always apart, and a replica alone hands nothing out.
    /// </summary>
    /// <param name="apart">Whether apart. The parameters of the steps that are kept come along.</param>
    public void KeepApart(bool apart)
    {
        bool changes = apart != _isApart;
        _isApart = apart;
        if (_exchange.Codec is not null)
            ForKept(apart ? _ => { } : HandOut);
        else if (changes && apart)
        {
            _apart = MakeBuffers(Ends.Versions);
            ForKept(TakeFromShared);
        }
        else if (changes)
        {
            ForKept(HandOut);
            _apart!.Dispose();
            _apart = null;
        }

        void ForKept(Action<long> what)
        {
            for (long step = _exchange.Ends.FirstKept(OpenStep); step < OpenStep; step = _exchange.Ends.Next(step))
                what(step);
        }
    }

    private ParameterBuffers MakeBuffers(int versions)
    {
        var own = _exchange with { Parameters = Range.Length };
        return new ParameterBuffers(
            own, [.. Enumerable.Range(0, versions).Select(_ => new AlignedBuffer(own.Length))]);
    }

    private void TakeFromShared(long step)
    {
        Span<float> own = _apart![step].Span, shared = _parameters[step].Span;
        shared.Slice(Range.Start, Range.Length).CopyTo(own);
        (int start, int length) = _exchange.SlotsOf(Range);
        shared.Slice(start, length).CopyTo(own[Range.Length..]);
    }

    /// <summary>What has been applied last is put where it is handed out from.</summary>
    private void HandOut()
    {
        long step = Applied;
        if (_exchange.CarriesSlots(step))
        {
            (int start, int length) = _exchange.SlotsOf(Range);
            Span<float> slots = _apart is not null
                ? _apart[step].Span[Range.Length..] : _parameters[step].Span.Slice(start, length);
            for (int slot = 0; slot < _exchange.Slots; slot++)
                _state.Slot(slot).CopyTo(slots.Slice(slot * Range.Length, Range.Length));
        }
        if (!_isApart && _exchange.Codec is not null)
            HandOut(step);
    }

    private void HandOut(long step)
    {
        Span<float> own = _apart![step].Span, shared = _parameters[step].Span;
        if (_exchange.Codec is { } codec)
            codec.Round(own[..Range.Length], shared.Slice(Range.Start, Range.Length));
        else
            own[..Range.Length].CopyTo(shared[Range.Start..]);
        (int start, int length) = _exchange.SlotsOf(Range);
        own[Range.Length..].CopyTo(shared.Slice(start, length));
    }

    /// <summary>Whether best parameters are kept.</summary>
    public bool HasBest => _best is not null;

    /// <summary>Keeps a copy of the own parameters as the best so far.</summary>
    public void KeepBest()
    {
        _best ??= new AlignedBuffer(Range.Length);
        Own.CopyTo(_best.Span);
    }

    /// <summary>Takes the parameters of the last <see cref="KeepBest"/> back.</summary>
    /// <exception cref="InvalidOperationException">None were kept.</exception>
    public void RestoreBest()
    {
        if (_best is null)
            throw new InvalidOperationException("No parameters were kept; call KeepBest first.");
        _best.Span.CopyTo(Own);
        HandOut();
    }

    /// <summary>A copy that fits <see cref="CopyTo"/> and <see cref="Restore"/>, still without content.</summary>
    public ParameterShardCopy MakeCopy() => new(Range.Start, Range.End, SlotNames);

    /// <summary>
    /// Copies parameters, slots and best parameters as they are after the last step; the pause of a checkpoint is only
    /// this.
    /// </summary>
    /// <param name="copy">From <see cref="MakeCopy"/>; used again, nothing is allocated but room for the best
    /// parameters, once.</param>
    /// <exception cref="ArgumentException">It is another parameter shard's or optimizer's.</exception>
    public void CopyTo(ParameterShardCopy copy)
    {
        RequireFit(copy);
        Own.CopyTo(copy.Parameters);
        for (int i = 0; i < SlotNames.Count; i++)
            Slot(i).CopyTo(copy.Slot(i));
        Span<float> best = copy.SetBest(_best is not null);
        _best?.Span.CopyTo(best);
        copy.Step = Applied;
    }

    /// <summary>
    /// Goes on after the step of a copy: its parameters and slots are taken, the next step is open, and contributions
    /// to any other are forgotten. With two buffers only that step's parameters are there.
    /// </summary>
    /// <param name="copy">Of the same stretch and optimizer.</param>
    /// <exception cref="ArgumentException">It is another parameter shard's or optimizer's.</exception>
    public void Restore(ParameterShardCopy copy)
    {
        RequireFit(copy);
        OpenStep = _exchange.Ends.Next(copy.Step);
        copy.Parameters.CopyTo(Own);
        for (int i = 0; i < SlotNames.Count; i++)
            copy.Slot(i).CopyTo(Slot(i));
        if (copy.HasBest)
            copy.Best.CopyTo((_best ??= new AlignedBuffer(Range.Length)).Span);
        else
            ForgetBest();
        HandOut();
        Forget();
    }

    /// <summary>
    /// Goes back to before the first step: the parameters are given, optimizer state is that of the start, and nothing
    /// is kept as the best.
    /// </summary>
    /// <param name="parameters">The whole flat vector.</param>
    public void Reset(ReadOnlySpan<float> parameters)
    {
        OpenStep = _exchange.Ends.Next(0);
        parameters.Slice(Range.Start, Range.Length).CopyTo(Own);
        for (int i = 0; i < SlotNames.Count; i++)
            Slot(i).Clear();
        ForgetBest();
        HandOut();
        Forget();
    }

    /// <summary>
    /// Begins a row of steps whose first parameters are in place, with slots that the caller sets: what a group of data
    /// shards does in a round.
    /// </summary>
    /// <param name="step">The step before the first.</param>
    public void Restart(long step)
    {
        OpenStep = _exchange.Ends.Next(step);
        Forget();
    }

    private void RequireFit(ParameterShardCopy copy)
    {
        if (copy.Start != Range.Start || copy.End != Range.End || !copy.SlotNames.SequenceEqual(SlotNames))
            throw new ArgumentException(
                $"The copy has elements {copy.Start} to {copy.End} with the slots "
                + $"{string.Join(", ", copy.SlotNames)}; here are {Range.Start} to {Range.End} with "
                + $"{string.Join(", ", SlotNames)}.", nameof(copy));
    }

    private void ForgetBest()
    {
        _best?.Dispose();
        _best = null;
    }
}
