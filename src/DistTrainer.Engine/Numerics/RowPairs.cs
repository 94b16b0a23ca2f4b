namespace DistTrainer.Engine.Numerics;

/// <summary>
/// A number of pairs of rows as a type, so that a kernel is compiled for each number and carries no idle rows.
/// </summary>
internal interface IRowPairs
{
    /// <summary>Pairs of rows.</summary>
    static abstract int Count { get; }
}

/// <summary>Rows in one pair.</summary>
internal readonly struct RowPairs1 : IRowPairs
{
    /// <inheritdoc/>
    public static int Count => 1;
}

/// <summary>Rows in two pairs.</summary>
internal readonly struct RowPairs2 : IRowPairs
{
    /// <inheritdoc/>
    public static int Count => 2;
}

/// <summary>Rows in three pairs.</summary>
internal readonly struct RowPairs3 : IRowPairs
{
    /// <inheritdoc/>
    public static int Count => 3;
}

/// <summary>Rows in four pairs.</summary>
internal readonly struct RowPairs4 : IRowPairs
{
    /// <inheritdoc/>
    public static int Count => 4;
}

/// <summary>Rows in five pairs.</summary>
internal readonly struct RowPairs5 : IRowPairs
{
    /// <inheritdoc/>
    public static int Count => 5;
}

/// <summary>Rows in six pairs.</summary>
internal readonly struct RowPairs6 : IRowPairs
{
    /// <inheritdoc/>
    public static int Count => 6;
}
