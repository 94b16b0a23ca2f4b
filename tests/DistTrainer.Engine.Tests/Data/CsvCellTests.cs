using DistTrainer.Engine.Data;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>What a cell means: number, yes or no, or class.</summary>
public sealed class CsvCellTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private IReadOnlyList<string> Classes(params string[] labels) =>
        _files.LoadCsv($"a,y\n{string.Concat(labels.Select(label => $"1,{label}\n"))}", DataTestFiles.CrossEntropy)
            .Schema.ClassNames;

    [Fact]
    public void Yes_no_words_of_a_column_are_1_and_0()
    {
        DataParts data = _files.LoadCsv(
            "a,b,c,y\nTrue,yes,Y,FALSE\nFALSE,No,n,TRUE\ntrue,YES,N,TRUE\n", DataTestFiles.Squared);
        Assert.Equal([1f, 1f, 1f, 0f, 0f, 0f, 1f, 1f, 0f], data.Train.Features);
        Assert.Equal([0f, 1f, 1f], data.Train.Targets);
        Assert.Equal(["True is 1 and FALSE 0 in 'a'", "YES is 1 and No 0 in 'b'", "Y is 1 and N 0 in 'c'"], data.Notes);
    }

    [Theory]
    [InlineData("a,y\nTrue,1\n1,2\n", "a.csv:2:1: column 'a': 'True' is not a number")]
    [InlineData("a,y\nx,1\n1,2\n3,2\n", "a.csv:2:1: column 'a': 'x' is not a number")]
    [InlineData("a,y\n1.5,1\n\"1,5\",2\n\"2,5\",2\n", "a.csv:3:1: column 'a': '1,5' has a decimal comma")]
    [InlineData("a,y\n2019-01-02,1\n2019-02-30,2\n", "a.csv:3:1: column 'a': '2019-02-30' is not a date")]
    [InlineData("a,y\n1,1\nTrue,2\n", "a.csv:3:1: column 'a': 'True' is not a number")]
    public void A_column_is_of_one_kind(string text, string message) =>
        Assert.StartsWith(message, _files.CsvError(text, DataTestFiles.Squared), StringComparison.Ordinal);

    [Fact]
    public void Labels_are_kept_as_they_are_written()
    {
        Assert.Equal(["02134", "6520", "10001"], Classes("10001", "02134", "6520"));
        Assert.Equal(["01", "1", "2"], Classes("1", "01", "2"));
        Assert.Equal(["1.0", "2.0", "10.0"], Classes("10.0", "2.0", "1.0"));
        Assert.Equal(["1", "2.0", "10"], Classes("10", "2.0", "1.0", "1"));
        Assert.Equal(["-1", "0", "9", "10"], Classes("10", "9", "-1", "0"));
        Assert.Equal(["False", "True"], Classes("True", "False"));
    }

    [Fact]
    public void None_and_NA_are_classes_among_names_and_gaps_among_numbers()
    {
        Assert.Equal(["Apnea", "NA", "None", "nan"], Classes("None", "Apnea", "NA", "nan"));
        foreach ((string gap, string first, string second) in ((string, string, string)[])
            [("NA", "0", "1"), ("nan", "0", "1"), ("None", "0", "1"), ("?", "x", "y"), ("", "x", "y")])
        {
            DataParts data = _files.LoadCsv(
                $"a,y\n5,{first}\n6,{gap}\n7,{second}\n", DataTestFiles.CrossEntropy);
            Assert.Equal([first, second], data.Schema.ClassNames);
            Assert.Equal([5f, 7f], data.Train.Features);
            Assert.Equal("1 of 3 rows have no 'y' and are left out", data.Notes[0]);
        }
    }

    [Theory]
    [InlineData("a,y\n1,x\n,z\n", true)]
    [InlineData("a,y\n1,x\nbad,\n3,4,5\n", true)]
    [InlineData("a,y\n1,3\n2,4\n", true)]
    [InlineData("a,y\n1,02134\n2,10001\n", true)]
    [InlineData("a,y\n1,3.5\n2,4\n", false)]
    [InlineData("a;y\n1;3,5\n2;4\n", false)]
    [InlineData("a,y\n1,True\n2,False\n", true)]
    public void Whether_targets_are_classes_depends_on_them_alone(string text, bool classes) =>
        Assert.Equal(classes, DataLoader.LooksLikeClasses(DataTestFiles.Whole(_files.Write("a.csv", text)), 30));

    [Fact]
    public void One_stray_text_among_many_values_makes_no_classes()
    {
        string rows = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i},{i}.5\n"));
        Assert.False(DataLoader.LooksLikeClasses(
            DataTestFiles.Whole(_files.Write("a.csv", $"a,y\n{rows}1,oops\n")), 30));
    }
}
