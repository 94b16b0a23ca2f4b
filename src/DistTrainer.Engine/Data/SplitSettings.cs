namespace DistTrainer.Engine.Data;

/// <summary>What decides which part a row goes to.</summary>
public enum SplitOrder
{
    /// <summary>The split seed.</summary>
    Random,

    /// <summary>The split seed, for all rows with the same value of a column together.</summary>
    Group,

    /// <summary>The order of a column of dates or numbers: the last rows are the test, those before them the
    /// validation.</summary>
    Time,

    /// <summary>A column that names the part: train, validation (valid, val, dev) or test, in any case.</summary>
    Part,
}

/// <summary>How rows are divided into parts; see <see cref="DataDescription"/> for the shares and the seed.</summary>
public sealed record SplitSettings
{
    /// <summary>Most folds.</summary>
    public const int MostFolds = 20;

    /// <summary>What decides.</summary>
    public SplitOrder Order { get; init; }

    /// <summary>
    /// The column by which rows are divided, for all orders but <see cref="SplitOrder.Random"/>. That of groups and
    /// of parts is no feature; that of times is one.
    /// </summary>
    public string? By { get; init; }

    /// <summary>
    /// Into how many folds the rows that are not in the test part are divided, 2 to <see cref="MostFolds"/>; null for
    /// none. <see cref="Fold"/> is then the validation part, in place of a share.
    /// </summary>
    public int? Folds { get; init; }

    /// <summary>Which fold is the validation part, from 1; null without folds.</summary>
    public int? Fold { get; init; }

    /// <summary>The column that says something of rows and is no feature; null for none.</summary>
    internal string? AsideColumn => Order is SplitOrder.Group or SplitOrder.Part ? By : null;

    /// <summary>Whether rows are held out for validation, whatever share is asked for.</summary>
    internal bool HasValidation => Folds is not null || Order == SplitOrder.Part;

    /// <summary>The first thing that does not fit: the key in <c>data.split</c>, and what is wrong with it.</summary>
    internal (string Key, string What)? Problem() => this switch
    {
        { Order: not SplitOrder.Random, By: null } => (
            "by", $"is missing; order = {Name} needs the name of a column, e.g. by = customer"),
        { Order: SplitOrder.Random, By: { } by } => (
            "by", $"= {by} counts only with order = group, time or part; name one of them"),
        { Folds: < 2 or > MostFolds } => ("folds", $"= {Folds} is out of range; allowed: 2 to {MostFolds}"),
        { Folds: not null, Order: SplitOrder.Time } => (
            "folds", "does not go with order = time: all folds but the last would be validated on rows that are "
            + "earlier than those they were trained on; leave it out, and the rows before the test part are the "
            + "validation"),
        { Folds: not null, Fold: null } => (
            "fold", $"is missing; name one of 1 to {Folds}, or leave folds out and run them all by `disttrainer train "
            + $"--folds {Folds}`"),
        { Folds: null, Fold: not null } => ("fold", $"= {Fold} counts only with folds; set folds, or leave it out"),
        { Fold: { } fold } when fold < 1 || fold > Folds => (
            "fold", $"= {fold} is none of the {Folds} folds; allowed: 1 to {Folds}"),
        _ => null,
    };

    /// <summary>The order as job files have it.</summary>
    internal string Name => Order.ToString().ToLowerInvariant();
}
