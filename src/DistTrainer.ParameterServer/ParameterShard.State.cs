using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.ParameterServer;

/// <content>Taking the state out and in: the best parameters, and copies for checkpoints.</content>
internal sealed partial class ParameterShard
{
    /// <summary>
    /// Keeps the own parameters apart from the shared vector from now on, or in it. A replica keeps them apart: the
    /// vector of its node gets the same values from the parameter shard that it follows, at another time.
    /// </summary>
    /// <param name="apart">Whether apart. The parameters of the steps that are kept come along.</param>
    public void KeepApart(bool apart)
    {
        if (apart == _apart is not null)
            return;
        ParameterBuffers buffers = _apart ?? new ParameterBuffers(
            [.. Enumerable.Range(0, BulkSynchronous.Versions).Select(_ => new AlignedBuffer(Range.Length))]);
        for (long step = BulkSynchronous.FirstKept(OpenStep); step < OpenStep; step++)
        {
            Span<float> shared = _parameters[step].Span.Slice(Range.Start, Range.Length), own = buffers[step].Span;
            if (apart)
                shared.CopyTo(own);
            else
                own.CopyTo(shared);
        }
        _apart = apart ? buffers : null;
        if (!apart)
            buffers.Dispose();
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
            _state.Slot(i).CopyTo(copy.Slot(i));
        Span<float> best = copy.SetBest(_best is not null);
        _best?.Span.CopyTo(best);
        copy.Step = OpenStep - 1;
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
        OpenStep = copy.Step + 1;
        copy.Parameters.CopyTo(Own);
        for (int i = 0; i < SlotNames.Count; i++)
            copy.Slot(i).CopyTo(_state.Slot(i));
        if (copy.HasBest)
            copy.Best.CopyTo((_best ??= new AlignedBuffer(Range.Length)).Span);
        else
            ForgetBest();
        Forget();
    }

    /// <summary>
    /// Goes back to before the first step: the parameters are given, optimizer state is that of the start, and nothing
    /// is kept as the best.
    /// </summary>
    /// <param name="parameters">The whole flat vector.</param>
    public void Reset(ReadOnlySpan<float> parameters)
    {
        OpenStep = 1;
        parameters.Slice(Range.Start, Range.Length).CopyTo(Own);
        for (int i = 0; i < SlotNames.Count; i++)
            _state.Slot(i).Clear();
        ForgetBest();
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
