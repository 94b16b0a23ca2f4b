using System.Runtime.InteropServices;

namespace DistTrainer.Cli;

/// <summary>
/// The first Ctrl+C, SIGTERM or SIGHUP (the terminal was closed) asks the run to stop after its open step; a second one
/// ends the process at once, but for SIGHUP, which shells send on to those who have it already.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<IDisposable> _registrations = [];
    private readonly TaskCompletionSource _unheard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isHeard;
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(200);
    private int _exitCode;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The exit code that the signal asks for; 0 where none came.</summary>
    public int ExitCode => Volatile.Read(ref _exitCode);

    /// <summary>
    /// Ends with a first signal that nobody listens to yet: nothing has begun that must be finished, so the command
    /// ends at once.
    /// </summary>
    public Task Unheard => _unheard.Task;

    /// <summary>From now on the command itself ends what it has begun, in good order.</summary>
    /// <returns>Cancelled by the first signal.</returns>
    public CancellationToken Listen()
    {
        _isHeard = true;
        return Token;
    }

    /// <summary>Listens to the process's signals.</summary>
    /// <param name="last">What is done before a second one ends the process, if it takes no longer than a
    /// moment.</param>
    public static StopSignals Watch(Action last)
    {
        var signals = new StopSignals();
        signals._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            signals.Raise(ExitCodes.HungUp);
            context.Cancel = true;
        }));
        signals._registrations.Add(
            PosixSignalRegistration.Create(
                PosixSignal.SIGINT, context => signals.Handle(context, ExitCodes.Interrupted, last)));
        signals._registrations.Add(
            PosixSignalRegistration.Create(
                PosixSignal.SIGTERM, context => signals.Handle(context, ExitCodes.Terminated, last)));
        return signals;
    }

    /// <summary>Acts as a signal does.</summary>
    /// <param name="code">The exit code that it asks for.</param>
    /// <returns>Whether it was the first one.</returns>
    public bool Raise(int code)
    {
        if (Interlocked.CompareExchange(ref _exitCode, code, 0) != 0)
            return false;
        _source.Cancel();
        if (!_isHeard)
            _unheard.TrySetResult();
        return true;
    }

    /// <summary>Listens, and ends with the first signal.</summary>
    public async Task WaitAsync()
    {
        Listen();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = _source.Token.Register(told.SetResult);
        await told.Task;
    }

    /// <summary>No longer listens.</summary>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }

    // A second signal is left to the system, which ends the process with 128 + its number.
    private void Handle(PosixSignalContext context, int code, Action last)
    {
        context.Cancel = Raise(code);
        if (context.Cancel)
            return;
        var helper = new Thread(() => last()) { IsBackground = true };
        helper.Start();
        helper.Join(s_moment);
    }
}
