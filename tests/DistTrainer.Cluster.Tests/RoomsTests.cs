using System.Reflection;
using System.Reflection.Emit;
using DistTrainer.Cluster.Library;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Who may see whom: the arrows between the rooms of Cluster and between the projects.</summary>
public sealed class RoomsTests
{
    private const string Root = "DistTrainer.Cluster.";
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The rooms in an order in which each sees only rooms before it, and which.</summary>
    private static readonly Dictionary<string, string[]> s_rooms = new()
    {
        ["Protocol"] = [],
        ["Logging"] = [],
        ["Serialization"] = ["Protocol", "Logging"],
        ["Control"] = ["Protocol"],
        ["Links"] = ["Protocol", "Logging"],
        ["Step"] = ["Protocol", "Logging", "Links"],
        ["Run"] = ["Protocol", "Logging", "Control", "Links", "Step"],
        ["Nodes"] = ["Protocol", "Logging", "Serialization", "Control", "Links", "Step", "Run"],
        ["Library"] = ["Protocol", "Logging", "Control", "Step", "Run", "Nodes"],
    };

    [Fact]
    public void A_room_of_Cluster_sees_only_those_that_it_may()
    {
        Assembly cluster = typeof(Trainer).Assembly;
        string[] others = [.. cluster.GetTypes()
            .Where(type => RoomOf(type) is { } room && s_rooms.ContainsKey(room))
            .SelectMany(
                type => Seen(type).Select(RoomOf).OfType<string>()
                .Where(seen => seen != RoomOf(type) && !s_rooms[RoomOf(type)!].Contains(seen))
                .Select(seen => $"{type.Name} in {RoomOf(type)} sees {seen}"))
            .Distinct()];
        Assert.True(others.Length == 0, string.Join(Environment.NewLine, others));
        Assert.Equal(s_rooms.Keys.Order(), cluster.GetTypes().Select(RoomOf).OfType<string>().Distinct().Order());
    }

    [Fact]
    public void The_rooms_form_no_circle()
    {
        string[] order = [.. s_rooms.Keys];
        Assert.All(
            s_rooms, room =>
            Assert.All(
                room.Value, seen => Assert.True(
                    Array.IndexOf(order, seen) < Array.IndexOf(order, room.Key), $"{room.Key} comes before {seen}")));
    }

    [Fact]
    public void Each_project_sees_only_those_below_it()
    {
        Assert.Empty(Own(typeof(Network)));
        Assert.Equal(["DistTrainer.Engine"], Own(typeof(ParameterShardMap)));
        Assert.Equal(["DistTrainer.Engine"], Own(typeof(JobFile)));
        Assert.Equal(["DistTrainer.Engine"], Own(typeof(DataPlane)));
        Assert.Equal(
            ["DistTrainer.Engine", "DistTrainer.Jobs", "DistTrainer.ParameterServer", "DistTrainer.Transport"],
            Own(typeof(Trainer)));

        static IEnumerable<string> Own(Type type) =>
            type.Assembly.GetReferencedAssemblies().Select(name => name.Name!)
                .Where(name => name.StartsWith(nameof(DistTrainer), StringComparison.Ordinal)).Order();
    }

    private static string? RoomOf(Type type) => type.Namespace?.StartsWith(Root, StringComparison.Ordinal) == true
        ? type.Namespace[Root.Length..].Split('.')[0] : null;

    /// <summary>Types that a type names: in its declaration, its members, and the bodies of its methods.</summary>
    private static HashSet<Type> Seen(Type type)
    {
        HashSet<Type> seen = [];
        Add(type.BaseType);
        Array.ForEach(type.GetInterfaces(), Add);
        foreach (FieldInfo field in type.GetFields(All))
            Add(field.FieldType);
        foreach (MethodBase method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            if (method is MethodInfo info)
                Add(info.ReturnType);
            foreach (ParameterInfo parameter in method.GetParameters())
                Add(parameter.ParameterType);
            if (method.GetMethodBody() is not { } body)
                continue;
            foreach (LocalVariableInfo local in body.LocalVariables)
                Add(local.LocalType);
            foreach (MemberInfo member in Calls(method, body))
                Add(member as Type ?? member.DeclaringType);
        }
        return seen;

        void Add(Type? one)
        {
            if (one is null || one.IsGenericParameter || !seen.Add(one))
                return;
            Add(one.GetElementType());
            if (one.IsGenericType)
                Array.ForEach(one.GetGenericArguments(), Add);
        }
    }

    /// <summary>What a body names by a token.</summary>
    private static IEnumerable<MemberInfo> Calls(MethodBase method, MethodBody body)
    {
        byte[] code = body.GetILAsByteArray() ?? [];
        Type[]? types = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? own = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < code.Length;)
        {
            int value = code[at++];
            OpCode operation = s_operations[value == 0xFE ? (0xFE << 8) | code[at++] : value];
            if (operation.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType
                or OperandType.InlineTok)
                yield return method.Module.ResolveMember(BitConverter.ToInt32(code, at), types, own)!;
            at += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static readonly Dictionary<int, OpCode> s_operations = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(operation => (int)(ushort)operation.Value);
}
