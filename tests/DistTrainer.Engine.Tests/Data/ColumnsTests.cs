using System.Globalization;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>Columns of tables as people have them: text, gaps, dates, identifiers.</summary>
public sealed class ColumnsTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private DataParts Load(string text, Func<ColumnSettings, ColumnSettings>? change = null) => _files.LoadCsv(
        text, DataTestFiles.Squared, d => d with { Columns = (change ?? (c => c))(d.Columns with { LeastRows = 1 }) });

    private static string Rows(int count, Func<int, string> row) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{row(i)},{i % 7}\n"));

    [Fact]
    public void A_gap_becomes_the_median_and_a_feature_of_its_own()
    {
        DataParts data = Load("a,b,y\n1,5,0\n?,5,0\n3,5,0\n,5,0\nNA,5,1\n2,5,1\n");
        Assert.Equal(["a", "a is missing", "b"], data.Schema.FeatureNames);
        Assert.Equal(
            [1f, 0f, 5f, 2f, 1f, 5f, 3f, 0f, 5f, 2f, 1f, 5f, 2f, 1f, 5f, 2f, 0f, 5f], data.Train.Features);
        Assert.Contains("3 missing values of the training part in 'a'", data.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void What_marks_a_gap_can_be_said()
    {
        DataParts data = Load("a,y\n1,0\n-99,0\n3,1\n", c => c with { Missing = ["-99"] });
        Assert.Equal(["a", "a is missing"], data.Schema.FeatureNames);
        Assert.StartsWith("a.csv:3:1: column 'a': '?' is not a number", _files.CsvError(
            "a,y\n1,0\n?,0\n3,1\n", DataTestFiles.Squared, d => d with { Columns = d.Columns with { Missing = ["x"] } }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Text_becomes_a_feature_for_each_value_and_one_for_gaps()
    {
        DataParts data = Load("a,y\nred,0\nblue,0\n,1\nred,1\n");
        Assert.Equal(["a = blue", "a = red", "a is missing"], data.Schema.FeatureNames);
        Assert.Equal([0f, 1f, 0f, 1f, 0f, 0f, 0f, 0f, 1f, 0f, 1f, 0f], data.Train.Features);
    }

    [Fact]
    public void Many_values_become_an_index_into_an_embedding_with_rows_for_others_and_gaps()
    {
        DataParts data = Load("a,b,y\nr,1,0\ns,2,0\n,3,1\nt,4,1\n", c => c with { MostOneHot = 2, Embedding = 5 });
        Assert.Equal(["b", "a"], data.Schema.FeatureNames);
        Assert.Equal([1f, 2f, 2f, 3f, 3f, 1f, 4f, 4f], data.Train.Features);
        Assert.Equal(("a", 5, 5), data.Schema.Embedded.Select(one => (one.Name, one.Cardinality, one.Width)).Single());
    }

    [Fact]
    public void Of_too_many_values_the_most_frequent_ones_are_kept()
    {
        DataParts data = Load("a,y\nr,0\ns,0\ns,1\nt,1\nt,1\nq,1\n", c => c with { MostValues = 3 });
        Assert.Equal(["a = q", "a = s", "a = t"], data.Schema.FeatureNames);
        Assert.Equal([0f, 0f, 0f], data.Train.Features[..3]);
    }

    [Fact]
    public void The_time_from_one_date_to_the_next_is_a_feature_in_hours_where_it_differs()
    {
        const string Text = "from,to,y\n2024-01-01 10:00,2024-01-01 12:00,0\n2024-01-01 10:00,2024-01-02 10:30,1\n"
            + "2024-01-01 10:00,,1\n";
        DataParts data = Load(Text);
        int width = data.Schema.FeatureNames.Count, since = data.Schema.FeatureNames.ToList().IndexOf("to since from");
        Assert.Equal([2f, 24.5f, 2f], Enumerable.Range(0, 3).Select(row => data.Train.Features[(row * width) + since]));
        Assert.DoesNotContain(
            Load(Text.Replace("2024-01-02 10:30", "2024-01-01 12:00", StringComparison.Ordinal)).Schema.FeatureNames,
            name => name.Contains("since", StringComparison.Ordinal));
    }

    [Fact]
    public void Rare_values_count_as_unknown_ones()
    {
        DataParts data = Load("a,y\nr,0\nr,0\ns,1\nr,1\n", c => c with { LeastRows = 2 });
        Assert.Equal(["a = r"], data.Schema.FeatureNames);
        Assert.Equal([1f, 1f, 0f, 1f], data.Train.Features);
    }

    [Fact]
    public void Dates_become_their_parts_that_differ()
    {
        DataParts data = Load("t,y\n2024-02-29 06:30:00,0\n2024-03-01T18:00:00Z,1\n2024-03-02,1\n");
        Assert.Equal(["t elapsed", "t month", "t day", "t weekday", "t hour"], data.Schema.FeatureNames);
        // 29 February 2024 was a Thursday
        Assert.Equal(
            [6.5f / 24, 2f, 29f, 3f, 6.5f, 1.75f, 3f, 1f, 4f, 18f, 2f, 3f, 2f, 5f, 0f], data.Train.Features);
    }

    [Theory]
    [InlineData("1969-12-31 23:59:59.5", -0.5)]
    [InlineData("1970-01-02", 86400)]
    [InlineData("02.01.1970", 86400)]
    [InlineData("1970/01/01 00:01", 60)]
    [InlineData("1970-01-01T00:00:01.25+02:00", 1.25)]
    [InlineData("2000-02-29", 951782400)]
    [InlineData("1900-02-29", double.NaN)]
    [InlineData("2024-13-01", double.NaN)]
    [InlineData("2024-01-01 24:00", double.NaN)]
    [InlineData("2024-01-01 10:00:00x", double.NaN)]
    [InlineData("2024-1-1", double.NaN)]
    [InlineData("20240101", double.NaN)]
    public void Dates_are_read_as_programs_write_them(string text, double seconds) => Assert.Equal(
        seconds, TimeText.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out double found) ? found : double.NaN);

    [Fact]
    public void Codes_with_zeros_in_front_are_text()
    {
        DataParts data = Load("zip,y\n10001,0\n02134,0\n10001,1\n");
        Assert.Equal(["zip = 02134", "zip = 10001"], data.Schema.FeatureNames);
    }

    [Fact]
    public void A_column_that_begins_with_numbers_and_is_mostly_text_is_text()
    {
        DataParts data = Load("size,y\n36,0\nL,0\nXL,0\nL,1\n");
        Assert.Equal(["size = 36", "size = L", "size = XL"], data.Schema.FeatureNames);
    }

    [Fact]
    public void Nearly_unique_text_is_left_out_and_said_so()
    {
        DataParts data = Load($"name,a,y\n{Rows(120, i => $"n{i},{i}")}");
        Assert.Equal(["a"], data.Schema.FeatureNames);
        Assert.Contains("column 'name' is left out: an identifier or free text", data.Notes[0], StringComparison.Ordinal);
        Assert.Equal(121, Load(
            $"name,a,y\n{Rows(120, i => $"n{i},{i}")}", c => c with
            {
                Kinds = new Dictionary<string, ColumnKind> { ["name"] = ColumnKind.Category },
                MostOneHot = 1000,
            }).Schema.FeatureNames.Count);
    }

    [Fact]
    public void What_is_said_of_a_column_holds()
    {
        DataParts data = Load("a,b,y\n1,x,0\n2,z,0\n1,x,1\n", c => c with
        {
            Kinds = new Dictionary<string, ColumnKind> { ["a"] = ColumnKind.Category, ["b"] = ColumnKind.Ignore },
        });
        Assert.Equal(["a = 1", "a = 2"], data.Schema.FeatureNames);
        string Error(string column, ColumnKind kind) => Assert.Throws<DistTrainerException>(
            () => Load("a,b,y\n1,x,0\n2,z,0\n1,x,1\n", c => c with
            {
                Kinds = new Dictionary<string, ColumnKind> { [column] = kind },
            })).Message;
        Assert.StartsWith("data.columns names a column 'c' that is no feature", Error("c", ColumnKind.Number),
            StringComparison.Ordinal);
        Assert.Contains("has text such as '1', which cannot be yes or no", Error("a", ColumnKind.YesNo),
            StringComparison.Ordinal);
        Assert.Contains("a.csv:2:2: column 'b': 'x' is not a number, which data.columns says the column has; correct it",
            Error("b", ColumnKind.Number),
            StringComparison.Ordinal);
        Assert.Contains("a.csv:2:2: column 'b': 'x' is not a date", Error("b", ColumnKind.Date),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_training_part_decides()
    {
        string text = $"a,y\n{Rows(90, i => i % 3 == 0 ? "p" : "q")}";
        DataParts data = _files.LoadCsv(text, DataTestFiles.Squared, d => d with { TestFraction = 0.3 });
        string train = "a,y\n" + string.Concat(Enumerable.Range(0, (int)data.Train.Count).Select(
            i => $"{(data.Train.Features[2 * i] == 1 ? "p" : "q")},{data.Train.Targets[i]}\n"));
        Assert.Equal(
            Load(train).Columns.Select(column => column.Content), data.Columns.Select(column => column.Content));
    }

    [Fact]
    public void New_rows_are_treated_as_the_training_rows_and_what_is_new_is_counted()
    {
        DataParts data = Load("a,b,y\n1,r,0\n3,s,0\n2,r,1\n");
        PredictionRows rows = DataLoader.LoadForPrediction(
            DataTestFiles.Whole(_files.Write("new.csv", "b,a\ns,7\nblack,?\n,1\nblack,2\n")), data.Schema);
        Assert.Equal([7f, 0f, 1f, 2f, 0f, 0f, 1f, 0f, 0f, 2f, 0f, 0f], rows.Features);
        Assert.Equal(
            ["column 'b': 2 row(s) with values that training did not have or had rarely, e.g. 'black'",
                "column 'a': 1 missing value(s), which training did not have; they count as the training part's "
                + "median, or as an unknown value",
                "column 'b': 1 missing value(s), which training did not have; they count as the training part's "
                + "median, or as an unknown value"], rows.Notes);
    }

    [Fact]
    public void Columns_without_names_are_read_as_the_model_s_by_their_places()
    {
        DataParts data = _files.LoadCsv("07,1,0\n1,2,0\n1,?,1\n", DataTestFiles.Squared, d => d with
        {
            Header = false,
            Columns = d.Columns with { LeastRows = 1 },
        });
        Assert.Equal(["0 = 07", "0 = 1", "1", "1 is missing"], data.Schema.FeatureNames);
        Assert.Equal([0f, 1f, 5f, 0f, 1f, 0f, 1f, 1f], DataLoader.LoadForPrediction(
            DataTestFiles.Whole(_files.Write("named.csv", "zip,size\n1,5\n07,\n")), data.Schema).Features);
        Assert.Equal([0f, 0f, 1f, 1f], DataLoader.LoadForPrediction(
            DataTestFiles.Whole(_files.Write("gaps.csv", "zip,size\n,\n")), data.Schema).Features);
    }

    [Fact]
    public void Cells_that_come_one_by_one_give_what_a_file_gives()
    {
        DataParts data = Load("a,b,t,y\n1,r,2024-01-01,0\n3,s,2024-01-02,0\n,r,2024-01-03,1\n");
        TableRows rows = DataLoader.RowsFor("rows", data.Schema);
        rows.Add(["4", "s", "2024-01-05 12:00"]);
        rows.Add([null, null, "2024-01-02"]);
        Assert.Equal(
            DataLoader.LoadForPrediction(DataTestFiles.Whole(
                _files.Write("new.csv", "a,b,t\n4,s,2024-01-05 12:00\n,,2024-01-02\n")), data.Schema).Features,
            rows.ToPredictionRows().Features);
        Assert.Equal("rows: row 2, column 'a': 'x' is no number; correct it.", DataTestFiles.Error(
            () => rows.Add(["x", "r", "2024-01-01"])));
        Assert.Equal("rows: row 0, column 't': has no value, and the model learned of no gaps there; give one.",
            DataTestFiles.Error(() => DataLoader.RowsFor("rows", data.Schema).Add(["1", "r", ""])));
    }

    [Fact]
    public void Numbers_far_from_zero_keep_their_digits()
    {
        const double Start = 1_700_000_000;
        DataParts data = _files.LoadCsv(
            "t,y\n" + string.Concat(Enumerable.Range(0, 60).Select(i => string.Create(
                CultureInfo.InvariantCulture, $"{Start + i},{1e9 + i}\n"))), DataTestFiles.Squared,
            d => d with { Normalization = NormalizationKind.Standardize, NormalizeTargets = true });
        Assert.Equal(Start + 29.5, data.Schema.Normalization.Offset[0]);
        Assert.Equal(Math.Sqrt(((60 * 60) - 1) / 12.0), 1 / data.Schema.Normalization.Scale[0], 5);
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal((i - 29.5) / 17.3181, data.Train.Features[i], 1e-5);
            Assert.Equal((i - 29.5) / 17.3181, data.Train.Targets[i], 1e-5);
        }
    }

    [Fact]
    public void Robust_scaling_goes_by_quartiles_and_bounds_what_is_far_out()
    {
        DataParts data = _files.LoadCsv(
            "a,b,y\n" + Rows(9, i => $"{(i == 8 ? 1_000_000 : i)},{(i < 5 ? "p" : "q")}"), DataTestFiles.Squared,
            d => d with { Normalization = NormalizationKind.Robust });
        Assert.Equal((4.0, 0.25f), (data.Schema.Normalization.Offset[0], data.Schema.Normalization.Scale[0]));
        Assert.Equal([3f, 0f, 0f], data.Schema.Normalization.Bounds);
        Assert.Equal((float)(-1 / Math.Sqrt(1 + (1.0 / 9))), data.Train.Features[0]);
        Assert.InRange(data.Train.Features[^3], 2.99f, 3f);
        Assert.Equal([1f, 0f], data.Train.Features[1..3]);
    }

    [Fact]
    public void Bins_rise_from_0_to_1_between_their_edges_and_frequent_values_have_edges_of_their_own()
    {
        DataParts data = Load(
            "a,y\n" + Rows(21, i => i < 12 ? "0" : $"{i - 11}"), c => c with { Bins = 3 });
        Assert.Equal([0.0, 1, 3.6667, 6.3333, 9], data.Schema.Columns[0].Bins[0].Select(edge => Math.Round(edge, 4)));
        Assert.Equal(["a", "a bin 1", "a bin 2", "a bin 3", "a bin 4"], data.Schema.FeatureNames);
        Assert.Equal([0f, 0f, 0f, 0f, 0f], data.Train.Features[..5]);
        Assert.Equal([9f, 1f, 1f, 1f, 1f], data.Train.Features[^5..]);
        Assert.Equal([5f, 1f, 1f, 0.5f, 0f], data.Train.Features[^25..^20]);
        Assert.Equal([0.0, 1, 2], Load("a,y\n0,1\n2,1\n1,2\n", c => c with { Bins = 8 }).Schema.Columns[0].Bins[0]);
    }

    [Fact]
    public void A_column_that_gives_the_target_away_is_named()
    {
        string[] notes = [.. _files.LoadCsv(
            "a,alive,deck,y\n" + string.Concat(Enumerable.Range(0, 60).Select(
                i => $"{i * 7 % 13},{(i % 3 == 0 ? "yes" : "no")},{i % 5},{(i % 3 == 0 ? "1" : "0")}\n")),
            DataTestFiles.CrossEntropy).Notes];
        Assert.Equal("column 'alive' gives the target away by itself (each of its values goes with one class): if it is "
            + "not known when you predict, leave it out with data.ignore = ['alive']", notes[^1]);
        Assert.Single(notes, note => note.Contains("gives the target away", StringComparison.Ordinal));
        Assert.Contains("column 'b' gives the target away by itself (they lie on a line)", Load(
            "a,b,y\n" + string.Concat(Enumerable.Range(0, 60).Select(
                i => $"{i * 7 % 13},{(2 * i) + 1},{i}\n"))).Notes[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_stratified_split_has_each_class_in_its_share_and_depends_on_its_seed()
    {
        string text = "a,y\n" + string.Concat(Enumerable.Range(0, 200).Select(
            i => $"{i},{(i % 20 == 0 ? "rare" : i % 4 == 0 ? "some" : "most")}\n"));
        DataParts Split(ulong seed) => _files.LoadCsv(text, DataTestFiles.CrossEntropy, d => d with
        {
            Stratify = true,
            TestFraction = 0.2,
            ValidationFraction = 0.1,
            SplitSeed = seed,
        });
        DataParts data = Split(1);
        int[] Counts(ISampleSource part) => [.. part.Targets.GroupBy(label => label).OrderBy(one => one.Key)
            .Select(one => one.Count())];
        Assert.Equal([30, 2, 8], Counts(data.Test));
        Assert.Equal([15, 1, 4], Counts(data.Validation));
        Assert.Equal([105, 7, 28], Counts(data.Train));
        Assert.Equal(data.Hash, Split(1).Hash);
        Assert.NotEqual(data.Hash, Split(2).Hash);
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("fa-IR")]
    public void A_table_is_the_same_in_every_culture(string culture)
    {
        const string Text = "i,t,c,y\n1.5,2024-01-05,TITLE,1\n,2024-02-05,title,0\n2.5,2024-03-05,,1\n";
        CultureInfo before = CultureInfo.CurrentCulture;
        DataParts plain = Load(Text);
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            DataParts data = Load(Text);
            Assert.Equal(plain.Hash, data.Hash);
            Assert.Equal(plain.Notes, data.Notes);
            Assert.Equal(plain.Columns.Select(one => one.Content), data.Columns.Select(one => one.Content));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_folder_s_column_that_is_text_in_one_part_is_text_in_all()
    {
        string folder = _files.PathOf("parts");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "a.csv"), "a,b,y\n1,,0\n2,,1\n");
        File.WriteAllText(Path.Combine(folder, "b.csv"), "a,b,y\nx,5,0\nz,6,1\n");
        DataParts data = DataLoader.Load(
            DataTestFiles.Whole(folder) with { Columns = new() { LeastRows = 1 } }, DataTestFiles.Squared);
        Assert.Equal(["a = 1", "a = 2", "a = x", "a = z", "b", "b is missing"], data.Schema.FeatureNames);
    }
}
