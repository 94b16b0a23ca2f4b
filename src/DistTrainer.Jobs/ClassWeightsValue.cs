using System.Globalization;
using DistTrainer.Engine.Data;

namespace DistTrainer.Jobs;

/// <summary>The classes' weights: <c>none</c>, <c>balanced</c>, or a section of them.</summary>
internal sealed class ClassWeightsValue : JobValue<ClassWeights>
{
    private static readonly JobValue<double> s_weight = new ScalarValue<double>(
        ClassWeights.Allowed, text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double weight)
                && ClassWeights.IsWeight(weight) ? weight
                : throw new FormatException("is no weight"),
        weight => weight.ToString("R", CultureInfo.InvariantCulture));

    private static readonly MapValue<double> s_given = new(s_weight, "{ yes = 3, no = 1 }");

    /// <inheritdoc/>
    public override string Allowed => $"none, balanced, or {s_given.Allowed}";

    /// <inheritdoc/>
    public override ClassWeights Read(ConfigNode node, string path, ClassWeights current) => node switch
    {
        ConfigText { Value: null } => current,
        ConfigText { Value: "none" } => ClassWeights.None,
        ConfigText { Value: "balanced" } => ClassWeights.Balanced,
        ConfigText text => throw node.Refuse(
            path, $" = {ConfigNode.Show(text.Value!)} is not known; allowed: {Allowed}"),
        _ => ClassWeights.Of(s_given.Read(node, path, current.Given)),
    };

    /// <inheritdoc/>
    public override string? Write(ClassWeights value, JobWriter writer) =>
        value.IsBalanced ? "balanced" : s_given.Write(value.Given, writer) ?? "none";
}
