#pragma warning disable CS1591
namespace DistTrainer.Cluster;
public interface IControlMessage;
public sealed record DataEndpoint(string Host, int Port, string? SocketPath, string Machine);
