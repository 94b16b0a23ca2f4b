namespace DistTrainer.Transport;

/// <summary>
/// The version of everything that nodes say to one another: control messages and frames of the data plane.
/// </summary>
internal static class ProtocolVersion
{
    /// <summary>
    /// The version that this program speaks. It rises with every change of a message or frame; nodes of different
    /// versions do not work together.
    /// </summary>
    public const int Current = 7;
}
