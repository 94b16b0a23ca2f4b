using System.Runtime.CompilerServices;
using System.Text.Json;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>What is restored is written down: the same packages, by their hashes, on every machine.</summary>
public class PackageLockTests
{
    private static string Root => Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    public static TheoryData<string> Projects => [.. All()];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_project_has_its_packages_locked_for_any_machine(string project)
    {
        string path = Path.Combine(Root, Path.GetDirectoryName(project)!, "packages.lock.json");
        using var locked = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal(
            ["net10.0"], locked.RootElement.GetProperty("dependencies").EnumerateObject()
            .Select(target => target.Name));
        foreach (JsonProperty package in locked.RootElement.GetProperty("dependencies")
            .GetProperty("net10.0").EnumerateObject())
            Assert.True(package.Value.GetProperty("type").GetString() == "Project"
                || package.Value.GetProperty("contentHash").GetString() is { Length: 88 }, package.Name);
        Assert.DoesNotContain("://", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_restores_by_the_locks_of_the_projects_that_it_builds()
    {
        string dockerfile = File.ReadAllText(Path.Combine(Root, "deploy", "Dockerfile"));
        Assert.Contains("RUN dotnet restore src/DistTrainer.Cli --locked-mode\n", dockerfile, StringComparison.Ordinal);
        foreach (string project in All().Where(project => project.StartsWith("src/", StringComparison.Ordinal)))
            Assert.Contains(
                $"COPY {project} {Path.GetDirectoryName(project)}/packages.lock.json "
                + $"{Path.GetDirectoryName(project)}/\n", dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void Continuous_integration_takes_no_other_packages_and_known_holes_are_looked_for()
    {
        string properties = File.ReadAllText(Path.Combine(Root, "Directory.Build.props"));
        Assert.Contains(
            "<RestoreLockedMode Condition=\"'$(CI)' == 'true'\">true</RestoreLockedMode>", properties,
            StringComparison.Ordinal);
        Assert.Contains("<NuGetAudit>true</NuGetAudit>", properties, StringComparison.Ordinal);
        Assert.Contains(
            "\nexport CI=true", File.ReadAllText(Path.Combine(Root, ".ci", "run")), StringComparison.Ordinal);
    }

    /// <summary>
    /// The projects of the solution. What tests/packages and tests/peers build, outside of it, has package sources of
    /// its own.
    /// </summary>
    private static IEnumerable<string> All() => File.ReadAllLines(Path.Combine(Root, "DistTrainer.sln"))
        .Where(
            line =>
            line.StartsWith("Project(", StringComparison.Ordinal) && line.Contains(".csproj", StringComparison.Ordinal))
        .Select(line => line.Split('"')[5].Replace('\\', '/'));

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
