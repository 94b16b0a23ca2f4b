using System.Text;
using DistTrainer.Engine;
using DistTrainer.Engine.Training;

namespace DistTrainer.Jobs;

/// <summary>A text that says something about a job.</summary>
/// <param name="Text">HOCON (JSON is HOCON too).</param>
/// <param name="Origin">Its name in messages: a file's name or an option's.</param>
public sealed record JobSource(string Text, string Origin)
{
    /// <summary>
    /// Whether it is a built-in job: where a text over it takes another optimizer, what it says of its own one does not
    /// count.
    /// </summary>
    internal bool IsBuiltIn { get; init; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistTrainerException">It cannot be read (<see cref="FailureKind.Configuration"/>).</exception>
    public static JobSource FromFile(string path)
    {
        try
        {
            // A pipe or device does not tell its length, and may have no end.
            using var reader = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var text = new StringBuilder();
            char[] part = new char[4096];
            while (text.Length <= HoconGuard.LargestText && reader.Read(part) is var count and > 0)
                text.Append(part, 0, count);
            return text.Length <= HoconGuard.LargestText
                ? new JobSource(text.ToString(), path)
                : throw new DistTrainerException(
                    FailureKind.Configuration,
                    $"{path}: is larger than a job file may be ({HoconGuard.LargestText} characters).");
        }
        catch (Exception failure) when (
            failure is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            string reason = failure is DecoderFallbackException ? "is not UTF-8 text"
                : $"cannot be read ({failure.Message.TrimEnd('.')})";
            throw new DistTrainerException(FailureKind.Configuration, $"{path}: {reason}.", failure);
        }
    }

    /// <summary>A single key whose value is one text, as an option of the command line has it.</summary>
    /// <param name="key">The key's full name.</param>
    /// <param name="value">Its value, taken literally.</param>
    /// <param name="origin">The option's name.</param>
    public static JobSource FromOption(string key, string value, string origin) =>
        new($"{key} = {JobValues.Quote(value)}", origin);
}

/// <summary>A job and how to run it, as a job file has them.</summary>
/// <param name="Job">What to train.</param>
/// <param name="Run">How to run it.</param>
public sealed record JobFile(JobDescription Job, RunSettings Run)
{
    /// <summary>Reads a job from texts laid over one another, and checks it.</summary>
    /// <param name="sources">The lowest first: a later text's keys win.</param>
    /// <exception cref="DistTrainerException">Something is wrong; the message names the text, the key, the value and
    /// what is allowed (<see cref="FailureKind.Configuration"/>).</exception>
    public static JobFile Read(params IEnumerable<JobSource> sources)
    {
        (ConfigObject Text, bool IsBuiltIn)[] texts =
            [.. sources.Select(source => (HoconText.Parse(source.Text, source.Origin), source.IsBuiltIn))];
        string? kind = KindOf(Merge(texts.Select(one => one.Text)));
        ConfigObject all = Merge(texts.Select(one => one.IsBuiltIn && KindOf(one.Text) != kind
            ? one.Text.Without(Optimizer) : one.Text));
        JobFile file = JobKeys.Root.Read(all, "", JobKeys.Root.Defaults);
        JobChecks.Check(file, all);
        return file;
    }

    private const string Optimizer = "optimizer";

    private static ConfigObject Merge(IEnumerable<ConfigObject> texts) => texts.Aggregate(
        new ConfigObject(new Dictionary<string, ConfigNode>(), "job"), (below, above) => below.Under(above) with
        {
            Origin = above.Origin,
        });

    private static string? KindOf(ConfigObject text) => text.Items.GetValueOrDefault(Optimizer) switch
    {
        ConfigText name => name.Value,
        ConfigObject section => (section.Items.GetValueOrDefault("kind") as ConfigText)?.Value,
        _ => null,
    };

    /// <summary>The job as a job file.</summary>
    /// <param name="comments">Whether every key is explained.</param>
    /// <returns>HOCON that <see cref="Read"/> reads back to the same job.</returns>
    public string Write(bool comments = false) => new JobWriter(0, comments).Keys(JobKeys.Root, this);
}
