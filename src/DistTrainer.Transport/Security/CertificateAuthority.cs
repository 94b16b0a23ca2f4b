using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;

namespace DistTrainer.Transport.Security;

/// <summary>
/// A private certificate authority in a folder, which makes the certificates of a cluster's nodes: ECDSA over P-256
/// with SHA-256.
/// </summary>
internal static class CertificateAuthority
{
    /// <summary>
    /// The file of the authority's private key, PEM. Nodes do not need it; whoever has it can make nodes.
    /// </summary>
    public const string AuthorityKeyFile = "ca-key.pem";

    /// <summary>How long the authority itself is valid, in days, if its nodes are not valid for longer.</summary>
    public const int AuthorityDays = 3650;

    private const string Subject = "CN=DistTrainer cluster";

    // Clocks differ; a certificate that is valid from now on only would be refused by a machine that is behind.
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromDays(1);

    /// <summary>
    /// Makes a folder for each node, with the authority's certificate, the node's and its key; and before, where there
    /// is none, the authority.
    /// </summary>
    /// <param name="folder">The authority's folder; the nodes' are in it, by their names.</param>
    /// <param name="nodes">Names of nodes: host names or IPv4 addresses.</param>
    /// <param name="days">How long the nodes' certificates are valid, ≥ 1.</param>
    /// <returns>The folders, and whether the authority is new.</returns>
    /// <exception cref="DistTrainerException">A node's folder is there already, the authority lacks a file, or it ends
    /// before a node would (<see cref="FailureKind.Configuration"/>).</exception>
    public static (IReadOnlyList<string> Folders, bool IsNew) Make(string folder, IReadOnlyList<string> nodes, int days)
    {
        string[] folders = [.. nodes.Select(node => Path.Combine(folder, node))];
        if (folders.FirstOrDefault(Path.Exists) is { } there)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--node: {there} is there already and is not overwritten; delete it, or name another node.");
        DateTimeOffset now = DateTimeOffset.UtcNow, end = now.AddDays(days);
        bool isNew = !AtomicFile.IsThere(Path.Combine(folder, NodeCertificate.AuthorityFile))
            && !AtomicFile.IsThere(Path.Combine(folder, AuthorityKeyFile));
        using X509Certificate2 authority = isNew
            ? MakeAuthority(folder, now, now.AddDays(Math.Max(days, AuthorityDays))) : ReadAuthority(folder);
        if (end > authority.NotAfter)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--days: the authority in {folder} is valid until {authority.NotAfter.ToUniversalTime():yyyy-MM-dd}, "
                + "a node's certificate would be valid for longer; name fewer days, or another folder for a new "
                + "authority.");
        for (int i = 0; i < folders.Length; i++)
            MakeNode(authority, folders[i], nodes[i], now, end);
        return (folders, isNew);
    }

    private static X509Certificate2 MakeAuthority(string folder, DateTimeOffset now, DateTimeOffset end)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            X509BasicConstraintsExtension.CreateForCertificateAuthority(pathLengthConstraint: 0));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        X509Certificate2 authority = request.CreateSelfSigned(now - s_clockTolerance, end);
        MakeFolder(folder);
        WriteKey(Path.Combine(folder, AuthorityKeyFile), key);
        Write(Path.Combine(folder, NodeCertificate.AuthorityFile), authority.ExportCertificatePem());
        return authority;
    }

    private static X509Certificate2 ReadAuthority(string folder)
    {
        string path = Path.Combine(folder, NodeCertificate.AuthorityFile);
        try
        {
            return X509Certificate2.CreateFromPemFile(path, Path.Combine(folder, AuthorityKeyFile));
        }
        catch (Exception failure) when (
            failure is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--output: {folder} has no authority to make certificates with ({NodeCertificate.AuthorityFile} and "
                + $"{AuthorityKeyFile}): {failure.Message}; name its folder, or one that is not there yet.", failure);
        }
    }

    private static void MakeNode(
        X509Certificate2 authority, string folder, string node, DateTimeOffset now, DateTimeOffset end)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(node);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(node, out IPAddress? address))
            names.AddIpAddress(address);
        else
            names.AddDnsName(node);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity(critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([.. NodeCertificate.s_purposes], critical: false));
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
                authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset start = now - s_clockTolerance;
        using X509Certificate2 certificate =
            request.Create(
                authority, start < authority.NotBefore ? authority.NotBefore
                : start, end, RandomNumberGenerator.GetBytes(16));
        MakeFolder(folder);
        Write(Path.Combine(folder, NodeCertificate.AuthorityFile), authority.ExportCertificatePem());
        Write(Path.Combine(folder, NodeCertificate.CertificateFile), certificate.ExportCertificatePem());
        WriteKey(Path.Combine(folder, NodeCertificate.KeyFile), key);
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(
                folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void WriteKey(string path, ECDsa key) => Write(path, key.ExportPkcs8PrivateKeyPem(), isSecret: true);

    // Made with its mode, not given it afterwards, so that nobody can open a key in between.
    private static void Write(string path, string pem, bool isSecret = false)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | (
                isSecret ? UnixFileMode.None : UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        using var writer = new StreamWriter(path, options);
        writer.Write(pem + "\n");
    }
}
