namespace DistTrainer.Transport;

/// <summary>The peer speaks another version of the protocol.</summary>
/// <param name="peerVersion">Its version.</param>
internal sealed class ProtocolVersionException(ushort peerVersion) : IOException(
    $"The peer speaks version {peerVersion} of the data plane's protocol, this node version {Frame.ProtocolVersion}: "
        + "run the same release of disttrainer on all nodes.");
