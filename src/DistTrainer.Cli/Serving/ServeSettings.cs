using System.Net;

namespace DistTrainer.Cli.Serving;

/// <summary>How <c>disttrainer serve</c> answers.</summary>
internal sealed record ServeSettings
{
    /// <summary>The address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port to listen on; 0 takes a free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>Most rows of one request.</summary>
    public int MaxRows { get; init; } = 1024;

    /// <summary>Most bytes of one request's body.</summary>
    public int MaxBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Most requests that are read, wait or are computed at the same time; more are turned away with 503.
    /// </summary>
    public int MaxRequests { get; init; } = 128;

    /// <summary>
    /// How long a request may wait for others that are computed with it; without, only those are that came while the
    /// batch before was computed.
    /// </summary>
    public TimeSpan BatchWait { get; init; }

    /// <summary>Rows of a batch that do not wait for more.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>Threads that compute batches.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>What a client must show as <c>Authorization: Bearer …</c>; null asks for nothing.</summary>
    public string? Token { get; init; }
}
