using DistTrainer.Engine.Data;

namespace DistTrainer.Fuzz;

/// <summary>IDX images or labels, each with a valid file of the other kind beside it.</summary>
internal sealed class IdxFuzz() : FuzzReader("idx", 200_000, 10)
{
    private readonly string _images = Scratch.Write(
        "images.idx3", [0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 2, .. new byte[24]]);
    private readonly string _labels = Scratch.Write("labels.idx1", [0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 2, 0, 1, 2]);

    /// <inheritdoc/>
    public override void Read(string role, byte[] input)
    {
        string path = Scratch.Write("input.idx", input);
        bool isLabels = role.Contains("labels", StringComparison.Ordinal);
        IdxReader.Read(isLabels ? _images : path, isLabels ? path : _labels);
    }
}

/// <summary>CSV of numbers, or with the names of classes in the last column.</summary>
internal sealed class CsvFuzz() : FuzzReader("csv", 250_000, 200)
{
    /// <inheritdoc/>
    public override void Read(string role, byte[] input) =>
        CsvTableReader.Read(Scratch.Write("input.csv", input), new ReadRequest
        {
            TextTargets = role.Contains("classes", StringComparison.Ordinal),
        });
}

/// <summary>
/// NumPy arrays: features in a .npy beside valid targets, targets beside valid features, both in a .npz. .NET's reader
/// of the ZIP method Deflate64 has tables and a window of 350,000 bytes, whatever it reads.
/// </summary>
internal sealed class NpyFuzz() : FuzzReader("npy", 450_000, 20)
{
    private static readonly byte[] s_targets = Npy("|u1", "(6,)", new byte[6]);
    private static readonly byte[] s_features = Npy("<f4", "(6, 2)", new byte[48]);

    /// <inheritdoc/>
    public override void Read(string role, byte[] input)
    {
        if (role.EndsWith(".npz", StringComparison.Ordinal))
        {
            NpyReader.Read(Scratch.Write("input.npz", input), new ReadRequest());
            return;
        }
        bool isTargets = role.EndsWith("y.npy", StringComparison.Ordinal);
        Scratch.Write("input-y.npy", isTargets ? input : s_targets);
        NpyReader.Read(Scratch.Write("input-x.npy", isTargets ? s_features : input), new ReadRequest());
    }

    private static byte[] Npy(string type, string shape, byte[] values)
    {
        byte[] header = System.Text.Encoding.ASCII.GetBytes(
            $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. values];
    }
}

/// <summary>Parquet, read by a native library, whose own memory is not counted.</summary>
internal sealed class ParquetFuzz() : FuzzReader("parquet", 4_000_000, 1000)
{
    /// <inheritdoc/>
    public override void Read(string role, byte[] input) =>
        ParquetTableReader.Read(Scratch.Write("input.parquet", input), new ReadRequest { TextTargets = true });
}
