using System.Data;
using System.Globalization;
using System.Reflection;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Tables of a program's own objects: each readable property, or each column of a data reader, is a column. Numbers are
/// numbers, <see cref="DateTime"/>, <see cref="DateTimeOffset"/> and <see cref="DateOnly"/> dates in their own clock;
/// texts, characters, enumerations, <see cref="Guid"/> and truth values are text. Null, <see cref="DBNull"/>, an empty
/// text and NaN are missing values.
/// </summary>
internal static class ObjectTable
{
    /// <summary>Reads rows of a type.</summary>
    /// <typeparam name="T">The type.</typeparam>
    /// <param name="rows">The rows.</param>
    /// <param name="request">Targets, columns to leave out, or the columns of a model.</param>
    /// <exception cref="DistTrainerException">There is no row, or a property cannot be a column.</exception>
    public static RawTable Read<T>(IEnumerable<T> rows, ReadRequest request)
    {
        PropertyInfo[] properties = [.. typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanRead && property.GetIndexParameters().Length == 0)];
        return Read(
            typeof(T).Name, [.. properties.Select(property => property.Name)],
            rows.Select<T, Func<int, object?>>(row => column => properties[column].GetValue(row)), request);
    }

    /// <summary>Whether a property's values are numbers.</summary>
    /// <exception cref="DistTrainerException">There is no such property.</exception>
    public static bool IsNumber(Type rows, string property)
    {
        PropertyInfo found = rows.GetProperty(property) ?? throw DataError.Configuration(
            $"{rows.Name} has no property {DataError.Quote(property)}; "
            + DataError.Suggest(property, [.. rows.GetProperties().Select(one => one.Name)]));
        Type type = Nullable.GetUnderlyingType(found.PropertyType) ?? found.PropertyType;
        return !type.IsEnum && (type == typeof(decimal) || type == typeof(Half)
            || Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.Double);
    }

    /// <summary>Reads the rows of a data reader to its end.</summary>
    /// <param name="reader">The reader, before its first row.</param>
    /// <param name="request">Targets, columns to leave out, or the columns of a model.</param>
    /// <exception cref="DistTrainerException">There is no row, or a value cannot be in a column.</exception>
    public static RawTable Read(IDataReader reader, ReadRequest request)
    {
        return Read(
            "rows", [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)], Rows(), request);

        IEnumerable<Func<int, object?>> Rows()
        {
            while (reader.Read())
                yield return column => reader.GetValue(column);
        }
    }

    private static RawTable Read(
        string name, string[] names, IEnumerable<Func<int, object?>> rows, ReadRequest request)
    {
        ColumnPlan plan = ColumnPlan.Make(name, names, named: true, request);
        int[] used = [.. plan.Features, .. plan.Targets];
        ObjectColumn[] columns = [.. used.Select((column, i) => new ObjectColumn(
            names[column],
            i < plan.Features.Length ? request.Forms.GetValueOrDefault(names[column]) : ColumnForm.Any))];
        int count = 0;
        foreach (Func<int, object?> row in rows)
        {
            for (int i = 0; i < used.Length; i++)
                columns[i].Add(row(used[i]), $"{name}: row {DataError.Number(count)}");
            count++;
        }
        if (count == 0)
            throw DataError.WithoutRows($"{name}: there are no rows; give at least one.");
        string RowPlace(int row) => $"{name}: row {DataError.Number(row)}";
        string TargetPlace(int row, int target) =>
            $"{RowPlace(row)}, {DataError.Quote(names[plan.Targets[target]])}";
        RawColumn[] all = [.. columns.Select(column => column.ToColumn())];
        return new(name, all[..plan.Features.Length], [.. all[plan.Features.Length..].Select((column, i) =>
            RawTarget.Of(column, request.TextTargets, row => TargetPlace(row, i)))], RowPlace, TargetPlace);
    }

    private sealed class ObjectColumn(string name, ColumnForm form)
    {
        private NumberColumn? _numbers;
        private TextColumn? _texts;
        private int _gapsAhead;

        public void Add(object? value, string place)
        {
            switch (value)
            {
                case null or DBNull or "" or double.NaN or float.NaN:
                    AddGap();
                    break;
                case DateTime time:
                    AddNumber((time - default(DateTime)).TotalSeconds - UnixStart, isTime: true, place);
                    break;
                case DateTimeOffset time:
                    Add(time.DateTime, place);
                    break;
                case DateOnly date:
                    Add(date.ToDateTime(TimeOnly.MinValue), place);
                    break;
                case string or char or bool or Enum or Guid:
                    AddText(value.ToString()!, place);
                    break;
                case sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal
                    or Half:
                    if (form == ColumnForm.Text)
                        AddText(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture), place);
                    else
                        AddNumber(value is Half half ? (double)half
                            : Convert.ToDouble(value, CultureInfo.InvariantCulture), isTime: false, place);
                    break;
                default:
                    throw DataError.Of(
                        $"{place}, {DataError.Quote(name)}: is a {value.GetType().Name}; allowed: numbers, texts, "
                        + "truth values, dates, or null: leave it out (DataDescription.Ignore), or make one of these "
                        + "of it.");
            }
        }

        public RawColumn ToColumn() => (RawColumn?)_numbers ?? _texts ?? BeginText();

        private static double UnixStart { get; } = (DateTime.UnixEpoch - default(DateTime)).TotalSeconds;

        private void AddGap()
        {
            _numbers?.Add(double.NaN);
            _texts?.AddGap();
            _gapsAhead += _numbers is null && _texts is null ? 1 : 0;
        }

        private void AddNumber(double value, bool isTime, string place)
        {
            if (Math.Abs(value) > float.MaxValue)
                throw DataError.Of(
                    $"{place}, {DataError.Quote(name)}: {DataError.Number(value)} is not a finite number within "
                    + "±3.4e38; correct it or leave the row out.");
            if (_texts is not null || (_numbers is not null && _numbers.IsTime != isTime))
                throw Mixed(place);
            if (_numbers is null)
            {
                _numbers = new NumberColumn(name, isTime);
                for (; _gapsAhead > 0; _gapsAhead--)
                    _numbers.Add(double.NaN);
            }
            _numbers.Add(value);
        }

        private void AddText(string text, string place)
        {
            if (_numbers is not null)
                throw Mixed(place);
            BeginText().Add(text);
        }

        private TextColumn BeginText()
        {
            _texts ??= new TextColumn(name);
            for (; _gapsAhead > 0; _gapsAhead--)
                _texts.AddGap();
            return _texts;
        }

        private DistTrainerException Mixed(string place) => DataError.Of(
            $"{place}, {DataError.Quote(name)}: is of another type than in the rows before; numbers, dates and texts "
            + "do not mix in one column.");
    }
}
