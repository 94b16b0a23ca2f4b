using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DistTrainer.Engine;

namespace DistTrainer.Transport.Security;

/// <summary>
/// What a node shows to the others and asks of them: its certificate with the key, and the private certificate
/// authority whose certificates it accepts. The machine's own list of authorities does not count. A certificate says
/// that its holder belongs to the cluster, not which node it is: names and addresses are not compared.
/// </summary>
internal sealed class NodeCertificate
{
    /// <summary>The file of the certificate authority, PEM.</summary>
    public const string AuthorityFile = "ca.pem";

    /// <summary>The file of the node's certificate, PEM.</summary>
    public const string CertificateFile = "node.pem";

    /// <summary>The file of the node's private key, PEM (PKCS #8, not encrypted).</summary>
    public const string KeyFile = "node-key.pem";

    /// <summary>
    /// The purposes that a certificate must have, because every node both listens and dials: TLS server and TLS client.
    /// </summary>
    internal static readonly Oid[] s_purposes = [new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")];

    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _own;
    private readonly SslStreamCertificateContext _context;

    private NodeCertificate(X509Certificate2 authority, X509Certificate2 own) =>
        (_authority, _own, _context) =
            (authority, own, SslStreamCertificateContext.Create(own, additionalCertificates: null, offline: true));

    /// <summary>Reads the files of a folder; null for no folder.</summary>
    /// <param name="folder">The folder; null or empty: security is off.</param>
    /// <exception cref="DistTrainerException">A file is missing, cannot be read, is none, is out of date or does not
    /// fit the others (<see cref="FailureKind.Configuration"/>, with the file).</exception>
    public static NodeCertificate? Load(string? folder)
    {
        if (string.IsNullOrEmpty(folder))
            return null;
        if (!IsFolder(folder))
            throw Refuse(folder, "is no folder; `disttrainer certificates` makes one for each node");
        X509Certificate2 authority = Read(
            Path.Combine(folder, AuthorityFile), "a certificate", text => X509Certificate2.CreateFromPem(text));
        string path = Path.Combine(folder, CertificateFile), keyPath = Path.Combine(folder, KeyFile);
        string pem = ReadText(path);
        Read(path, "a certificate", text => X509Certificate2.CreateFromPem(text)).Dispose();
        X509Certificate2 own = Read(
            keyPath, $"the private key of {CertificateFile}", key => X509Certificate2.CreateFromPem(pem, key));
        // Windows' TLS wants a key that is kept in a container, which a PEM file's is not.
        own = X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pfx), null);
        var certificate = new NodeCertificate(authority, own);
        return certificate.ProblemOf(own) is { } problem
            ? throw Refuse(path, $"is no valid certificate of {AuthorityFile} beside it: {problem}") : certificate;
    }

    /// <summary>Why a peer's certificate is not accepted; null if it is.</summary>
    /// <param name="peer">The certificate; null: the peer showed none.</param>
    internal string? ProblemOf(X509Certificate? peer)
    {
        if (peer is null)
            return "the peer showed no certificate";
        using X509Certificate2? made = peer is X509Certificate2 ? null : new X509Certificate2(peer);
        X509Certificate2 certificate = made ?? (X509Certificate2)peer;
        using var chain = new X509Chain { ChainPolicy = Policy() };
        return chain.Build(certificate)
            ? null
            : $"the certificate \"{Printable.Short(certificate.Subject, 200)}\", valid from "
                + $"{Day(certificate.NotBefore)} to {Day(certificate.NotAfter)}, is not accepted: {string.Join(
                    ' ', chain.ChainStatus.Select(status => status.StatusInformation.Trim()))}";
    }

    /// <summary>The certificate that the node shows.</summary>
    internal X509Certificate2 Own => _own;

    /// <summary>For the side that listens.</summary>
    internal SslServerAuthenticationOptions ServerOptions(RemoteCertificateValidationCallback check) => new()
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        EnabledSslProtocols = Protocols,
        CertificateChainPolicy = Policy(),
        RemoteCertificateValidationCallback = check,
        AllowTlsResume = false,
    };

    /// <summary>For the side that dials.</summary>
    internal SslClientAuthenticationOptions ClientOptions(string host, RemoteCertificateValidationCallback check) =>
        new()
        {
            ClientCertificateContext = _context,
            TargetHost = host,
            EnabledSslProtocols = Protocols,
            CertificateChainPolicy = Policy(),
            RemoteCertificateValidationCallback = check,
            AllowTlsResume = false,
        };

    // Nothing is fetched from an address that a certificate names: a stranger's could name any.
    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(_authority);
        foreach (Oid purpose in s_purposes)
            policy.ApplicationPolicy.Add(purpose);
        return policy;
    }

    private static X509Certificate2 Read(string path, string what, Func<string, X509Certificate2> read)
    {
        try
        {
            return read(ReadText(path));
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            throw Refuse(path, $"is not {what} in PEM: {failure.Message}", failure);
        }
    }

    private static bool IsFolder(string path)
    {
        try
        {
            return File.GetAttributes(path).HasFlag(FileAttributes.Directory);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refuse(path, $"cannot be read: {failure.Message}", failure);
        }
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (FileNotFoundException failure)
        {
            throw Refuse(
                path, $"is missing; allowed is a folder with {AuthorityFile}, {CertificateFile} and {KeyFile}, as "
                + "`disttrainer certificates` makes it", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refuse(path, $"cannot be read: {failure.Message}", failure);
        }
    }

    private static DistTrainerException Refuse(string path, string what, Exception? cause = null) =>
        new(FailureKind.Configuration, $"security.folder: {path} {what}.", cause);

    private static string Day(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
