using System.Runtime.CompilerServices;
using DistTrainer.Cluster.Library;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.Transport.Security;
using PublicApiGenerator;
using Xunit;

namespace DistTrainer.Cluster.Tests.PublicApi;

/// <summary>
/// What an application may call is written down beside this file, so that no change of it goes unseen.
/// </summary>
public sealed class PublicApiTests
{
    private static readonly ApiGeneratorOptions s_options = new()
    {
        IncludeAssemblyAttributes = false,
        DenyNamespacePrefixes = ["System", "Microsoft"],
    };

    public static TheoryData<Type> Assemblies =>
        [typeof(Network), typeof(ParameterShardMap), typeof(JobFile), typeof(NodeCertificate), typeof(Trainer)];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void The_public_API_changes_only_together_with_its_baseline(Type one)
    {
        string name = one.Assembly.GetName().Name!;
        string approved = Path.Combine(Folder(), $"{name}.txt"),
            received = Path.Combine(Folder(), $"{name}.received.txt");
        string now = one.Assembly.GeneratePublicApi(s_options).ReplaceLineEndings("\n").TrimEnd() + "\n";
        string before = File.Exists(approved) ? File.ReadAllText(approved).ReplaceLineEndings("\n") : "";
        if (now == before)
        {
            File.Delete(received);
            return;
        }
        File.WriteAllText(received, now);
        Assert.Fail(
            $"The public API of {name} is not that of {approved}; {received} has it now. First difference: "
            + $"{FirstDifference(before, now)}. If the change is meant, say so in CHANGELOG.md and: mv {received} "
            + $"{approved}");
    }

    private static string FirstDifference(string before, string now)
    {
        string[] old = before.Split('\n'), lines = now.Split('\n');
        int line = Enumerable.Range(0, Math.Max(old.Length, lines.Length))
            .First(i => old.ElementAtOrDefault(i) != lines.ElementAtOrDefault(i));
        return $"line {line + 1} was \"{old.ElementAtOrDefault(line)?.Trim()}\", is "
            + $"\"{lines.ElementAtOrDefault(line)?.Trim()}\"";
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
