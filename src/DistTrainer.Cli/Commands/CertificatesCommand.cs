using System.CommandLine;
using DistTrainer.Engine;
using DistTrainer.Transport.Security;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer certificates</c>.</summary>
internal sealed class CertificatesCommand : Command
{
    private const int MostDays = 36_500;

    private readonly CliConsole _console;
    private readonly Option<string> _output = new("--output")
    {
        Description =
            "The authority's folder, in which each node gets a folder by its name; with an authority in it, nodes are "
            + "added to that",
        HelpName = "DIR",
        Required = true,
    };
    private readonly Option<string[]> _nodes = new("--node")
    {
        Description = "A node's host name or IPv4 address; repeat the option for more",
        HelpName = "NAME",
        Required = true,
    };
    private readonly Option<int> _days = new("--days")
    {
        Description = $"How long the nodes' certificates are valid: a whole number from 1 to {MostDays}",
        HelpName = "N",
        DefaultValueFactory = _ => 365,
    };

    /// <summary>Makes the command.</summary>
    public CertificatesCommand(CliConsole console)
        : base(
            "certificates",
            "Makes a private certificate authority and a certificate for each node, for security.folder of "
            + "cluster.hocon. Nothing is overwritten.")
    {
        _console = console;
        foreach (Option option in (Option[])[_output, _nodes, _days])
            Add(option);
        SetAction(Run);
    }

    private int Run(ParseResult options)
    {
        string folder = options.GetValue(_output)!;
        string[] names = options.GetValue(_nodes)!;
        int validity = options.GetValue(_days);
        if (validity is < 1 or > MostDays)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--days: {Numbers.Text(validity)} is out of range; allowed: 1 to {Numbers.Text(MostDays)}.");
        foreach (string name in names.Where(name =>
            Uri.CheckHostName(name) is not (UriHostNameType.Dns or UriHostNameType.IPv4)))
            throw new DistTrainerException(
                FailureKind.Configuration, $"--node: \"{name}\" is no name; allowed: a host name or an IPv4 address.");
        if (names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new DistTrainerException(
                FailureKind.Configuration, $"--node: \"{twice.Key}\" is there twice; name each node once.");
        (IReadOnlyList<string> folders, bool isNew) = CertificateAuthority.Make(folder, names, validity);
        if (isNew)
            _console.Output.WriteLine(
                $"authority {folder}: keep {CertificateAuthority.AuthorityKeyFile} to yourself, whoever has it can "
                + "make nodes");
        foreach (string made in folders)
            _console.Output.WriteLine($"node {made}");
        return ExitCodes.Fine;
    }
}
