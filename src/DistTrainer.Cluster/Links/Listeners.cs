using Akka.Actor;

namespace DistTrainer.Cluster.Links;

/// <summary>
/// Who on a node takes parameters in, of one generation. Never goes back to an older one: the run and the workers of a
/// node join each on its own, so one may still join a generation that is over for another.
/// </summary>
internal sealed class Listeners
{
    private volatile Joined _joined = new(0, [], []);

    private sealed record Joined(int Generation, IReadOnlyList<IActorRef> Workers, IReadOnlyList<IActorRef> Runs);

    /// <summary>The newest generation that anyone has joined.</summary>
    public int Generation => _joined.Generation;

    /// <summary>Someone joins; one at a time.</summary>
    /// <param name="generation">The generation.</param>
    /// <param name="audience">What the listener is.</param>
    /// <param name="listener">Who it is; a second call changes nothing.</param>
    /// <returns>Whether the generation is new here.</returns>
    /// <exception cref="IOException">The generation is over.</exception>
    public bool Join(int generation, Audience audience, IActorRef listener)
    {
        Joined joined = _joined;
        if (generation < joined.Generation)
            throw new IOException($"generation {generation} is over; this node is in generation {joined.Generation}.");
        bool isNew = generation > joined.Generation;
        if (isNew)
            joined = new Joined(generation, [], []);
        _joined = audience == Audience.Run
            ? joined with { Runs = [.. joined.Runs.Union([listener])] }
            : joined with { Workers = [.. joined.Workers.Union([listener])] };
        return isNew;
    }

    /// <summary>
    /// Who is to hear of parameters of a generation: nobody where it is another one, whose floats have no place.
    /// </summary>
    /// <param name="generation">The generation.</param>
    /// <param name="audience">Workers, or the run.</param>
    public IReadOnlyList<IActorRef> Of(int generation, Audience audience)
    {
        Joined joined = _joined;
        return generation != joined.Generation ? [] : audience == Audience.Run ? joined.Runs : joined.Workers;
    }
}
