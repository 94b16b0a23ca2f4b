using DistTrainer.Transport.Security;
using Xunit;

namespace DistTrainer.Cli.Tests;

public sealed class CertificatesCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-certificates-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Certificates_are_made_added_to_and_never_overwritten()
    {
        CliRun first = await CliRun.Of("certificates", "--output", _folder, "--node", "server", "--node", "10.0.0.7");
        Assert.Equal(0, first.Code);
        Assert.Contains("keep ca-key.pem to yourself", first.Output, StringComparison.Ordinal);
        CliRun second = await CliRun.Of("certificates", "--output", _folder, "--node", "worker", "--days", "3");
        Assert.Equal(0, second.Code);
        Assert.Equal($"node {Path.Combine(_folder, "worker")}", second.Output.Trim());
        Assert.All(
            ["server", "10.0.0.7", "worker"], node => Assert.NotNull(NodeCertificate.Load(Path.Combine(_folder, node))));
        CliRun again = await CliRun.Of("certificates", "--output", _folder, "--node", "server");
        Assert.Equal(2, again.Code);
        Assert.Contains("is there already and is not overwritten", again.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--node: \"../x\" is no name; allowed: a host name or an IPv4 address.", "--node", "../x")]
    [InlineData("--node: \"a\" is there twice", "--node", "a", "--node", "a")]
    [InlineData("--days: 0 is out of range; allowed: 1 to 36500.", "--node", "a", "--days", "0")]
    public async Task What_is_wrong_is_refused_before_anything_is_made(string expected, params string[] arguments)
    {
        CliRun run = await CliRun.Of(["certificates", "--output", Path.Combine(_folder, "new"), .. arguments]);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "new")));
    }

    [Fact]
    public async Task A_folder_without_certificates_is_named_by_the_commands_that_need_it()
    {
        foreach (string[] command in new[] { new[] { "status", "--security-folder", _folder },
            ["health", "--data-port", "4054", "--security-folder", _folder] })
        {
            CliRun run = await CliRun.Of(command);
            Assert.Equal(2, run.Code);
            Assert.Contains(
                $"security.folder: {Path.Combine(_folder, "ca.pem")} is missing", run.Error, StringComparison.Ordinal);
        }
    }
}
