using System.CommandLine;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Transport;
using DistTrainer.Transport.Security;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer health</c>.</summary>
internal sealed class HealthCommand : Command
{
    /// <summary>Makes the command.</summary>
    public HealthCommand(CliConsole console)
        : base(
            "health",
            "Asks a node's data port whether it is up and in the cluster; exits with 0 where it is, else with 6. For "
            + "health checks of containers.")
    {
        var node = new NodeOptions("--cluster-host", "--data-host", "--data-port", "--security-folder");
        node.AddTo(this);
        SetAction(options =>
        {
            NodeSettings settings = node.Read(options);
            if (settings.DataPort == 0)
                throw new DistTrainerException(
                    FailureKind.Configuration,
                    "data-port: is 0, a free one that nobody knows; set the data port that the node was started with "
                    + "(DISTTRAINER_DATA_PORT).");
            string host = NodeSettings.IsEveryAddress(settings.DataHostToBind) ? "127.0.0.1" : settings.DataHostToBind;
            try
            {
                string health = DataPlaneHealth.Request(
                    host, settings.DataPort, TimeSpan.FromSeconds(5), NodeCertificate.Load(settings.SecurityFolder));
                console.Output.WriteLine(health);
                return health.Contains("\"status\":\"Up\"", StringComparison.Ordinal) ? ExitCodes.Fine
                    : (int)FailureKind.Quorum;
            }
            catch (IOException failure)
            {
                throw new DistTrainerException(FailureKind.Quorum, failure.Message, failure);
            }
        });
    }
}
