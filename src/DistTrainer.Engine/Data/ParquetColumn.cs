using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text.Unicode;
using DistTrainer.Engine.Data.Columns;
using ParquetSharp;

namespace DistTrainer.Engine.Data;

/// <summary>One column that is used: turns the file's values into numbers or texts, a few thousand at a time.</summary>
internal sealed class ParquetColumn
{
    private const int BatchRows = 4096;
    private const double FirstTime = -62_135_596_800, EndOfTime = 253_402_300_800; // years 1 to 9999
    private const int SecondsOfDay = 86_400;

    private readonly string _path;
    private readonly int _leaf;
    private readonly int _present;
    private readonly NumberColumn? _numbers;
    private readonly TextColumn? _texts;
    private readonly bool _isTime;
    private readonly Action<ColumnReader, int> _read;
    private readonly short[] _levels = new short[BatchRows];
    private readonly short[] _repetition = new short[BatchRows];
    private char[] _chars = new char[256];

    private ParquetColumn(string path, TableColumn column, ColumnDescriptor descriptor, bool asText)
    {
        (_path, Name, _leaf, _present) = (path, column.Name, column.Leaf, descriptor.MaxDefinitionLevel);
        using LogicalType type = descriptor.LogicalType;
        bool isText = descriptor.PhysicalType == PhysicalType.ByteArray
            && type.Type is LogicalTypeEnum.String or LogicalTypeEnum.Enum or LogicalTypeEnum.Json;
        _isTime = type.Type is LogicalTypeEnum.Date or LogicalTypeEnum.Timestamp
            || descriptor.PhysicalType == PhysicalType.Int96;
        if (isText || asText)
            _texts = new TextColumn(Name);
        else
            _numbers = new NumberColumn(Name, _isTime);
        _read = isText ? (reader, rows) => Read<ByteArray>(reader, rows, value => AddText(Bytes(value)))
            : ReaderOf(descriptor, type) ?? throw Unusable(KindOf(descriptor, type));
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The values that were read.</summary>
    public RawColumn Values => (RawColumn?)_texts ?? _numbers!;

    /// <summary>Looks at a column's type.</summary>
    /// <param name="path">The file.</param>
    /// <param name="column">The column.</param>
    /// <param name="file">What the footer says.</param>
    /// <param name="asText">Whether numbers and times are wanted as text.</param>
    /// <exception cref="DistTrainerException">It holds nothing that is read.</exception>
    public static ParquetColumn Open(string path, TableColumn column, FileMetaData file, bool asText) =>
        column.Nested is { } nested
            ? throw DataError.Of(
                $"{path}: column {DataError.Quote(column.Name)} is {nested}; columns of one value a row are read: "
                + "write its parts as columns of their own, or leave it out with data.ignore.")
            : new(path, column, file.Schema.Column(column.Leaf), asText);

    /// <summary>Adds a row group's values to <see cref="Values"/>.</summary>
    /// <param name="part">The row group.</param>
    /// <param name="rows">Its rows.</param>
    /// <exception cref="DistTrainerException">A value is not allowed, or there are not as many.</exception>
    public void Read(RowGroupReader part, int rows)
    {
        using ColumnReader reader = part.Column(_leaf);
        _read(reader, rows);
    }

    private Action<ColumnReader, int>? ReaderOf(ColumnDescriptor descriptor, LogicalType type)
    {
        bool unsigned = type is IntLogicalType { IsSigned: false };
        bool plain = type.Type is LogicalTypeEnum.None or LogicalTypeEnum.Int or LogicalTypeEnum.Undefined
            or LogicalTypeEnum.Nil;
        int scale = type is DecimalLogicalType number ? number.Scale : 0;
        int length = descriptor.TypeLength;
        return (descriptor.PhysicalType, type.Type) switch
        {
            (PhysicalType.Boolean, _) when plain => As<bool>(value => value ? 1 : 0),
            (PhysicalType.Float, _) when plain => As<float>(value => value),
            (PhysicalType.Double, _) when plain => As<double>(value => value),
            (PhysicalType.Int32, _) when plain && unsigned => As<int>(value => (uint)value),
            (PhysicalType.Int32, _) when plain => As<int>(value => value),
            (PhysicalType.Int64, _) when plain && unsigned => As<long>(value => (ulong)value),
            (PhysicalType.Int64, _) when plain => As<long>(value => value),
            (PhysicalType.Int32, LogicalTypeEnum.Decimal) => As<int>(value => Scaled(value, scale)),
            (PhysicalType.Int64, LogicalTypeEnum.Decimal) => As<long>(value => Scaled(value, scale)),
            (PhysicalType.ByteArray, LogicalTypeEnum.Decimal) =>
                As<ByteArray>(value => Scaled(new(Bytes(value), isBigEndian: true), scale)),
            (PhysicalType.FixedLenByteArray, LogicalTypeEnum.Decimal) =>
                As<FixedLenByteArray>(value => Scaled(new(Bytes(value, length), isBigEndian: true), scale)),
            (PhysicalType.FixedLenByteArray, LogicalTypeEnum.Float16) when length == 2 =>
                As<FixedLenByteArray>(value => (double)BinaryPrimitives.ReadHalfLittleEndian(Bytes(value, length))),
            (PhysicalType.Int32, LogicalTypeEnum.Date) => As<int>(value => (double)value * SecondsOfDay),
            (PhysicalType.Int64, LogicalTypeEnum.Timestamp) when UnitsOfSecond(type) is { } units =>
                As<long>(value => Seconds(value, units)),
            (PhysicalType.Int96, _) => As<Int96>(Seconds),
            _ => null,
        };

        Action<ColumnReader, int> As<T>(Func<T, double> convert)
            where T : unmanaged, IEquatable<T> =>
            _isTime ? (reader, rows) => Read<T>(reader, rows, value => AddTime(convert(value)))
            : (reader, rows) => Read<T>(reader, rows, value => AddNumber(convert(value)));
    }

    /// <summary>Reads exactly the rows that the footer says; memory comes with the values.</summary>
    private void Read<T>(ColumnReader column, int count, Action<T> add)
        where T : unmanaged, IEquatable<T>
    {
        if (column is not ColumnReader<T> reader)
            throw new InvalidDataException($"column {DataError.Quote(Name)} has two types");
        var values = new T[Math.Min(BatchRows, Math.Max(count, 1))];
        int done = 0;
        while (done < count && reader.HasNext)
        {
            int wanted = Math.Min(values.Length, count - done);
            long rows = reader.ReadBatch(wanted, _levels, _repetition, values, out long present);
            // What stands in a column without levels is all present, and the library counts values alone.
            rows = _present == 0 ? present : rows;
            if (rows < 1)
                break;
            int next = 0;
            for (int i = 0; i < (int)rows; i++)
            {
                if (_present > 0 && _levels[i] < _present)
                    AddGap();
                else if (next < present)
                    add(values[next++]);
                else
                    throw NotAsManyAs(count, "fewer");
            }
            done += (int)rows;
        }
        if (done < count || reader.HasNext)
            throw NotAsManyAs(count, done < count ? "fewer" : "more");
    }

    private void AddNumber(double value)
    {
        if (double.IsNaN(value))
            AddGap();
        else if (Math.Abs(value) > float.MaxValue)
            throw DataError.Of(
                $"{Place()}: {DataError.Number(value)} is not a finite number within ±3.4e38; clean the table before "
                + "writing it.");
        else if (_numbers is not null)
            _numbers.Add(value);
        else
            _texts!.Add(value.ToString("R", CultureInfo.InvariantCulture));
    }

    private void AddTime(double seconds)
    {
        if (double.IsNaN(seconds))
            AddGap();
        else if (seconds is < FirstTime or >= EndOfTime)
            throw DataError.Of(
                $"{Place()}: {DataError.Number(seconds)} seconds since 1970 is no time in the years 1 to 9999; clean "
                + "the table before writing it.");
        else if (_numbers is not null)
            _numbers.Add(seconds);
        else
            _texts!.Add(TimeText.Format(seconds));
    }

    private void AddText(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _chars.Length) // a character takes at least a byte
            _chars = new char[Math.Max(bytes.Length, (int)Math.Min(2L * _chars.Length, Array.MaxLength))];
        if (Utf8.ToUtf16(bytes, _chars, out _, out int length, replaceInvalidSequences: false) != OperationStatus.Done)
            throw DataError.Of($"{Place()} is not UTF-8 text; write the column as text.");
        ReadOnlySpan<char> text = _chars.AsSpan(0, length).Trim();
        if (text.IsEmpty)
            AddGap();
        else
            _texts!.Add(text);
    }

