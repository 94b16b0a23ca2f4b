using System.Text.Json;
using Xunit;

namespace DistTrainer.Engine.Tests;

public class PrintableTests
{
    [Theory]
    [InlineData("plain Ünïcode → 日本 \ud83d\ude00\ta\\b", "plain Ünïcode → 日本 \ud83d\ude00\ta\\b")]
    [InlineData("\u001b]0;x\u0007", "\\u001b]0;x\\u0007")]
    [InlineData("\0\b\f\r\u007f\u0080\u009b\u009f", "\\u0000\\u0008\\u000c\\u000d\\u007f\\u0080\\u009b\\u009f")]
    [InlineData("\u202a\u202e\u2066\u2069\u2028\u2029", "\\u202a\\u202e\\u2066\\u2069\\u2028\\u2029")]
    [InlineData("", "")]
    public void What_a_terminal_would_obey_is_shown_and_all_else_stays(string text, string expected) =>
        Assert.Equal(expected, Printable.Line(text));

    // An attribute cannot hold them.
    [Fact]
    public void Halves_of_surrogate_pairs_are_shown()
    {
        Assert.Equal("\\ud83d", Printable.Line("\ud83d"));
        Assert.Equal("\\ude00\\ud83d!", Printable.Line("\ude00\ud83d!"));
    }

    [Fact]
    public void Ends_of_lines_stay_where_a_text_has_several_lines()
    {
        Assert.Equal("a\r\nb\nc\\u000dd", Printable.Lines("a\r\nb\nc\rd"));
        Assert.Equal("a\\u000d\\u000ab", Printable.Line("a\r\nb"));
    }

    [Fact]
    public void JSON_stays_the_same_JSON()
    {
        const string Value = "\u007f\u009b\u202e";
        using JsonDocument json = JsonDocument.Parse(Printable.Line($"{{\"{Value}\":\"{Value}\"}}"));
        Assert.Equal(Value, json.RootElement.GetProperty(Value).GetString());
    }

    [Fact]
    public void A_short_text_is_cut_on_one_line_and_not_within_a_pair()
    {
        Assert.Equal("ab…", Printable.Short("abc", 2));
        Assert.Equal("a…", Printable.Short("a\ud83d\ude00b", 2));
        Assert.Equal("a\\u000a", Printable.Short("a\n", 2));
    }
}
