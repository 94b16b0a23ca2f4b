using System.Globalization;
using CsCheck;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Data;

/// <summary>Parts by groups, by time, by a column that names them, and folds.</summary>
public sealed class SplitTests : IDisposable
{
    private readonly DataTestFiles _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>The rows of each part, told by the first feature, which is the row's number.</summary>
    private static int[][] RowsOf(DataParts data) =>
        [.. new[] { (DataSet)data.Train, (DataSet)data.Validation, (DataSet)data.Test }.Select(part =>
            Enumerable.Range(0, part.Count).Select(row => (int)part.FeaturesOf(row)[0]).ToArray())];

    private DataParts Load(
        string text, SplitSettings split, Func<DataDescription, DataDescription>? change = null,
        LossDescription? loss = null) =>
        _files.LoadCsv(text, loss ?? DataTestFiles.Squared, d =>
        {
            d = d with { Split = split, ValidationFraction = 0.2, TestFraction = 0.2 };
            return change?.Invoke(d) ?? d;
        });

    private static string Table(int rows, string column, Func<int, string> value) =>
        $"row,{column},y\n" + string.Concat(Enumerable.Range(0, rows).Select(
            i => string.Create(CultureInfo.InvariantCulture, $"{i},{value(i)},{i % 3}\n")));

    private static void IsAll(int rows, int[][] parts)
    {
        Assert.Equal(Enumerable.Range(0, rows), parts.SelectMany(part => part).Order());
        Assert.All(parts, part => Assert.Equal(part.Order(), part));
    }

    [Fact]
    public void Rows_of_one_group_are_in_one_part_whatever_the_groups_and_the_shares() =>
        Gen.Select(Gen.Int[0, 12].Array[5, 120], Gen.Double[0, 0.25], Gen.Double[0, 0.25], Gen.ULong)
            .Sample((groups, validation, test, seed) =>
        {
            var table = new RawTable("t", [Texts(groups)], [], row => $"t: row {row}", (_, _) => "");
            int[] rows = [.. Enumerable.Range(0, groups.Length)];
            DataSplit split = DataSplit.Make(table, rows, null, new DataDescription
            {
                Split = new() { Order = SplitOrder.Group, By = "g" },
                ValidationFraction = validation,
                TestFraction = test,
                SplitSeed = seed,
            }, ownTest: false);
            int[][] parts = [split.Train, split.Validation, split.Test];
            IsAll(groups.Length, parts);
            foreach (int group in groups.Distinct())
                Assert.Single(parts, part => part.Any(row => groups[row] == group));
            int largest = groups.CountBy(group => group).Max(pair => pair.Value);
            Assert.InRange(Math.Abs(split.Test.Length - (groups.Length * test)), 0, (largest / 2.0) + 1);
        }, iter: 200);

    [Fact]
    public void Groups_are_no_feature_compared_as_they_are_written_and_drawn_by_the_seed()
    {
        // In float32 the even and the odd numbers of this size are the same.
        string text = Table(
            200, "customer", i => (9_007_199_254_740_000 + (i % 20)).ToString(CultureInfo.InvariantCulture));
        DataParts data = Load(text, new() { Order = SplitOrder.Group, By = "customer" });
        int[][] parts = RowsOf(data);
        Assert.Equal([120, 40, 40], parts.Select(part => part.Length));
        Assert.Equal(20, parts.Sum(part => part.Select(row => row % 20).Distinct().Count()));
        Assert.Equal(["row"], data.Schema.FeatureNames);
        Assert.Contains("column 'customer' says which rows stay together (data.split) and is no feature", data.Notes);
        Assert.NotEqual(data.Hash, Load(
            text, new() { Order = SplitOrder.Group, By = "customer" }, d => d with { SplitSeed = 1 }).Hash);
    }

    [Fact]
    public void Rows_without_a_group_stay_together_and_are_told()
    {
        string text = Table(40, "g", i => i % 4 == 0 ? "NA" : $"g{i}");
        for (ulong seed = 0; seed < 5; seed++)
        {
            DataParts data = Load(
                text, new() { Order = SplitOrder.Group, By = "g" }, d => d with { SplitSeed = seed });
            Assert.Single(RowsOf(data), part => part.Any(row => row % 4 == 0));
            Assert.Contains("10 row(s) without 'g' stay together too", data.Notes);
        }
    }

