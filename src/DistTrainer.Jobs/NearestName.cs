using F23.StringSimilarity;

namespace DistTrainer.Jobs;

/// <summary>Finds what somebody may have meant by a misspelt name.</summary>
internal static class NearestName
{
    /// <summary>
    /// The nearest of the allowed names by edits (insert, delete, change, swap), or null where none is near.
    /// </summary>
    /// <param name="name">The misspelt name.</param>
    /// <param name="allowed">The names to choose from.</param>
    public static string? Find(string name, IEnumerable<string> allowed)
    {
        if (name.Length > 64)
            return null;
        var edits = new Damerau();
        (string? best, double distance) = (null, 0);
        foreach (string candidate in allowed)
        {
            double edit = edits.Distance(name.ToLowerInvariant(), candidate);
            if (best is null || edit < distance)
                (best, distance) = (candidate, edit);
        }

        return best is not null && distance <= Math.Max(1, Math.Min(name.Length, best.Length) * 0.4) ? best : null;
    }

    /// <summary>" (did you mean x?)", or nothing.</summary>
    public static string Hint(string name, IEnumerable<string> allowed) =>
        Find(name, allowed) is { } nearest ? $" (did you mean {nearest}?)" : "";
}
