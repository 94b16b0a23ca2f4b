namespace DistTrainer.Engine.Data.Columns;

/// <summary>Pairs of words that say no and yes, in any case.</summary>
internal static class YesNoWords
{
    private static readonly (string No, string Yes)[] s_pairs =
        [("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t")];

    /// <summary>The pair that some texts are; null where they are none, or a single letter of one.</summary>
    /// <param name="texts">Different texts.</param>
    /// <returns>The words as they are written, the absent one of a pair in small letters.</returns>
    public static (string No, string Yes)? Find(IEnumerable<string> texts)
    {
        string[] words = [.. texts];
        foreach ((string no, string yes) in s_pairs)
        {
            if (words.Length > 0 && words.All(word => Is(word, no) || Is(word, yes))
                && (no.Length > 1 || (words.Any(word => Is(word, no)) && words.Any(word => Is(word, yes)))))
                return (Array.Find(words, word => Is(word, no)) ?? no, Array.Find(words, word => Is(word, yes)) ?? yes);
        }
        return null;
    }

    /// <summary>1 and 0 for words of one pair; NaN for other texts.</summary>
    /// <param name="texts">Different texts.</param>
    public static double[] NumbersOf(IReadOnlyList<string> texts)
    {
        // The first text decides the pair: others are none of it.
        (string No, string Yes)? pair = texts.Count == 0 ? null
            : Array.Find(s_pairs, one => Is(texts[0], one.No) || Is(texts[0], one.Yes)) is { No: not null } found
                ? found : null;
        return [.. texts.Select(text => pair is not { } words ? double.NaN
            : Is(text, words.Yes) ? 1 : Is(text, words.No) ? 0 : double.NaN)];
    }

    private static bool Is(string word, string other) => word.Equals(other, StringComparison.OrdinalIgnoreCase);
}
