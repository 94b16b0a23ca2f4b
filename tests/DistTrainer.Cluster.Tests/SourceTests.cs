using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;
using static System.StringComparison;

namespace DistTrainer.Cluster.Tests;

/// <summary>How the source is written, where neither the compiler nor the formatter looks.</summary>
public sealed partial class SourceTests
{
    private const int MostColumns = 120;
    private const int MostLines = 300;

    private const string Reason = "// Over 300 lines: ";

    [Fact]
    public void No_line_has_more_than_120_columns_unless_it_cannot_be_broken()
    {
        string[] wide = [.. Files("src").SelectMany(file => File.ReadLines(file).Index()
            .Where(line => line.Item.Length > MostColumns && !Unbreakable().IsMatch(line.Item))
            .Select(line => $"{file}:{line.Index + 1}"))];
        Assert.True(wide.Length == 0, string.Join(Environment.NewLine, wide));
    }

    [Fact]
    public void A_file_of_more_than_300_lines_says_why_at_its_head_and_no_other_does()
    {
        Assert.All(Files("src").Select(File.ReadAllText), text => Assert.Equal(
            text.Count(letter => letter == '\n') > MostLines + 2, text.Split('\n').Any(line => line.StartsWith(Reason, Ordinal))));
    }

    private static IEnumerable<string> Files(string folder, [CallerFilePath] string here = "")
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../..", folder));
        char separator = Path.DirectorySeparatorChar;
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Where(file =>
            !file.Contains($"{separator}obj{separator}") && !file.Contains($"{separator}bin{separator}"));
    }

    /// <summary>A pattern, the escapes of a literal, and a comment of the node's settings, which are a text of the program.</summary>
    [GeneratedRegex("""GeneratedRegex|^\s*"(\\u|\\\d)|^\s*# """)]
    private static partial Regex Unbreakable();
}
