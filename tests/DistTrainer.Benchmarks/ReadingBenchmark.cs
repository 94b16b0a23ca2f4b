using System.Diagnostics;
using System.Globalization;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;

namespace DistTrainer.Benchmarks;

/// <summary>Reads a file once: a process reads one thing, so that its peak memory says something.</summary>
internal static class ReadingBenchmark
{
    /// <summary>Reads a file, and prints how long it took.</summary>
    /// <param name="path">The file; its last column, or the array beside it, is a number to predict.</param>
    /// <param name="whole">Whether it is also divided, looked at, scaled and hashed, as a run does it; else a CSV file
    /// becomes columns only.</param>
    public static void Run(string path, bool whole)
    {
        var watch = Stopwatch.StartNew();
        if (whole)
            DataLoader.Load(
                new DataDescription { Source = path, Normalization = NormalizationKind.Standardize },
                new LossDescription { Kind = "mean-squared-error" });
        else
            CsvTableReader.Read(path, new ReadRequest());
        double seconds = watch.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"seconds\": {seconds:F3}, \"peak_mib\": {PeakMemory.Mebibytes():F0}}}"));
    }
}