    [Fact]
    public void The_parts_are_these_on_every_machine()
    {
        string text = Table(12, "g", i => "abcdef"[i / 2].ToString());
        Assert.Equal("0 1 2 3 4 5 6 7|8 9|10 11", Text(new() { Order = SplitOrder.Group, By = "g" }));
        Assert.Equal("0 1 2 4 6 7 8 9 11|3 10|5", Text(new() { Folds = 5, Fold = 2 }, 0.1));

        string Text(SplitSettings split, double test = 0.2) => string.Join('|', RowsOf(
            Load(text, split, d => d with { TestFraction = test })).Select(part => string.Join(' ', part)));
    }

    [Fact]
    public void The_last_rows_by_a_date_are_the_test_those_before_the_validation_and_ties_keep_the_order_of_the_file()
    {
        string text = Table(20, "day", i => $"2024-01-{1 + (i * 7 % 20 / 2):00}");
        DataParts data = Load(text, new() { Order = SplitOrder.Time, By = "day" });
        int[] byDay = [.. Enumerable.Range(0, 20).OrderBy(i => i * 7 % 20 / 2)];
        int[][] wanted = [[.. byDay[..12].Order()], [.. byDay[12..16].Order()], [.. byDay[16..].Order()]];
        Assert.Equal(wanted, RowsOf(data));
        Assert.Contains(data.Schema.Columns, column => column is { Name: "day", Kind: ColumnKind.Date });
        DataParts tied = Load(
            Table(11, "year", _ => "1999"), new() { Order = SplitOrder.Time, By = "year" });
        Assert.Equal([[0, 1, 2, 3, 4, 5, 6], [7, 8], [9, 10]], RowsOf(tied));
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("fa-IR")]
    public void A_column_names_the_parts_in_any_case_and_culture_and_shares_do_not_count(string culture)
    {
        string[] words = ["train", "VALIDATION", "Test", "TRAIN", "valid", "Val", "DEV", "test"];
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
        try
        {
            DataParts data = Load(Table(8, "part", i => words[i]), new() { Order = SplitOrder.Part, By = "part" });
            Assert.Equal([[0, 3], [1, 4, 5, 6], [2, 7]], RowsOf(data));
            Assert.Equal(["row"], data.Schema.FeatureNames);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(SplitOrder.Random, false)]
    [InlineData(SplitOrder.Random, true)]
    [InlineData(SplitOrder.Group, false)]
    [InlineData(SplitOrder.Part, false)]
    public void Each_row_outside_the_test_part_is_validated_in_exactly_one_fold(SplitOrder order, bool stratify)
    {
        const int Folds = 4;
        string text = Table(
            103, "g", i => order == SplitOrder.Part ? (i % 5 == 0 ? "test" : "train") : $"g{i * i % 31}");
        DataParts[] all = [.. Enumerable.Range(1, Folds).Select(fold => Load(
            text, new() { Order = order, By = order == SplitOrder.Random ? null : "g", Folds = Folds, Fold = fold },
            d => d with { Stratify = stratify }, DataTestFiles.CrossEntropy))];
        int[][][] parts = [.. all.Select(RowsOf)];
        Assert.All(parts, one => IsAll(103, one));
        Assert.All(parts, one => Assert.Equal(parts[0][2], one[2]));
        IsAll(103, [.. parts.Select(one => one[1]).Append(parts[0][2]).Select(part => part.ToArray())]);
        int[] sizes = [.. parts.Select(one => one[1].Length)];
        Assert.InRange(sizes.Max() - sizes.Min(), 0, order == SplitOrder.Group ? 7 : 1);
        Assert.Equal(Folds, all.Select(data => data.Hash).Distinct().Count());
        if (order == SplitOrder.Group)
            Assert.All(parts.SelectMany(one => one[1].Select(row => (one[0], row))), pair =>
                Assert.DoesNotContain(pair.Item1, other => other * other % 31 == pair.row * pair.row % 31));
        if (stratify)
            Assert.All(parts, one => Assert.All([0, 1, 2], label =>
                Assert.InRange(one[1].Count(row => row % 3 == label), 6, 8)));
    }

    [Fact]
    public void The_test_part_is_the_same_with_folds_and_without()
    {
        string text = Table(60, "g", i => $"{i / 4}");
        foreach (bool stratify in new[] { false, true })
        {
            DataParts Of(SplitSettings split) =>
                Load(text, split, d => d with { Stratify = stratify }, DataTestFiles.CrossEntropy);
            Assert.Equal(RowsOf(Of(new()))[2], RowsOf(Of(new() { Folds = 3, Fold = 3 }))[2]);
        }
    }

    [Fact]
    public void What_does_not_go_with_stratify_and_classes_that_are_rarer_than_folds_are_told()
    {
        string text = "row,g,y\n" + string.Concat(Enumerable.Range(0, 60).Select(
            i => $"{i},g{i % 15},{(i % 30 == 0 ? "rare" : "often")}\n"));
        DataParts data = Load(
            text, new() { Order = SplitOrder.Group, By = "g", Folds = 3, Fold = 1 },
            d => d with { Stratify = true, TestFraction = 0 }, DataTestFiles.CrossEntropy);
        Assert.Contains(
            "data.split.order = group divides the rows, so data.stratify does not count: a part may have more of one "
            + "class than another", data.Notes);
        Assert.Contains(
            "a class has fewer rows than there are folds: 'rare' (2); some folds are validated, or trained, without",
            data.Notes);
    }

    [Fact]
    public void What_cannot_be_divided_is_refused_with_the_place_and_what_to_do()
    {
        SplitSettings group = new() { Order = SplitOrder.Group, By = "g" };
        Assert.Equal(
            "a.csv:4: column 'g', by which the rows are divided (data.split.by), has no value here, nor in 1 other "
            + "row(s); fill it in, or leave the row out.",
            Error(Table(9, "g", i => i is 2 or 5 ? "" : "1999"), group with { Order = SplitOrder.Time }));
        Assert.StartsWith(
            "a.csv:4: column 'g', by which the rows are divided",
            Error(Table(9, "g", i => i == 2 ? "" : "train"), group with { Order = SplitOrder.Part }),
            StringComparison.Ordinal);
        Assert.Equal(
            "a.csv: data.split.by = 'g': the column is text, e.g. 'a'; order = time needs dates (2019-03-23 20:21:09 "
            + "and the like) or numbers: name another column, or divide by order = group.",
            Error(Table(9, "g", _ => "a"), group with { Order = SplitOrder.Time }));
        Assert.Equal(
            "a.csv:3: column 'g': 'trian' is no part (data.split.by); allowed: train, validation (valid, val, dev), "
            + "test, in any case.",
            Error(Table(9, "g", i => i == 1 ? "trian" : "train"), group with { Order = SplitOrder.Part }));
        Assert.Equal(
            "a.csv: no row of column 'g' (data.split.by) says train; name the rows to train on.",
            Error(Table(9, "g", _ => "test"), group with { Order = SplitOrder.Part }));
        Assert.Equal(
            "a.csv: the groups of 'g' (data.split.by) are so few that none is left for training; lower "
            + "data.validation-fraction or data.test-fraction.",
            DataTestFiles.Error(() => Load(Table(5, "g", i => i < 3 ? "a" : "b"), group, d => d with
            {
                TestFraction = 0.4,
                ValidationFraction = 0.4,
            })).Replace(_files.Folder + "/", "", StringComparison.Ordinal));
        Assert.Equal(
            "a.csv: 2 group(s) of 'g' outside the test part cannot be 3 folds; lower data.split.folds (`--folds`) to "
            + "at most that, or give more data.",
            Error(Table(9, "g", i => i < 5 ? "a" : "b"), group with { Folds = 3, Fold = 1 }));
        Assert.Equal(
            "a.csv: 7 row(s) outside the test part cannot be 9 folds; lower data.split.folds (`--folds`) to at most "
            + "that, or give more data.",
            Error(Table(9, "g", _ => "a"), new() { Folds = 9, Fold = 1 }));
        Assert.Contains(
            "data.split.by names a column 'h' that a.csv does not have",
            Error(Table(9, "g", _ => "a"), group with { By = "h" }, FailureKind.Configuration),
            StringComparison.Ordinal);
        Assert.Contains(
            "data.split.by = 'y' is the target of a.csv",
            Error(Table(9, "g", _ => "a"), group with { By = "y" }, FailureKind.Configuration),
            StringComparison.Ordinal);
        Assert.Contains(
            "rows of a.csv are of the validation part, and with folds each fold is it in its turn",
            Error(
                Table(9, "g", i => i == 1 ? "dev" : "train"),
                group with { Order = SplitOrder.Part, Folds = 2, Fold = 1 }, FailureKind.Configuration),
            StringComparison.Ordinal);
        foreach ((SplitSettings settings, string what) in new (SplitSettings, string)[]
        {
            (group with { By = null }, "data.split.by is missing; order = group needs the name of a column"),
            (new() { By = "g" }, "data.split.by = g counts only with order = group, time or part"),
            (new() { Folds = 21, Fold = 1 }, "data.split.folds = 21 is out of range; allowed: 2 to 20."),
            (new() { Folds = 3, Fold = 4 }, "data.split.fold = 4 is none of the 3 folds; allowed: 1 to 3."),
            (new() { Folds = 3 }, "data.split.fold is missing; name one of 1 to 3"),
            (new() { Fold = 3 }, "data.split.fold = 3 counts only with folds"),
            (group with { Order = SplitOrder.Time, Folds = 3, Fold = 1 },
                "data.split.folds does not go with order = time"),
        })
            Assert.StartsWith(
                what, Error(Table(9, "g", _ => "a"), settings, FailureKind.Configuration), StringComparison.Ordinal);

        string Error(string text, SplitSettings split, FailureKind kind = FailureKind.Data) =>
            DataTestFiles.Error(() => Load(text, split), kind).Replace(
                _files.Folder + "/", "", StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_test_data_goes_with_groups_and_not_with_rows_that_are_the_test_themselves()
    {
        string test = _files.Write("test.csv", Table(5, "other", _ => "1"));
        DataParts data = Load(
            Table(50, "g", i => $"g{i % 10}"), new() { Order = SplitOrder.Group, By = "g" },
            d => d with { TestSource = test });
        Assert.Equal([40, 10, 5], RowsOf(data).Select(part => part.Length));
        Assert.Contains(
            "rows of", DataTestFiles.Error(
                () => Load(
                    Table(9, "g", i => i == 0 ? "test" : "train"), new() { Order = SplitOrder.Part, By = "g" },
                    d => d with { TestSource = test }), FailureKind.Configuration), StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_without_columns_by_name_are_refused()
    {
        var samples = new SampleTable("numbers", ["a"], [1, 2, 3], ["y"], [1, 2, 3]);
        Assert.Contains(
            "only tables (CSV, Parquet) have columns by name", DataTestFiles.Error(
                () => DataLoader.From(
                    samples, new DataDescription { Split = new() { Order = SplitOrder.Time, By = "a" } },
                    DataTestFiles.Squared), FailureKind.Configuration), StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_s_own_rows_are_divided_by_their_properties()
    {
        Visit[] visits = [.. Enumerable.Range(0, 60).Select(i => new Visit(
            i, 1_000_000_007L + (i % 12), new DateTime(2024, 1, 1).AddHours(i * 37 % 60), i % 3))];
        DataParts Of(SplitOrder order, string by) => DataLoader.FromRows(
            visits, new DataDescription { Targets = ["Cost"], Split = new() { Order = order, By = by } },
            DataTestFiles.Squared);
        Assert.Equal(12, RowsOf(Of(SplitOrder.Group, "Patient")).Sum(
            part => part.Select(row => row % 12).Distinct().Count()));
        Assert.Equal(
            visits.OrderBy(visit => visit.Day).TakeLast(12).Select(visit => (int)visit.Number).Order(),
            RowsOf(Of(SplitOrder.Time, "Day"))[2]);
        Assert.Contains("the column holds dates as such, which say no groups", DataTestFiles.Error(
            () => Of(SplitOrder.Group, "Day")), StringComparison.Ordinal);
    }

    private sealed record Visit(float Number, long Patient, DateTime Day, double Cost);

    private static TextColumn Texts(int[] values)
    {
        var column = new TextColumn("g");
        foreach (int value in values)
            column.Add(value.ToString(CultureInfo.InvariantCulture));
        return column;
    }
}
