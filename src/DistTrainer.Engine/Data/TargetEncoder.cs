using System.Globalization;

namespace DistTrainer.Engine.Data;

/// <summary>Turns target columns into what a loss takes: a class number, 0 or 1, or real values.</summary>
/// <param name="Task">What the targets mean.</param>
/// <param name="TargetNames">Names of the columns.</param>
/// <param name="ClassNames">Classification: the classes by number.</param>
internal sealed record TargetEncoder(TaskKind Task, IReadOnlyList<string> TargetNames, IReadOnlyList<string> ClassNames)
{
    /// <summary>Targets a sample: 1 for classification.</summary>
    public int Width => Task == TaskKind.Classification ? 1 : TargetNames.Count;

    private bool OneHot => Task == TaskKind.Classification && TargetNames.Count > 1;

    /// <summary>
    /// Learns the classes, called as they are written: numbers sorted as numbers, text by code points; the columns of a
    /// one-hot code in their order. Several ways to write a number are one class, but not where one of them has a zero
    /// in front (02134): these are codes.
    /// </summary>
    /// <exception cref="DistTrainerException">There is only one class, or labels are numbers that are not
    /// whole.</exception>
    public static TargetEncoder Learn(RawData raw, TaskKind task)
    {
        string[] names = [.. raw.Targets.Select(target => target.Name)];
        string[] classes = task != TaskKind.Classification ? [] : names.Length > 1 ? names : Classes(raw);
        if (classes.Length == 1)
            throw DataError.Of(
                $"{raw.Path}: all {raw.Count} samples have the label {DataError.Quote(classes[0])}; classification "
                + "needs at least two classes.");
        return new(task, names, classes);
    }

    /// <summary>The targets of all rows.</summary>
    /// <returns>[count, <see cref="Width"/>] row-major.</returns>
    /// <exception cref="DistTrainerException">A value is not allowed; the message says where it stands.</exception>
    public double[] Encode(RawData raw)
    {
        if (raw.Targets.Count != TargetNames.Count)
            throw DataError.Of(
                $"{raw.Path}: the file has {raw.Targets.Count} target(s), but {TargetNames.Count} are wanted: "
                + $"{string.Join(", ", TargetNames)}.");
        RawData.CheckSize(raw.Path, raw.Count, Width);
        double[] encoded = new double[raw.Count * Width];
        if (OneHot)
            EncodeOneHot(raw, encoded);
        else if (Task == TaskKind.Classification)
            EncodeClasses(raw, encoded);
        else
            EncodeValues(raw, encoded);
        return encoded;
    }

    /// <summary>The rows that have all targets: only these can be learned from.</summary>
    public static int[] RowsWithTargets(RawData raw) =>
        [.. Enumerable.Range(0, raw.Count).Where(row => !IsWithoutTarget(raw, row))];

    /// <summary>
    /// The data with marks such as None and NA taken for gaps where all other labels are numbers: among names they may
    /// be classes.
    /// </summary>
    public static IReadOnlyList<RawTarget> WithoutMarks(IReadOnlyList<RawTarget> targets, TaskKind task)
    {
        if (task != TaskKind.Classification || targets is not [{ Texts: { } texts }])
            return targets;
        HashSet<string> distinct = [.. texts.OfType<string>()];
        string[] names = [.. distinct.Where(text => Parse(text) is null)];
        return names.Length == 0 || names.Length == distinct.Count || !names.All(CsvHeader.IsMissing) ? targets
            : [targets[0] with { Texts = Array.ConvertAll(texts, text => names.Contains(text) ? null : text) }];
    }

    /// <summary>The data with such marks taken for gaps where all classes are numbers.</summary>
    public IReadOnlyList<RawTarget> WithoutMarks(IReadOnlyList<RawTarget> targets) =>
        Task != TaskKind.Classification || targets is not [{ Texts: { } texts }]
            || ClassNames.Any(name => Parse(name) is null) ? targets
            : [targets[0] with
            {
                Texts = Array.ConvertAll(
                    texts, text => text is not null && Parse(text) is null && CsvHeader.IsMissing(text) ? null : text),
            }];

    private static bool IsWithoutTarget(RawData raw, int row)
    {
        foreach (RawTarget target in raw.Targets)
        {
            if (target.IsGap(row))
                return true;
        }
        return false;
    }

