using System.Globalization;

namespace DistTrainer.Engine;

/// <summary>
/// The section <c>settings</c> of a part that a plug-in makes. The part asks for each setting by its name; a setting that
/// nobody asks for is refused, because it is most likely misspelt.
/// </summary>
/// <param name="place">Where the section stands, for errors, e.g. <c>model.loss.settings</c>.</param>
/// <param name="values">The settings as they were written.</param>
public sealed class PluginSettings(string place, IReadOnlyDictionary<string, string> values)
{
    private readonly SortedSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>A number.</summary>
    /// <param name="name">The setting's name.</param>
    /// <param name="standard">What holds where it is not written.</param>
    /// <param name="least">Smallest that is allowed.</param>
    /// <param name="most">Largest that is allowed.</param>
    /// <exception cref="DistTrainerException">It is no number, or out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public float Number(string name, float standard, float least = float.MinValue, float most = float.MaxValue) =>
        Read(name, standard, least, most, "a number");

    /// <summary>A whole number.</summary>
    /// <param name="name">The setting's name.</param>
    /// <param name="standard">What holds where it is not written.</param>
    /// <param name="least">Smallest that is allowed.</param>
    /// <param name="most">Largest that is allowed.</param>
    /// <exception cref="DistTrainerException">It is no whole number, or out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public int Whole(string name, int standard, int least = int.MinValue, int most = int.MaxValue) =>
        Read(name, standard, least, most, "a whole number");

    /// <summary>True or false.</summary>
    /// <param name="name">The setting's name.</param>
    /// <param name="standard">What holds where it is not written.</param>
    /// <exception cref="DistTrainerException">It is neither (<see cref="FailureKind.Configuration"/>).</exception>
    public bool Flag(string name, bool standard) => Text(name, standard ? "true" : "false") switch
    {
        "true" => true,
        "false" => false,
        string text => throw Refuse(name, text, "true or false"),
    };

    /// <summary>A text.</summary>
    /// <param name="name">The setting's name.</param>
    /// <param name="standard">What holds where it is not written.</param>
    public string Text(string name, string standard)
    {
        _asked.Add(name);
        return values.GetValueOrDefault(name, standard);
    }

    /// <summary>Refuses settings that nobody has asked for.</summary>
    /// <exception cref="DistTrainerException">There is one (<see cref="FailureKind.Configuration"/>).</exception>
    internal void RequireAllAsked()
    {
        if (values.Keys.Order(StringComparer.Ordinal).FirstOrDefault(name => !_asked.Contains(name)) is not { } unknown)
            return;
        string known = _asked.Count == 0 ? "there are none: take it out." : DataError.Suggest(unknown, _asked);
        throw DataError.Configuration($"{place}: {DataError.Quote(unknown)} is not a known setting; {known}");
    }

    private T Read<T>(string name, T standard, T least, T most, string what)
        where T : struct, ISpanParsable<T>, IComparable<T>, IFormattable
    {
        _asked.Add(name);
        if (!values.TryGetValue(name, out string? text))
            return standard;
        return T.TryParse(text, CultureInfo.InvariantCulture, out T value) && value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0
            ? value
            : throw Refuse(name, text, string.Create(CultureInfo.InvariantCulture, $"{what} from {least} to {most}"));
    }

    private DistTrainerException Refuse(string name, string text, string allowed) =>
        DataError.Configuration($"{place}.{name} = {DataError.Quote(text)}: {allowed} is allowed.");
}
