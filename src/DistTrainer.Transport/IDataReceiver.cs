namespace DistTrainer.Transport;

/// <summary>Who dials: the first thing that a listener learns of a peer that knows its token.</summary>
/// <param name="RunId">The run that it belongs to, ≤ 200 characters.</param>
/// <param name="Node">Its node name, ≤ 200 characters.</param>
internal sealed record Hello(string RunId, string Node);

/// <summary>
/// What a process does with what arrives. Of one connection, <see cref="Opened"/> comes first, <see cref="Closed"/>
/// comes last, each exactly once, and everything between comes in the order of sending, all on the connection's reader
/// thread. A slow or blocking receiver holds up its own connection only. An exception closes the connection, as its
/// cause.
/// </summary>
internal interface IDataReceiver
{
    /// <summary>
    /// Listener's side, on the thread of the handshake: may this peer, which knows the token, come in?
    /// </summary>
    /// <param name="hello">Who it is.</param>
    /// <returns>The reason is told to the peer and logged if it is not accepted.</returns>
    (bool Accepted, string Reason) Admit(Hello hello);

    /// <summary>The handshake is done, on either side; from now on the connection carries data.</summary>
    /// <param name="connection">The connection.</param>
    void Opened(DataConnection connection);

    /// <summary>
    /// Where the floats of one frame go. They lie there before their checksum is known to be right; if it is not, the
    /// connection closes. So they count only once a message that was sent after them has arrived.
    /// </summary>
    /// <param name="connection">Where they come from.</param>
    /// <param name="header">What they are; this header has passed its own checksum, so the place is right.</param>
    /// <returns>Exactly <c>header.Count</c> floats, or an empty span to read and discard them (an old generation, an
    /// unknown stream).</returns>
    Span<float> Place(DataConnection connection, in FloatsHeader header);

    /// <summary>A small message; all floats sent before it are in place and have passed their checksums.</summary>
    /// <param name="connection">Where it comes from.</param>
    /// <param name="kind">As sent.</param>
    /// <param name="body">As sent; valid during the call.</param>
    void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body);

    /// <summary>The connection is closed.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="cause">What was wrong (checksum, protocol, reset, end of the peer's process); null: closed on this
    /// side.</param>
    void Closed(DataConnection connection, Exception? cause);

    /// <summary>Short JSON about this process, ≤ 4096 bytes, for anybody who asks.</summary>
    string Health();
}