    private static string[] Classes(RawData raw)
    {
        RawTarget target = raw.Targets[0];
        var distinct = new Dictionary<string, double?>(StringComparer.Ordinal);
        if (target.Numbers is { } numbers)
        {
            for (int row = 0; row < numbers.Length; row++)
            {
                if (!target.IsGap(row))
                    RequireWhole(raw, row, numbers[row]);
            }
            return [.. numbers.Where(number => !double.IsNaN(number)).Distinct().Order().Select(Name)];
        }
        string?[] texts = target.Texts!;
        foreach (string? text in texts)
        {
            if (text is not null)
                distinct.TryAdd(text, Parse(text));
        }
        string[] names = [.. distinct.Keys.Where(text => distinct[text] is null)];
        if (names.Length > 0)
            return [.. distinct.Keys.Order(StringComparer.Ordinal)];
        if (distinct.Keys.Any(TargetLook.IsCode) && distinct.Keys.All(text => text.All(char.IsAsciiDigit)))
            return [.. distinct.Keys.OrderBy(text => distinct[text]).ThenBy(text => text, StringComparer.Ordinal)];
        for (int row = 0; row < texts.Length; row++)
        {
            if (texts[row] is { } text)
                RequireWhole(raw, row, distinct[text]!.Value);
        }
        // As they are written; 1 and 1.0 of one file are one class, called 1.
        return [.. distinct.GroupBy(pair => pair.Value!.Value, pair => pair.Key).OrderBy(group => group.Key)
            .Select(group => group.Count() == 1 && group.First() != "-0" ? group.First() : Name(group.Key))];
    }

    private static void RequireWhole(RawData raw, int row, double value)
    {
        if (value != Math.Truncate(value) || Math.Abs(value) > 1L << 53)
            throw DataError.Of(
                $"{raw.TargetPlace(row, 0)}: the label {DataError.Number(value)} is not a whole number up to 2^53; "
                + "labels are whole numbers or text (for real targets choose the loss mean-squared-error or huber).");
    }

    private void EncodeClasses(RawData raw, double[] encoded)
    {
        var byText = new Dictionary<string, int>(StringComparer.Ordinal);
        var byNumber = new Dictionary<double, int>();
        for (int i = 0; i < ClassNames.Count; i++)
        {
            byText[ClassNames[i]] = i;
            if (Parse(ClassNames[i]) is { } number)
                byNumber[number] = i;
        }
        RawTarget target = raw.Targets[0];
        for (int row = 0; row < encoded.Length; row++)
        {
            if (target.IsGap(row))
            {
                encoded[row] = double.NaN;
                continue;
            }
            string? text = target.Texts?[row];
            if (text is null || !byText.TryGetValue(text, out int found))
            {
                double? number = text is null ? target.Numbers![row] : Parse(text);
                if (number is null || !byNumber.TryGetValue(number.Value, out found))
                    throw DataError.Of(
                        $"{raw.TargetPlace(row, 0)}: the label {DataError.Quote(text ?? Name(number!.Value))} is not "
                        + $"a class of the training data; {ClassList()}");
            }
            encoded[row] = found;
        }
    }

    private string ClassList() => ClassNames.Count > 12
        ? $"there are {ClassNames.Count} classes from {DataError.Quote(ClassNames[0])} to "
            + $"{DataError.Quote(ClassNames[^1])}."
        : $"the classes are {string.Join(", ", ClassNames.Select(DataError.Quote))}.";

    private void EncodeOneHot(RawData raw, double[] encoded)
    {
        for (int row = 0; row < encoded.Length; row++)
        {
            if (IsWithoutTarget(raw, row))
            {
                encoded[row] = double.NaN;
                continue;
            }
            int hot = -1, ones = 0;
            for (int column = 0; column < TargetNames.Count; column++)
            {
                double value = raw.Targets[column].Numbers![row];
                if (value is not (0 or 1))
                    throw DataError.Of(
                        $"{raw.TargetPlace(row, column)}: {DataError.Number(value)} in a one-hot target; 0 and 1 are "
                        + "allowed.");
                (hot, ones) = value == 1 ? (column, ones + 1) : (hot, ones);
            }
            if (ones != 1)
                throw DataError.Of(
                    $"{raw.RowPlace(row)}: {ones} of the {TargetNames.Count} one-hot targets are 1; exactly one must "
                    + "be (for several labels a sample choose loss binary-cross-entropy).");
            encoded[row] = hot;
        }
    }

    private void EncodeValues(RawData raw, double[] encoded)
    {
        for (int column = 0; column < Width; column++)
        {
            double[] numbers = raw.Targets[column].Numbers!;
            for (int row = 0; row < numbers.Length; row++)
            {
                double value = numbers[row];
                if (double.IsNaN(value))
                {
                    encoded[(row * Width) + column] = value;
                    continue;
                }
                if (Task == TaskKind.Binary && value is not (0 or 1))
                    throw DataError.Of(
                        $"{raw.TargetPlace(row, column)}: the target {DataError.Number(numbers[row])} is neither 0 "
                        + "nor 1, which binary cross-entropy needs.");
                if (Math.Abs(value) > float.MaxValue)
                    throw DataError.Of(
                        $"{raw.TargetPlace(row, column)}: the target {DataError.Number(numbers[row])} is not a finite "
                        + "number within ±3.4e38.");
                encoded[(row * Width) + column] = value;
            }
        }
    }

    private static double? Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) ? value : null;

    private static string Name(double value) => value == 0 ? "0" : value.ToString("R", CultureInfo.InvariantCulture);
}