    private void AddGap()
    {
        if (_texts is not null)
            _texts.AddGap();
        else
            _numbers!.Add(double.NaN);
    }

    /// <summary>The number nearest to a decimal.</summary>
    private static double Scaled(BigInteger unscaled, int scale)
    {
        const long Exact = 1L << 53;
        const int ExactPower = 22; // 10^22 is the last power of ten that a double has exactly
        if (scale <= ExactPower && BigInteger.Abs(unscaled) <= Exact)
            return (double)unscaled / Math.Pow(10, scale);
        return double.Parse(
            string.Create(CultureInfo.InvariantCulture, $"{unscaled}E-{scale}"), CultureInfo.InvariantCulture);
    }

    private static long? UnitsOfSecond(LogicalType type) => (type as TimestampLogicalType)?.TimeUnit switch
    {
        TimeUnit.Millis => 1_000,
        TimeUnit.Micros => 1_000_000,
        TimeUnit.Nanos => 1_000_000_000,
        _ => null,
    };

    /// <summary>A time in seconds; NaN for the number that pandas and NumPy have for no time.</summary>
    private static double Seconds(long value, long units)
    {
        if (value == long.MinValue)
            return double.NaN;
        (long seconds, long rest) = Math.DivRem(value, units);
        return seconds + ((double)rest / units);
    }

