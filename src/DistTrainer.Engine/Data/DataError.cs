using System.Globalization;
using F23.StringSimilarity;

namespace DistTrainer.Engine.Data;

/// <summary>Makes the errors of the data readers.</summary>
internal static class DataError
{
    private const string NoRows = "no rows";

    /// <summary>An error in a data file.</summary>
    public static DistTrainerException Of(string message, Exception? inner = null) =>
        new(FailureKind.Data, message, inner);

    /// <summary>A table without a row: an error, unless it is one of several parts.</summary>
    public static DistTrainerException WithoutRows(string message)
    {
        DistTrainerException error = Of(message);
        error.Data[NoRows] = true;
        return error;
    }

    /// <summary>Whether an error is of <see cref="WithoutRows"/>.</summary>
    public static bool IsWithoutRows(DistTrainerException error) => error.Data.Contains(NoRows);

    /// <summary>An error in the settings.</summary>
    public static DistTrainerException Configuration(string message) => new(FailureKind.Configuration, message);

    /// <summary>
    /// Runs a reader; what the runtime or a library says of a damaged or missing file becomes one clear line.
    /// </summary>
    public static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Of($"{path}: no such file; give the path of a data file.", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw Of(
                $"{path}: cannot be read (permission denied, or a folder); change its permissions or give another "
                + "file.", exception);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or NotSupportedException)
        {
            throw Of($"{path}: the file is damaged or cut off ({OneLine(exception)}); get it again.", exception);
        }
    }

    /// <summary>An exception's message on one line.</summary>
    public static string OneLine(Exception exception) => exception.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ');

    /// <summary>A number as text, the same in every culture.</summary>
    public static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A value as it is shown in a message: in quotes, on one line, cut after 40 characters.</summary>
    public static string Quote(string value) => $"'{Printable.Short(value, 40)}'";

    /// <summary>Ends a message about an unknown name: the nearest known name, or the known ones.</summary>
    /// <returns>For example <c>did you mean 'age'?</c>.</returns>
    public static string Suggest(string name, IReadOnlyCollection<string> known)
    {
        var distance = new Damerau();
        string lower = name.ToUpperInvariant();
        string? nearest = known.MinBy(candidate => distance.Distance(lower, candidate.ToUpperInvariant()));
        if (nearest is not null && distance.Distance(lower, nearest.ToUpperInvariant()) <= Math.Max(2, name.Length / 3))
            return $"did you mean {Quote(nearest)}?";
        string more = known.Count > 12 ? $", … ({known.Count} in all)" : "";
        return $"there are {string.Join(", ", known.Take(12).Select(Quote))}{more}.";
    }
}
