using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using DistTrainer.Cluster.Serialization;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Serialization;

/// <summary>The version that nodes compare when they join.</summary>
public sealed class ProtocolVersionTests
{
    [Fact]
    public void A_change_of_any_control_message_needs_a_new_protocol_version()
    {
        IEnumerable<string> types = ControlTypes.Own.All.Select(type =>
            $"{type}({string.Join(", ", type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Where(_ => type.Namespace?.StartsWith(nameof(DistTrainer), StringComparison.Ordinal) == true).Select(field => $"{field.FieldType} {field.Name}"))})");
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', types))))[..16];

        // Another hash: nodes with the change and without would misread each other. Raise ProtocolVersion.Current, say
        // so in CHANGELOG.md, and put the new pair here.
        Assert.Equal((7, "e6fefbb04229d420"), (ProtocolVersion.Current, hash));
    }
}
