using DistTrainer.Cluster.Serialization;

namespace DistTrainer.Cluster.Protocol;

/// <summary>
/// Marks a control message that may travel between nodes. It is a sealed record whose values are numbers, texts, enums,
/// times, other such records, actor references, and arrays, <c>ImmutableList</c> or <c>ImmutableArray</c> of them; a
/// collection behind an interface must be an array when it is sent (see <see cref="ControlTypes"/>).
/// </summary>
public interface IControlMessage;
