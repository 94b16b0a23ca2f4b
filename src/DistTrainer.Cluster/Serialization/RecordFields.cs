using System.Reflection;
using System.Runtime.CompilerServices;
using Hyperion;
using Hyperion.ValueSerializers;
using HyperionCore = Hyperion.Serializer;

namespace DistTrainer.Cluster.Serialization;

/// <summary>
/// Writes and reads the values of one type field by field, to the bytes that Hyperion gives them. Hyperion makes code
/// for each type, and that took longer than anything else that a node does before it joins.
/// </summary>
internal sealed class RecordFields
{
    private const byte Nothing = 0;
    private readonly Type _type;
    private readonly FieldInfo[] _fields;
    // Of fields whose values have nothing before them that says what they are; null: the value says it.
    private readonly ValueSerializer?[] _plain;

    private RecordFields(HyperionCore serializer, Type type)
    {
        (_type, _fields) = (type, ControlTypes.FieldsOf(type));
        _plain = [.. _fields.Select(field => ControlTypes.IsPlain(field.FieldType)
            ? serializer.GetSerializerByType(field.FieldType) : null)];
    }

    /// <summary>Makes what writes and reads a type.</summary>
    /// <param name="serializer">Knows the types of the fields.</param>
    /// <param name="type">The type.</param>
    /// <param name="number">What it is on the wire.</param>
    public static ValueSerializer Of(HyperionCore serializer, Type type, ushort number)
    {
        var fields = new RecordFields(serializer, type);
        var record = new ObjectSerializer(type);
        record.Initialize(fields.Read, fields.Write);
        return new KnownTypeObjectSerializer(record, number);
    }

    private void Write(Stream stream, object record, SerializerSession session)
    {
        for (int i = 0; i < _fields.Length; i++)
        {
            object? value = _fields[i].GetValue(record);
            if (_plain[i] is { } plain)
                plain.WriteValue(stream, value, session);
            else if (value is null)
                stream.WriteByte(Nothing);
            else
            {
                ValueSerializer serializer = session.Serializer.GetSerializerByType(value.GetType());
                serializer.WriteManifest(stream, session);
                serializer.WriteValue(stream, value, session);
            }
        }
    }

    private object Read(Stream stream, DeserializerSession session)
    {
        object record = RuntimeHelpers.GetUninitializedObject(_type);
        for (int i = 0; i < _fields.Length; i++)
        {
            ValueSerializer serializer = _plain[i] ?? session.Serializer.GetDeserializerByManifest(stream, session);
            _fields[i].SetValue(record, serializer.ReadValue(stream, session));
        }
        return record;
    }
}
