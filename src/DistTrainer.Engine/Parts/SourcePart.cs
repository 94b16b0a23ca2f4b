using DistTrainer.Engine.Data;

namespace DistTrainer.Engine.Parts;

/// <summary>
/// A data source that a job names by <c>data.source</c>. Its samples come in an order that is always the same: each
/// node reads for itself, and nodes whose data differ by a bit are refused.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="read">Reads or makes all samples, from its settings, which are checked; called once a run on each
/// node.</param>
/// <param name="settings">Its settings.</param>
public sealed class SourcePart(
    string name, Func<PartSettings, SampleTable> read, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>Reads the samples.</summary>
    /// <param name="settings">Its settings.</param>
    /// <exception cref="DistTrainerException">One is wrong (<see cref="FailureKind.Configuration"/>).</exception>
    internal SampleTable Read(PartSettings settings)
    {
        Check(settings, "data");
        return read(settings);
    }
}
