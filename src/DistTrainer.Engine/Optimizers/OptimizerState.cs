using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// What an optimizer remembers between steps: named vectors ("slots") as long as its part of the parameters, all zero
/// at first. The names are PyTorch's, e.g. <c>exp_avg</c>.
/// </summary>
internal sealed class OptimizerState : IDisposable
{
    private readonly AlignedBuffer[] _slots;

    /// <summary>Reserves the slots.</summary>
    /// <param name="names">The slots' names; see <see cref="Optimizer.SlotNames"/>.</param>
    /// <param name="length">Floats of each slot, ≥ 0.</param>
    public OptimizerState(IReadOnlyList<string> names, int length)
    {
        Names = names;
        Length = length;
        _slots = new AlignedBuffer[names.Count];
        for (int i = 0; i < _slots.Length; i++)
            _slots[i] = new AlignedBuffer(length);
    }

    /// <summary>The slots' names, in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Floats of each slot.</summary>
    public int Length { get; }

    /// <summary>One slot's values.</summary>
    /// <param name="index">0 … Names.Count − 1.</param>
    public Span<float> Slot(int index) => _slots[index].Span;

    /// <summary>One slot's values, by name.</summary>
    /// <exception cref="ArgumentException">There is no such slot.</exception>
    public Span<float> Slot(string name)
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            if (Names[i] == name)
                return _slots[i].Span;
        }
        throw new ArgumentException($"There is no slot '{name}'; there are: {string.Join(", ", Names)}.", nameof(name));
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (AlignedBuffer slot in _slots)
            slot.Dispose();
    }
}
