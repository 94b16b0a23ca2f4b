namespace DistTrainer.Engine.Data;

/// <summary>Rows, or groups of rows that stay together, while they are given to parts.</summary>
internal sealed class SplitUnits
{
    private readonly int[] _unitOf;
    private readonly int[] _order;
    private readonly int[] _sizes;
    private readonly SplitPart[] _parts;

    private SplitUnits(int[] unitOf, int[] order, SplitPart[] parts)
    {
        (_unitOf, _order, _parts) = (unitOf, order, parts);
        _sizes = new int[order.Length];
        foreach (int unit in unitOf)
            _sizes[unit]++;
    }

    /// <summary>Each row alone.</summary>
    /// <param name="order">All places of rows, in the order in which they are taken.</param>
    public static SplitUnits Rows(int[] order) =>
        new([.. Enumerable.Range(0, order.Length)], order, new SplitPart[order.Length]);

    /// <summary>Groups.</summary>
    /// <param name="groups">The number of each row's group.</param>
    /// <param name="order">Gives so many groups an order.</param>
    public static SplitUnits Drawn(int[] groups, Func<int, int[]> order)
    {
        int[] drawn = order(groups.Max() + 1);
        return new(groups, drawn, new SplitPart[drawn.Length]);
    }

    /// <summary>Rows that have their parts.</summary>
    public static SplitUnits Named(SplitPart[] parts)
    {
        int[] order = [.. Enumerable.Range(0, parts.Length)];
        return new(order, order, parts);
    }

    /// <summary>Units that are in no part but the training.</summary>
    public int Left => _parts.Count(part => part == SplitPart.Train);

    /// <summary>Whether a row is in a part.</summary>
    public bool Has(SplitPart part) => Array.IndexOf(_parts, part) >= 0;

    /// <summary>Gives a part its share, of those in no other: each unit that brings it nearer to it.</summary>
    /// <param name="part">The part.</param>
    /// <param name="wanted">Its rows.</param>
    public void Take(SplitPart part, int wanted)
    {
        foreach (int unit in _order)
        {
            // Nearer: |wanted − size| < wanted, of what is still wanted.
            if (_parts[unit] == SplitPart.Train && _sizes[unit] < 2L * wanted)
            {
                _parts[unit] = part;
                wanted -= _sizes[unit];
            }
        }
    }

    /// <summary>Deals what is left into folds, one of which is the validation part.</summary>
    /// <param name="folds">Folds.</param>
    /// <param name="validation">That one, from 1.</param>
    /// <returns>False where there are fewer units than folds.</returns>
    public bool Deal(int folds, int validation)
    {
        if (Left < folds)
            return false;
        int[] rows = new int[folds];
        foreach (int unit in _order.Where(unit => _parts[unit] == SplitPart.Train).OrderByDescending(
            unit => _sizes[unit]).ToArray()) // stable
        {
            int fold = Array.IndexOf(rows, rows.Min());
            rows[fold] += _sizes[unit];
            if (fold + 1 == validation)
                _parts[unit] = SplitPart.Validation;
        }
        return true;
    }

    /// <summary>The rows of a part, in the order of the file.</summary>
    /// <param name="part">The part.</param>
    /// <param name="rows">Numbers of all rows.</param>
    public int[] Of(SplitPart part, int[] rows) => [.. rows.Where((_, place) => _parts[_unitOf[place]] == part)];
}
