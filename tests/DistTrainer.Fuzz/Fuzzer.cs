using System.Diagnostics;
using System.Globalization;

namespace DistTrainer.Fuzz;

/// <summary>What came of one reader.</summary>
/// <param name="Reader">Its name.</param>
/// <param name="Inputs">Inputs that it was given.</param>
/// <param name="Accepted">Those that it read.</param>
/// <param name="Findings">Those that it neither read nor refused as it may.</param>
/// <param name="Seconds">Time.</param>
/// <param name="MostAllocated">Most bytes that it allocated for one input.</param>
internal sealed record FuzzOutcome(
    string Reader, long Inputs, long Accepted, long Findings, double Seconds, long MostAllocated)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Reader}: {Inputs} inputs, {100.0 * Accepted / Inputs:F1} % read, {Findings} findings, "
            + $"{Inputs / Seconds:F0} inputs/s, at most {MostAllocated} bytes allocated for one");
}

/// <summary>Gives a reader mutated inputs and watches what it does.</summary>
/// <param name="reader">The reader.</param>
/// <param name="failures">Where inputs that are findings are written.</param>
internal sealed class Fuzzer(FuzzReader reader, string failures)
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(2);
    private readonly Dictionary<string, int> _known = [];
    private long _mostAllocated;

    /// <summary>Runs inputs 0 … inputs − 1 of a number.</summary>
    public FuzzOutcome Run(long inputs, int number)
    {
        IReadOnlyList<Seed> seeds = reader.Seeds();
        foreach (Seed seed in seeds)
        {
            // What is made once and kept is made now, and a seed that is refused would test nothing.
            if ((Examine(seed, out string? refusal) ?? refusal) is { } problem)
                throw new InvalidOperationException($"{reader.Name}: the seed {seed.Role} is not read: {problem}");
        }
        var mutator = new Mutator(seeds, number);
        (long read, long findings, var watch) = (0, 0, Stopwatch.StartNew());
        using var guard = new HangGuard(reader.Name, failures);
        for (long n = 0; n < inputs; n++)
        {
            Seed input = mutator.Make(n, out bool isSealed);
            if (isSealed)
                input = input with { Bytes = reader.Seal(input.Role, input.Bytes) };
            guard.Begin(n, input);
            string? problem = Examine(input, out string? refusal);
            read += problem is null && refusal is null ? 1 : 0;
            if (problem is null)
                continue;
            findings++;
            Report(n, input, problem);
        }
        return new FuzzOutcome(reader.Name, inputs, read, findings, watch.Elapsed.TotalSeconds, _mostAllocated);
    }

    /// <summary>Gives the reader one input.</summary>
    /// <param name="input">The input.</param>
    /// <param name="refusal">What the reader said if it refused it; null if it was read.</param>
    /// <returns>What the reader did and may not; null if all is well.</returns>
    public string? Examine(Seed input, out string? refusal)
    {
        string? problem = Once(input, out refusal);
        // A pause of the machine or something made once looks like a finding too, but not twice.
        return problem is null ? null : Once(input, out refusal);
    }

    private string? Once(Seed input, out string? refusal)
    {
        long before = reader.Allocated();
        long start = Stopwatch.GetTimestamp();
        refusal = null;
        try
        {
            reader.Read(input.Role, input.Bytes);
        }
        catch (Exception failure) when (reader.IsRefusal(failure))
        {
            refusal = failure.Message;
        }
        catch (Exception failure)
        {
            return failure.ToString();
        }
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        long allocated = reader.Allocated() - before;
        if (time > s_longest)
            return string.Create(CultureInfo.InvariantCulture, $"took {time.TotalSeconds:F1} s");
        if (allocated > reader.Allowed(input))
            return string.Create(
                CultureInfo.InvariantCulture,
                $"allocated {allocated} bytes for {input.Bytes.Length}; allowed are {reader.Allowed(input)}");
        _mostAllocated = Math.Max(_mostAllocated, allocated);
        return null;
    }

    private void Report(long n, Seed input, string problem)
    {
        string kind = new([.. string.Join('\n', problem.Split('\n').Take(4)).Where(c => !char.IsAsciiDigit(c))]);
        _known[kind] = _known.GetValueOrDefault(kind) + 1;
        if (_known[kind] > 1)
            return;
        string path = FailureFile.Write(failures, reader.Name, n, input);
        Console.WriteLine(
            $"{reader.Name}: input {n.ToString(CultureInfo.InvariantCulture)}, replay with --reader {reader.Name} "
            + $"--replay {path}\n{problem}");
    }
}

/// <summary>Inputs that are findings: one file each, in a folder that is named for reader and input.</summary>
internal static class FailureFile
{
    /// <summary>Writes one.</summary>
    /// <returns>Its path; the file is called by the input's role.</returns>
    public static string Write(string folder, string reader, long n, Seed input)
    {
        string path = Path.Combine(
            Directory.CreateDirectory(Path.Combine(folder, $"{reader}-{n.ToString(CultureInfo.InvariantCulture)}"))
            .FullName, input.Role);
        File.WriteAllBytes(path, input.Bytes);
        return path;
    }

    /// <summary>Reads one back.</summary>
    public static Seed Read(string path) => new(Path.GetFileName(path), File.ReadAllBytes(path));
}
