using System.Security.Cryptography;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Samples that are read by their numbers, 0 … <see cref="Count"/> − 1, ready for training: features scaled, classes
/// numbered. <see cref="DataSet"/> has them in memory. A sample must be the same bits whenever, wherever and together
/// with whatever others it is read, since the parameters' bits follow from it. The workers of a process share a source:
/// all members are called from several threads at once.
/// </summary>
public interface ISampleSource
{
    /// <summary>Samples, ≥ 0. A run takes up to 2,147,483,591 a part.</summary>
    long Count { get; }

    /// <summary>Features a sample, ≥ 1.</summary>
    int FeatureCount { get; }

    /// <summary>Targets a sample, ≥ 1.</summary>
    int TargetWidth { get; }

    /// <summary>Copies samples out. A step waits for it; allocate nothing that grows with the samples.</summary>
    /// <param name="samples">Their numbers, in any order.</param>
    /// <param name="features">
    /// [samples, <see cref="FeatureCount"/>] row-major, overwritten; empty where only targets are wanted.
    /// </param>
    /// <param name="targets">
    /// [samples, <see cref="TargetWidth"/>] row-major, overwritten; a class number for classification; empty where only
    /// features are wanted.
    /// </param>
    /// <exception cref="DistTrainerException">
    /// They cannot be read (<see cref="FailureKind.Data"/>); the worker that asked fails with that reason.
    /// </exception>
    void Read(ReadOnlySpan<int> samples, Span<float> features, Span<float> targets);

    /// <summary>Whether samples have weights other than 1.</summary>
    bool HasWeights => false;

    /// <summary>
    /// Copies the samples' weights: how much each counts in losses and gradients, which are divided by their sum.
    /// </summary>
    /// <param name="samples">Their numbers, in any order.</param>
    /// <param name="weights">[samples], overwritten; finite, ≥ 0.</param>
    void ReadWeights(ReadOnlySpan<int> samples, Span<float> weights) => weights.Fill(1);

    /// <summary>
    /// Hears which samples the caller will read next, while it computes with those that it has: time to fetch them.
    /// Only a hint, and it must return at once: others may be read, and these perhaps never, or by another node.
    /// </summary>
    /// <param name="samples">Their numbers, in the order of the coming <see cref="Read"/>.</param>
    void Expect(ReadOnlySpan<int> samples);

    /// <summary>
    /// Adds what makes the samples these and no others: the values themselves, or a digest that is kept with them.
    /// Nodes, checkpoints and ledger compare the hash that comes of it.
    /// </summary>
    /// <param name="hash">Added to.</param>
    void AddTo(IncrementalHash hash);
}