    /// <summary>Nanoseconds of a day in eight bytes, and the Julian day in four.</summary>
    private static double Seconds(Int96 value)
    {
        const long Day1970 = 2_440_588;
        long nanoseconds = (long)(((ulong)(uint)value.B << 32) | (uint)value.A);
        return (((uint)value.C - Day1970) * (double)SecondsOfDay) + Seconds(nanoseconds, 1_000_000_000);
    }

    private static unsafe ReadOnlySpan<byte> Bytes(ByteArray value) => new((void*)value.Pointer, value.Length);

    private static unsafe ReadOnlySpan<byte> Bytes(FixedLenByteArray value, int length) =>
        new((void*)value.Pointer, length);

    private static string KindOf(ColumnDescriptor descriptor, LogicalType type) => type.Type switch
    {
        LogicalTypeEnum.Time => "times of day",
        LogicalTypeEnum.Uuid => "UUIDs",
        LogicalTypeEnum.None when descriptor.PhysicalType is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray =>
            "bytes",
        var other => $"values of type {other} ({descriptor.PhysicalType})",
    };

    private string Place() => $"{_path}: row {Values.Count}, column {DataError.Quote(Name)}";

    private DistTrainerException NotAsManyAs(int count, string which) => DataError.Of(
        $"{_path}: column {DataError.Quote(Name)} has {which} values than the {count} rows of its row group; the file "
        + "is damaged: get it again.");

    private DistTrainerException Unusable(string kind) => DataError.Of(
        $"{_path}: column {DataError.Quote(Name)} holds {kind}; numbers, booleans, text, dates and timestamps are "
        + "read: convert it, or leave it out with data.ignore.");
}
