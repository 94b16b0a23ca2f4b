using DistTrainer.Engine;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// What must hold within a manifest whose bytes are whole. A person or a hostile program may have written it, so
/// nothing is believed: no length, no file name.
/// </summary>
internal static class ManifestChecks
{
    private const int MostFiles = 4096;
    private const int MostSlots = 8;
    private const int MostDimensions = 8;
    private const int LongestName = 500;

    /// <summary>Checks everything that needs no other file.</summary>
    /// <param name="manifest">With its files.</param>
    /// <param name="path">Its name in error messages.</param>
    /// <exception cref="DistTrainerException">Something does not hold
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static void Check(CheckpointManifest manifest, string path)
    {
        void Require(bool holds, string what)
        {
            if (!holds)
                throw ManifestFile.Refused(path, what);
        }

        CheckpointPosition position = manifest.Position;
        Require(
            manifest.Run.Length is > 0 and <= LongestName,
            $"names a run of {manifest.Run.Length} characters; 1 to {LongestName} are allowed");
        Require(
            manifest.Step >= 0 && manifest.Generation >= 0,
            $"is of step {manifest.Step} and generation {manifest.Generation}; both must be at least 0");
        Require(
            position.Epoch >= 0 && position.Cursor >= 0 && position.StepsPerEpoch >= 1 && position.EpochsDecided >= 0,
            $"stands at {position with { Sums = new Dictionary<string, double>() }}; epochs and cursor must be at "
                + "least 0, steps per epoch at least 1");
        Require(
            manifest.Optimizer.Slots.Count <= MostSlots,
            $"names {manifest.Optimizer.Slots.Count} slots; at most {MostSlots} are allowed");
        Require(manifest.Optimizer.Slots.Distinct()
            .Count() == manifest.Optimizer.Slots.Count && manifest.Optimizer.Slots.All(IsSlotName),
            "names optimizer slots that are not different words of lower-case letters, digits and underscores");
        CheckFiles(manifest.Files, CheckLayout(manifest.Layout, Require), Require);
    }

    private static bool IsSlotName(string? name) =>
        name is { Length: > 0 and <= LongestName } and not PartFormat.Best
            && name.All(c => c is '_' or (>= 'a' and <= 'z') or (>= '0' and <= '9'));

    private static long CheckLayout(IReadOnlyList<CheckpointTensor> layout, Action<bool, string> require)
    {
        var names = new HashSet<string>();
        long length = 0;
        for (int i = 0; i < layout.Count; i++)
        {
            CheckpointTensor? tensor = layout[i];
            require(
                tensor?.Name is { Length: > 0 and <= LongestName }
                && names.Add(tensor.Name), $"names tensor {i} not at all or twice");
            require(
                tensor!.Shape is { Count: > 0 and <= MostDimensions } && tensor.Shape.All(dimension => dimension > 0),
                $"gives tensor {tensor.Name} a shape that is not 1 to {MostDimensions} numbers from 1");
            long elements = 1;
            foreach (int dimension in tensor.Shape)
            {
                // Both factors are below 2^31, so the product fits before it is checked.
                elements *= dimension;
                require(
                    elements <= Array.MaxLength, $"gives tensor {tensor.Name} more than {Array.MaxLength} elements");
            }
            length += elements;
            require(length <= Array.MaxLength, $"describes more than {Array.MaxLength} parameters");
        }
        require(length > 0, "describes no parameters");
        return length;
    }

    private static void CheckFiles(IReadOnlyList<CheckpointFile> files, long length, Action<bool, string> require)
    {
        require(files.Count is > 0 and <= MostFiles, $"lists {files.Count} files; 1 to {MostFiles} are allowed");
        int end = 0;
        for (int i = 0; i < files.Count; i++)
        {
            CheckpointFile? file = files[i];
            string name = CheckpointTarget.PartName(i, files.Count);
            require(
                file?.Name == name,
                $"names the file {PartFormat.Show(file?.Name)}; file {i} of {files.Count} must be {name}");
            require(
                file!.Start == end && file.End > end,
                $"gives {name} the elements {file.Start} to {file.End}; they must begin at {end}, where the file "
                + "before ends");
            end = file.End;
        }
        require(end == length, $"lists files of {end} parameters; the layout has {length}");
    }
}
