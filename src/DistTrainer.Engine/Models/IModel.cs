namespace DistTrainer.Engine.Models;

/// <summary>A part of the flat parameter vector.</summary>
/// <param name="Offset">Index of its first parameter.</param>
/// <param name="Length">How many; 0 is a part without parameters.</param>
public readonly record struct ParameterSlice(int Offset, int Length)
{
    /// <summary>Index one past the last parameter.</summary>
    public int End => Offset + Length;
}

/// <summary>
/// What is trained: all that a run must know of a model. It is computed in stages, one after another forward and in
/// reverse backward, so that a stage can begin as soon as its parameters are in, and its gradient can leave while
/// earlier stages are still computed. <see cref="Network"/> is the one that job files describe. Immutable; the workers
/// of a process share it.
/// </summary>
public interface IModel
{
    /// <summary>
    /// What decides the bits of a gradient beside job, data, plug-ins and this program's version, which nodes compare
    /// anyway: an engine's name and version, its kind of arithmetic. A node whose model has another one is refused. One
    /// line; empty for <see cref="Network"/>.
    /// </summary>
    string Identity { get; }

    /// <summary>Which tensor lies where in the flat vector.</summary>
    ParameterLayout Layout { get; }

    /// <summary>Features in, ≥ 1.</summary>
    int Inputs { get; }

    /// <summary>Values out, ≥ 1.</summary>
    int Outputs { get; }

    /// <summary>Number of stages, ≥ 1.</summary>
    int Stages { get; }

    /// <summary>The parameters that a stage reads, and whose gradient it makes.</summary>
    /// <param name="stage">
    /// 0 … <see cref="Stages"/> − 1, from inputs to outputs. Stages overlap nowhere and cover the whole vector.
    /// </param>
    ParameterSlice ParametersOf(int stage);

    /// <summary>First values of all parameters: a pure function of the model and the seed.</summary>
    /// <param name="seed">The job's seed.</param>
    float[] InitialParameters(ulong seed);

    /// <summary>Makes what computes, with memory of its own, for one worker.</summary>
    /// <param name="maximumRows">Most rows of one batch, ≥ 1.</param>
    /// <param name="targetWidth">Targets a sample, ≥ 1.</param>
    /// <param name="threads">Threads that may share the work, with the calling one; ≥ 1. They change no bit.</param>
    /// <param name="forTraining">Whether gradients will be asked for; evaluation alone needs less memory.</param>
    /// <param name="begin">
    /// Where to begin among the outputs of a layer, as a share of them, 0 ≤ begin &lt; 1; changes no bit. Workers of
    /// one node begin at different places, so that they do not all ask for the same memory at the same moment.
    /// </param>
    IGradientEngine CreateEngine(int maximumRows, int targetWidth, int threads, bool forTraining, double begin = 0);
}
