using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace DistTrainer.Cli.Serving;

/// <summary>
/// Bounds the connections of a server without shutting anybody out: where one more comes than may be open, the one that
/// has been without a request for longest is closed. So connections on which nothing is asked (half a header, kept open
/// and idle) never stand in the way of one on which something is. May be called from any thread.
/// </summary>
/// <param name="most">How many may be open at a time, ≥ 1.</param>
internal sealed class ConnectionLimit(int most)
{
    private readonly object _gate = new();
    private readonly Dictionary<string, LinkedListNode<ConnectionContext>> _open = new(StringComparer.Ordinal);
    private readonly LinkedList<ConnectionContext> _idle = new(); // the one that has been so for longest first

    /// <summary>Stands round a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="next">Serves it.</param>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (Enter(connection) is { } longestIdle)
        {
            longestIdle.Abort(new ConnectionAbortedException("There are too many connections."));
            if (longestIdle == connection)
                return;
        }
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(connection.ConnectionId);
        }
    }

    /// <summary>Stands round a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">Answers it.</param>
    public async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        Move(context.Connection.Id, isIdle: false);
        try
        {
            await next(context);
        }
        finally
        {
            Move(context.Connection.Id, isIdle: true);
        }
    }

    /// <summary>Takes a connection in.</summary>
    /// <returns>What is to be closed for it, itself where all others have requests; null: nothing.</returns>
    private ConnectionContext? Enter(ConnectionContext connection)
    {
        lock (_gate)
        {
            ConnectionContext? closed = _open.Count < most ? null : _idle.First?.Value ?? connection;
            if (closed is not null && closed != connection)
                Leave(closed.ConnectionId);
            if (closed != connection)
                _open[connection.ConnectionId] = _idle.AddLast(connection);
            return closed;
        }
    }

    private void Leave(string id)
    {
        lock (_gate)
        {
            if (_open.Remove(id, out LinkedListNode<ConnectionContext>? node) && node.List is not null)
                _idle.Remove(node);
        }
    }

    private void Move(string id, bool isIdle)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue(id, out LinkedListNode<ConnectionContext>? node))
                return;
            if (node.List is not null)
                _idle.Remove(node);
            if (isIdle)
                _idle.AddLast(node);
        }
    }
}
