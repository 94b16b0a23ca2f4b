using System.Globalization;

namespace DistTrainer.Engine.Training;

/// <summary>Groups of data shards that are nodes of the gradient tree, all of one size.</summary>
internal static class DataShardGroups
{
    /// <summary>Why so many groups cannot be made; null: they can.</summary>
    /// <param name="dataShards">Data shards of the job, ≥ 1.</param>
    /// <param name="groups">How many groups.</param>
    public static string? Problem(int dataShards, int groups)
    {
        if (groups >= 1 && dataShards % groups == 0 && int.IsPow2(dataShards / groups))
            return null;
        string allowed = string.Join(
            ", ", Enumerable.Range(0, 31).Select(power => 1 << power)
                .Where(size => size <= dataShards && dataShards % size == 0)
                .Select(size => (dataShards / size).ToString(CultureInfo.InvariantCulture)).Reverse());
        return $"= {groups} does not divide the {dataShards} data shards into groups of 1, 2, 4, 8 … each; allowed "
            + $"here: {allowed}, or another training.data-shards";
    }
}
