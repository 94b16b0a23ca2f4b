using System.Globalization;
using System.Text;

namespace DistTrainer.Transport;

/// <summary>What may be a node's name, or a run's id: one rule for settings, coordinator and data plane.</summary>
internal static class NodeName
{
    /// <summary>Characters of a name at most.</summary>
    public const int Longest = 200;

    /// <summary>Characters of a name that a person gives at most: <see cref="Unique"/> makes it longer.</summary>
    public const int LongestGiven = Longest - SuffixLength;

    private const int DigitsOfSuffix = 6;
    private const int SuffixLength = DigitsOfSuffix + 1;

    /// <summary>A name with a slash and digits that no other start of the node has.</summary>
    public static string Unique(string name) => $"{name}/{Guid.NewGuid().ToString("N")[..DigitsOfSuffix]}";

    /// <summary>What is allowed, in words.</summary>
    /// <param name="longest">Characters at most.</param>
    public static string Allowed(int longest = Longest) =>
        string.Create(CultureInfo.InvariantCulture, $"1 to {longest} characters that can be seen, and blanks");

    /// <summary>Why a text is no name, e.g. "has 300 characters"; null where it is one.</summary>
    /// <param name="name">The text.</param>
    /// <param name="longest">Characters at most.</param>
    public static string? Problem(string? name, int longest = Longest)
    {
        if (name is null || name.Length == 0 || name.Length > longest)
            return $"has {name?.Length ?? 0} characters";
        for (int at = 0; at < name.Length;)
        {
            bool isWhole = Rune.TryGetRuneAt(name, at, out Rune rune);
            if (!isWhole || IsUnseen(rune))
                return $"has U+{(isWhole ? rune.Value : name[at]):X4} as its character {at + 1}";
            at += rune.Utf16SequenceLength;
        }
        return null;
    }

    // Names go to logs and terminals: none must forge a line there, or turn what stands beside it.
    private static bool IsUnseen(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator;
}
