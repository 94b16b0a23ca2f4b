using DistTrainer.Transport.Security;

namespace DistTrainer.Cluster.Tests.Security;

/// <summary>Certificates of a cluster and of strangers, in a folder that is deleted at the end.</summary>
public sealed class TestCertificates : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-certificates-").FullName;

    public TestCertificates()
    {
        CertificateAuthority.Make(Ours, ["server", "worker"], days: 30);
        CertificateAuthority.Make(Theirs, ["server"], days: 30);
    }

    public string Server => Path.Combine(Ours, "server");

    public string Worker => Path.Combine(Ours, "worker");

    /// <summary>Signed by another authority of the same name.</summary>
    public string Stranger => Path.Combine(Theirs, "server");

    private string Ours => Path.Combine(_folder, "ours");

    private string Theirs => Path.Combine(_folder, "theirs");

    /// <summary>A copy of the server's folder, to damage.</summary>
    public string Copy()
    {
        string copy = Path.Combine(_folder, Path.GetRandomFileName());
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(Server))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
