using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Layers;
using Onnx;

namespace DistTrainer.Jobs;

/// <summary>
/// The columns of a table in ONNX: an input each, by its name, and what <see cref="TableEncoder"/> makes of it, in
/// double. Texts become numbers by <c>LabelEncoder</c>; dates are seconds since 1970, and their calendar is counted out
/// (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
/// </summary>
/// <param name="graph">Where to.</param>
/// <param name="missing">What marks a missing value; an empty text always does.</param>
internal sealed class OnnxColumns(OnnxGraph graph, IReadOnlyList<string> missing)
{
    /// <summary>The domain of <c>LabelEncoder</c>.</summary>
    public const string Domain = "ai.onnx.ml";

    /// <summary>Its version.</summary>
    public const int Opset = 3;

    private const int SecondsOfDay = 86_400;

    private readonly Dictionary<string, string> _dates = [];

    /// <summary>Adds the inputs and all features, [rows, features] in double.</summary>
    public static void Write(OnnxGraph graph, IReadOnlyList<ColumnSchema> columns, IReadOnlyList<string> missing)
    {
        var writer = new OnnxColumns(graph, missing);
        string[] plain = [.. columns.Where(column => column.Embedding == 0).SelectMany(writer.Plain)];
        string[] indices = [.. columns.Where(column => column.Embedding > 0).Select(writer.Index)];
        IOnnxNode all = graph.Add("Concat", [.. plain, .. indices]).With("axis", 1L);
        graph.BeginWith(all.Output);
    }

    private IEnumerable<string> Plain(ColumnSchema column)
    {
        if (column.Kind == ColumnKind.Category)
            return [OneHot(column)];
        string raw = column.Kind == ColumnKind.YesNo ? YesNo(column) : Input(column, isText: false);
        string isThere = graph.Add("Equal", raw, raw).Output; // NaN is not equal to itself
        string value = graph.Add("Where", isThere, raw, graph.Doubles(column.Fill)).Output;
        string[] numbers = column.Kind == ColumnKind.Date ? Dates(column, value) : [value];
        var features = new List<string>(numbers);
        for (int i = 0; i < column.Bins.Count; i++)
        {
            if (column.Bins[i].Count > 1)
                features.Add(Bins(numbers[i], column.Bins[i]));
        }
        if (column.Gaps)
            features.Add(ToDouble(graph.Add("Not", isThere).Output));
        return features;
    }

    private string Bins(string value, IReadOnlyList<double> edges)
    {
        string above = Sub(value, graph.Doubles([.. edges.SkipLast(1)]));
        double[] widths = [.. edges.Zip(edges.Skip(1)).Select(pair => pair.Second - pair.First)];
        string share = Div(above, graph.Doubles(widths));
        return graph.Add("Min", graph.Add("Max", share, graph.Doubles(0)).Output, graph.Doubles(1)).Output;
    }

    /// <summary>1 and 0 for the words, in any case; NaN for others.</summary>
    private string YesNo(ColumnSchema column)
    {
        var words = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach ((int number, string word) in column.Values.Index())
        {
            foreach (string form in Cases(word))
                words.TryAdd(form, number);
        }
        string number01 = Encode(Input(column, isText: true), words, -1);
        string isKnown = graph.Add("Not", graph.Add("Equal", number01, graph.Wholes(-1)).Output).Output;
        return graph.Add("Where", isKnown, ToDouble(number01), graph.Doubles(double.NaN)).Output;
    }

    private string OneHot(ColumnSchema column)
    {
        var numbers = column.Values.Index().ToDictionary(pair => pair.Item, pair => (long)pair.Index);
        int width = column.Values.Count;
        if (column.Gaps)
            AddGaps(numbers, width++);
        string number = Encode(Input(column, isText: true), numbers, -1);
        return ToDouble(graph.Add(
            "Equal", number, graph.Wholes([.. Enumerable.Range(0, width).Select(i => (long)i)])).Output);
    }

    private string Index(ColumnSchema column)
    {
        int first = column.Gaps ? 2 : 1;
        var numbers = column.Values.Index().ToDictionary(pair => pair.Item, pair => (long)pair.Index + first);
        if (column.Gaps)
            AddGaps(numbers, 1);
        return ToDouble(Encode(Input(column, isText: true), numbers, 0));
    }

