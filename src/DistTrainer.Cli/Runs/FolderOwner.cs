namespace DistTrainer.Cli.Runs;

/// <summary>Whose a run folder is, as far as can be told at the moment.</summary>
internal enum FolderOwner
{
    /// <summary>This run's.</summary>
    Mine,

    /// <summary>Another coordinator's, or another run's: this one writes nothing more.</summary>
    Another,

    /// <summary>Nobody's: the folder, or what says whose it is, is not there.</summary>
    Missing,

    /// <summary>It cannot be read, which says nothing: network file systems do that for a while.</summary>
    Unreadable,
}
