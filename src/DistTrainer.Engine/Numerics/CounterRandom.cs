namespace DistTrainer.Engine;

/// <summary>What random numbers are drawn for; different purposes never share a number.</summary>
public enum RandomPurpose
{
    /// <summary>First values of parameters.</summary>
    Initialization = 1,

    /// <summary>The order of samples in an epoch.</summary>
    Shuffle = 2,

    /// <summary>Dropout masks.</summary>
    Dropout = 3,

    /// <summary>The split into training, validation and test part.</summary>
    Split = 4,
}
