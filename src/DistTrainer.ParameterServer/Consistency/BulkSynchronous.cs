namespace DistTrainer.ParameterServer.Consistency;

/// <summary>Every step is an end: all parameters are handed out after each, and gradients are handed in.</summary>
internal sealed class BulkSynchronous : IConsistency
{
    private BulkSynchronous()
    {
    }

    /// <summary>The only one: it has no settings.</summary>
    public static BulkSynchronous Instance { get; } = new();

    public long Next(long step) => step + 1;

    public long Before(long step) => step - 1;

    public long IndexOf(long step) => step;

    public bool IsLocal(long step) => false;
}