    private void AddGaps(Dictionary<string, long> numbers, long number)
    {
        foreach (string form in missing.SelectMany(Cases).Prepend(""))
            numbers.TryAdd(form, number);
    }

    private string[] Dates(ColumnSchema column, string seconds)
    {
        _dates[column.Name] = seconds;
        return column.Since is not { } first ? Parts(column, seconds)
            : [.. Parts(column, seconds), Div(Sub(seconds, _dates[first]), graph.Doubles(3600))];
    }

    private string[] Parts(ColumnSchema column, string seconds)
    {
        string days = Floor(Div(seconds, graph.Doubles(SecondsOfDay)));
        (string Year, string Month, string Day)? calendar = null;
        return [.. column.Parts.Select(part => part switch
        {
            DatePart.Elapsed => Div(Sub(seconds, graph.Doubles(column.Start)), graph.Doubles(SecondsOfDay)),
            DatePart.Hour => Div(Sub(seconds, Mul(days, graph.Doubles(SecondsOfDay))), graph.Doubles(3600)),
            DatePart.Weekday => Modulo(Add(days, graph.Doubles(3)), 7),
            DatePart.Year => (calendar ??= Calendar(days)).Year,
            DatePart.Month => (calendar ??= Calendar(days)).Month,
            _ => (calendar ??= Calendar(days)).Day,
        })];
    }

    private (string Year, string Month, string Day) Calendar(string days)
    {
        string N(double value) => graph.Doubles(value);
        string shifted = Add(days, N(719_468));
        string era = Floor(Div(shifted, N(146_097)));
        string dayOfEra = Sub(shifted, Mul(era, N(146_097)));
        string leaps = Sub(
            Add(Sub(dayOfEra, Floor(Div(dayOfEra, N(1460)))), Floor(Div(dayOfEra, N(36_524)))),
            Floor(Div(dayOfEra, N(146_096))));
        string yearOfEra = Floor(Div(leaps, N(365)));
        string before = Sub(
            Add(Mul(yearOfEra, N(365)), Floor(Div(yearOfEra, N(4)))), Floor(Div(yearOfEra, N(100))));
        string dayOfYear = Sub(dayOfEra, before); // from 1 March
        string month = Floor(Div(Add(Mul(dayOfYear, N(5)), N(2)), N(153))); // 0 for March
        string day = Add(Sub(dayOfYear, Floor(Div(Add(Mul(month, N(153)), N(2)), N(5)))), N(1));
        string next = Floor(Div(Add(month, N(2)), N(12))); // 1 for January and February
        return (Add(Add(yearOfEra, Mul(era, N(400))), next), Sub(Add(month, N(3)), Mul(next, N(12))), day);
    }

    private string Input(ColumnSchema column, bool isText)
    {
        graph.Graph.Input.Add(OnnxFile.Value(
            column.Name, 1, isText ? TensorProto.Types.DataType.String : TensorProto.Types.DataType.Double));
        return column.Name;
    }

    private string Encode(string text, IReadOnlyDictionary<string, long> numbers, long other) =>
        graph.Encode(Domain, text, numbers, other);

    /// <summary>A word as it is written in usual ways.</summary>
    private static IEnumerable<string> Cases(string word) => word.Length == 0 ? [word]
        : [word, word.ToLowerInvariant(), word.ToUpperInvariant(),
            $"{char.ToUpperInvariant(word[0])}{word[1..].ToLowerInvariant()}"];

    private string ToDouble(string value) =>
        graph.Add("Cast", value).With("to", (long)TensorProto.Types.DataType.Double).Output;

    private string Modulo(string value, double by) =>
        Sub(value, Mul(Floor(Div(value, graph.Doubles(by))), graph.Doubles(by)));

    private string Add(string left, string right) => graph.Add("Add", left, right).Output;

    private string Sub(string left, string right) => graph.Add("Sub", left, right).Output;

    private string Mul(string left, string right) => graph.Add("Mul", left, right).Output;

    private string Div(string left, string right) => graph.Add("Div", left, right).Output;

    private string Floor(string value) => graph.Add("Floor", value).Output;
}
