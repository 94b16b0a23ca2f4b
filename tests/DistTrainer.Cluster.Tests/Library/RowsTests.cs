using System.Data;
using DistTrainer.Cluster.Library;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Library;

/// <summary>A program's own objects are a table.</summary>
public sealed class RowsTests
{
    private enum Heating
    {
        Gas,
        Oil,
    }

    private sealed record Flat(
        string? City, double? Rooms, bool HasLift, DateTime Built, Heating Heating, int Floor, decimal Price);

    private static readonly string[] s_cities = ["Kiel", "Ulm", "Bonn"];

    private static List<Flat> Flats(int count) => [.. Enumerable.Range(0, count).Select(i => new Flat(
        i % 11 == 0 ? null : s_cities[i % 3], i % 7 == 0 ? null : 1 + (i * 5 % 9), i % 2 == 0,
        new DateTime(1950, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(i * 97 % 20_000), (Heating)(i / 2 % 2), i % 5,
        (100 * (i % 3)) + (30 * (i * 5 % 9)) + (i % 2 == 0 ? 20 : 0)))];

    [Fact]
    public async Task A_value_is_learned_from_properties_and_predicted_for_new_objects()
    {
        FitResult result = await Trainer.FitAsync(Flats(300), nameof(Flat.Price));
        Assert.Equal(
            [ColumnKind.Category, ColumnKind.Number, ColumnKind.YesNo, ColumnKind.Date, ColumnKind.Category,
                ColumnKind.Number], result.Model.Schema.Columns.Select(column => column.Kind));
        List<Flat> known = [.. Flats(300).Where(flat => flat is { City: not null, Rooms: not null })];
        float[] predicted = result.Model.PredictRows(known);
        double mean = known.Average(flat => (double)flat.Price);
        double left = known.Zip(predicted).Sum(pair => Math.Pow((double)pair.First.Price - pair.Second, 2));
        Assert.InRange(1 - (left / known.Sum(flat => Math.Pow((double)flat.Price - mean, 2))), 0.9, 1);
        Assert.Equal(
            predicted[..1], result.Model.PredictRows([new { known[0].Rooms, known[0].City, known[0].HasLift,
                known[0].Built, known[0].Heating, known[0].Floor }]));
    }

    [Fact]
    public async Task Classes_are_learned_from_texts_and_the_model_outlives_its_file()
    {
        FitResult result = await Trainer.FitAsync(Flats(150), nameof(Flat.City));
        string path = Path.GetTempFileName();
        try
        {
            result.Model.Save(path);
            TrainedModel loaded = ModelFile.Load(path);
            string[] classes = loaded.PredictRowClasses(Flats(20));
            Assert.Equal(result.Model.PredictRowClasses(Flats(20)), classes);
            Assert.Equal(s_cities.Order(), loaded.Schema.ClassNames);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_data_reader_gives_what_objects_give()
    {
        var table = new DataTable();
        table.Columns.Add("City", typeof(string));
        table.Columns.Add("Rooms", typeof(double));
        table.Columns.Add("Built", typeof(DateTime));
        table.Columns.Add("Price", typeof(decimal));
        var rows = Flats(60).Select(flat => new { flat.City, flat.Rooms, flat.Built, flat.Price }).ToList();
        foreach (var row in rows)
            table.Rows.Add(row.City, row.Rooms, row.Built, row.Price);
        var description = new DataDescription { Targets = ["Price"] };
        LossDescription loss = LossDescription.Of("mean-squared-error");
        using DataTableReader reader = table.CreateDataReader();
        Assert.Equal(
            DataLoader.FromRows(rows, description, loss).Hash, DataLoader.FromReader(reader, description, loss).Hash);
    }

    [Fact]
    public async Task What_cannot_be_a_column_is_named()
    {
        DistTrainerException wrong = await Assert.ThrowsAsync<DistTrainerException>(
            () => Trainer.FitAsync(Flats(3), "Prize"));
        Assert.Equal("Flat has no property 'Prize'; did you mean 'Price'?", wrong.Message);
        wrong = await Assert.ThrowsAsync<DistTrainerException>(
            () => Trainer.FitAsync([new { A = new int[2], B = 1.0 }], "B"));
        Assert.Contains("row 0, 'A': is a Int32[]; allowed: numbers, texts", wrong.Message, StringComparison.Ordinal);
        FitResult result = await Trainer.FitAsync(Flats(40), nameof(Flat.HasLift));
        wrong = Assert.Throws<DistTrainerException>(() => result.Model.PredictRows([new { City = "Ulm" }]));
        Assert.Contains("the model wants a column 'Rooms', which is not there", wrong.Message, StringComparison.Ordinal);
    }
}
