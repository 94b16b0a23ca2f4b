namespace DistTrainer.Jobs;

/// <summary>Makes the rows of one section's table of keys.</summary>
/// <typeparam name="TSection">The section's record.</typeparam>
internal static class JobTable<TSection>
{
    /// <summary>One key.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="meaning">What it means, with its unit; without a full stop.</param>
    /// <param name="value">Its type and range.</param>
    /// <param name="get">Takes it from the record.</param>
    /// <param name="set">Makes a record with it.</param>
    /// <param name="only">When it has an effect; null for always.</param>
    /// <param name="when">The same in words, e.g. "with sgd".</param>
    /// <param name="defaultText">The default in words where it depends on another key or on the machine.</param>
    public static JobKey<TSection> Key<T>(
        string name, string meaning, JobValue<T> value, Func<TSection, T> get, Func<TSection, T, TSection> set,
        Func<TSection, bool>? only = null, string when = "", string? defaultText = null) =>
        new JobKey<TSection, T>(value, get, set)
        {
            Name = name,
            Meaning = meaning,
            Only = only is null ? null : (only, when),
            DefaultText = defaultText,
        };
}
