using System.Globalization;
using System.Text.Json;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// What lies in a part file: for each vector (the parameters, each slot, the best parameters) the stretch
/// start … end − 1 of the flat vector, tensor by tensor. So within a vector the floats lie as in the flat vector, and
/// any range of it can be read without looking at names; the names are for people and for PyTorch: <c>0.weight</c>,
/// <c>exp_avg/0.weight</c>, <c>best/0.weight</c>, and <c>0.weight[20:40]</c> for rows 20 … 39.
/// </summary>
internal static class PartFormat
{
    /// <summary>Prefix of the best parameters.</summary>
    public const string Best = "best";

    /// <summary>The vectors' prefixes in order; null for the parameters.</summary>
    public static IReadOnlyList<string?> Vectors(IReadOnlyList<string> slots, bool hasBest) =>
        hasBest ? [null, .. slots, Best] : [null, .. slots];

    /// <summary>A file's texts: whose part it is.</summary>
    public static Dictionary<string, string> Metadata(string run, long step, int start, int end) => new()
    {
        ["format"] = "disttrainer-checkpoint-part",
        ["run"] = run,
        ["step"] = step.ToString(CultureInfo.InvariantCulture),
        ["elements"] = string.Create(CultureInfo.InvariantCulture, $"{start}:{end}"),
    };

    /// <summary>The tensors' stretches within start … end − 1, in order.</summary>
    /// <exception cref="ArgumentException">Start or end lies within a row.</exception>
    public static IReadOnlyList<Piece> Pieces(ParameterLayout layout, int start, int end)
    {
        var pieces = new List<Piece>();
        foreach (ParameterTensor tensor in layout.Tensors)
        {
            int from = Math.Max(start, tensor.Offset), to = Math.Min(end, tensor.End);
            if (from >= to)
                continue;
            int row = tensor.Length / tensor.Shape[0];
            if ((from - tensor.Offset) % row != 0 || (to - tensor.Offset) % row != 0)
                throw new ArgumentException($"Elements {start} to {end} cut a row of {tensor.Name}.");
            int first = (from - tensor.Offset) / row, last = (to - tensor.Offset) / row;
            string name = last - first == tensor.Shape[0] ? tensor.Name : string.Create(
                CultureInfo.InvariantCulture, $"{tensor.Name}[{first}:{last}]");
            pieces.Add(new Piece(name, [last - first, .. tensor.Shape.Skip(1)], from - start, to - from));
        }
        return pieces;
    }

    /// <summary>The content of a part file.</summary>
    public static SafeTensors Content(CheckpointTarget target, ParameterLayout layout, ParameterShardCopy copy)
    {
        IReadOnlyList<Piece> pieces = Pieces(layout, copy.Start, copy.End);
        var tensors = new List<NamedTensor>();
        foreach ((string? vector, float[] values) in Vectors(copy.SlotNames, copy.HasBest).Zip(copy.Vectors()))
            tensors.AddRange(
                pieces.Select(
                    piece =>
                    new NamedTensor(piece.NameIn(vector), piece.Shape, values.AsMemory(piece.Offset, piece.Length))));
        return new SafeTensors(Metadata(target.Run, target.Step, copy.Start, copy.End), tensors);
    }

    /// <summary>A name from a file, safe to print.</summary>
    public static string Show(string? name) =>
        name is null ? "(none)" : JsonSerializer.Serialize(name.Length > 80 ? name[..80] + "…" : name);

    /// <summary>Whole rows of one tensor within a part.</summary>
    /// <param name="Name">The tensor's name, with the rows where they are not all.</param>
    /// <param name="Shape">Rows and the tensor's other dimensions.</param>
    /// <param name="Offset">First element within the part.</param>
    /// <param name="Length">Number of elements.</param>
    internal sealed record Piece(string Name, int[] Shape, int Offset, int Length)
    {
        /// <summary>The name within a vector.</summary>
        public string NameIn(string? vector) => vector is null ? Name : $"{vector}/{Name}";
    }
}
