using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistTrainer.Engine;
using DistTrainer.Transport.Security;
using Xunit;

namespace DistTrainer.Cluster.Tests.Security;

public sealed class CertificateTests(TestCertificates certificates) : IClassFixture<TestCertificates>
{
    [Fact]
    public void A_node_accepts_certificates_of_its_authority_and_no_others()
    {
        NodeCertificate server = NodeCertificate.Load(certificates.Server)!;
        Assert.Null(server.ProblemOf(Own(certificates.Worker)));
        Assert.Contains("is not accepted", server.ProblemOf(Own(certificates.Stranger)), StringComparison.Ordinal);
        Assert.Equal("the peer showed no certificate", server.ProblemOf(null));
    }

    [Fact]
    public void No_folder_means_no_security() =>
        Assert.All([null, ""], folder => Assert.Null(NodeCertificate.Load(folder)));

    [Theory]
    [InlineData(NodeCertificate.AuthorityFile)]
    [InlineData(NodeCertificate.CertificateFile)]
    [InlineData(NodeCertificate.KeyFile)]
    public void A_file_that_is_missing_or_damaged_is_named(string file)
    {
        string folder = certificates.Copy(), path = Path.Combine(folder, file);
        File.WriteAllText(path, "-----BEGIN NONSENSE-----");
        Refused(folder, $"security.folder: {path} is not");
        File.Delete(path);
        Refused(
            folder, $"security.folder: {path} is missing; allowed is a folder with ca.pem, node.pem and node-key.pem");
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named_with_the_command_that_makes_it() =>
        Refused(
            "/nowhere/at all", "security.folder: /nowhere/at all is no folder; `disttrainer certificates` makes one");

    [Fact]
    public void The_key_of_another_certificate_is_refused()
    {
        string folder = certificates.Copy();
        File.Copy(
            Path.Combine(certificates.Worker, NodeCertificate.KeyFile),
            Path.Combine(folder, NodeCertificate.KeyFile), overwrite: true);
        Refused(folder, $"{NodeCertificate.KeyFile} is not the private key of node.pem");
    }

    [Fact]
    public void A_certificate_of_another_authority_is_refused_at_the_start()
    {
        string folder = certificates.Copy();
        File.Copy(
            Path.Combine(certificates.Stranger, NodeCertificate.AuthorityFile),
            Path.Combine(folder, NodeCertificate.AuthorityFile), overwrite: true);
        Refused(folder, $"{NodeCertificate.CertificateFile} is no valid certificate of ca.pem beside it");
    }

    [Fact]
    public void A_certificate_out_of_date_is_refused_with_its_dates()
    {
        string folder = certificates.Copy();
        Resign(
            folder, DateTimeOffset.UtcNow.AddHours(-20), DateTimeOffset.UtcNow.AddHours(-1), NodeCertificate.s_purposes);
        Refused(folder, $"to {DateTimeOffset.UtcNow.AddHours(-1):yyyy-MM-dd}, is not accepted");
    }

    [Fact]
    public void A_certificate_for_another_purpose_is_refused()
    {
        string folder = certificates.Copy();
        Resign(
            folder, DateTimeOffset.UtcNow.AddHours(-20), DateTimeOffset.UtcNow.AddHours(1),
            [NodeCertificate.s_purposes[0]]);
        Refused(folder, "is not accepted");
    }

    [Fact]
    public void Nodes_are_added_to_an_authority_nothing_is_overwritten_and_keys_are_for_their_owner_only()
    {
        string folder = Path.Combine(certificates.Copy(), "authority");
        Assert.True(CertificateAuthority.Make(folder, ["a", "10.0.0.7"], 30).IsNew);
        byte[] before = File.ReadAllBytes(Path.Combine(folder, "a", NodeCertificate.KeyFile));
        (IReadOnlyList<string> folders, bool isNew) = CertificateAuthority.Make(folder, ["b"], 30);
        Assert.False(isNew);
        Assert.Equal([Path.Combine(folder, "b")], folders);
        Assert.Null(NodeCertificate.Load(Path.Combine(folder, "a"))!.ProblemOf(Own(folders[0])));
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => CertificateAuthority.Make(folder, ["c", "a"], 30));
        Assert.Contains(
            $"{Path.Combine(folder, "a")} is there already and is not overwritten", failure.Message,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "c")));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder, "a", NodeCertificate.KeyFile)));
        Assert.Throws<DistTrainerException>(
            () => CertificateAuthority.Make(folder, ["d"], CertificateAuthority.AuthorityDays + 1));
        if (OperatingSystem.IsWindows())
            return;
        foreach (string key in Directory.GetFiles(folder, "*-key.pem", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
    }

    [Fact]
    public void An_authority_without_its_key_makes_no_certificates_and_is_not_replaced()
    {
        string folder = Path.Combine(certificates.Copy(), "authority");
        CertificateAuthority.Make(folder, ["a"], 30);
        File.Delete(Path.Combine(folder, CertificateAuthority.AuthorityKeyFile));
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => CertificateAuthority.Make(folder, ["b"], 30));
        Assert.Contains("has no authority to make certificates with", failure.Message, StringComparison.Ordinal);
    }

    private static void Refused(string folder, string expected)
    {
        DistTrainerException failure = Assert.Throws<DistTrainerException>(() => NodeCertificate.Load(folder));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    private static X509Certificate2 Own(string folder) =>
        X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, NodeCertificate.CertificateFile));

    private static void Resign(string folder, DateTimeOffset from, DateTimeOffset to, Oid[] purposes)
    {
        string authorityFolder = Path.Combine(folder, "authority");
        CertificateAuthority.Make(authorityFolder, ["other"], 30);
        string authorityPath = Path.Combine(authorityFolder, NodeCertificate.AuthorityFile);
        using X509Certificate2 authority =
            X509Certificate2.CreateFromPemFile(
                authorityPath, Path.Combine(authorityFolder, CertificateAuthority.AuthorityKeyFile));
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. purposes], critical: false));
        using X509Certificate2 certificate = request.Create(authority, from, to, [1, 2, 3]);
        File.Copy(authorityPath, Path.Combine(folder, NodeCertificate.AuthorityFile), overwrite: true);
        File.WriteAllText(Path.Combine(folder, NodeCertificate.CertificateFile), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, NodeCertificate.KeyFile), key.ExportPkcs8PrivateKeyPem());
    }
}
