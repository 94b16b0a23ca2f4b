using System.Net;
using System.Net.Sockets;
using System.Text;
using DistTrainer.Cli.Tests.Cluster;
using Xunit;

namespace DistTrainer.Cli.Tests.Serving;

public sealed class ServeCommandTests(TrainedModels models) : IClassFixture<TrainedModels>
{
    private const string Row = "{\"rows\":[[540,0,0,162,2.5,1040,676,28]]}";

    [Fact]
    public async Task SIGTERM_lets_the_open_request_be_finished_and_takes_no_more()
    {
        using NodeProcess process =
            await NodeProcess.StartCommandAsync(
                "^serving http://(?<address>\\S+) model=", "serve", models.Run("concrete"), "--port", "0");
        IPEndPoint address = IPEndPoint.Parse(process.Address);
        using var client = new TcpClient();
        await client.ConnectAsync(address);
        NetworkStream stream = client.GetStream();
        using var reader = new StreamReader(stream);
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
                + $"{Row.Length}\r\nExpect: 100-continue\r\n\r\n"));
        Assert.Equal("HTTP/1.1 100 Continue", await reader.ReadLineAsync()); // The server reads the body now.
        process.Signal("TERM");
        for (int i = 0; await AcceptsAsync(address); i++)
        {
            Assert.True(i < 200, "It still takes connections.");
            await Task.Delay(50);
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes(Row));
        string answer = await reader.ReadToEndAsync();
        Assert.Contains("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Contains(
            (await models.Predicted("concrete", "json")).Split('\n')[1].TrimEnd(','), answer, StringComparison.Ordinal);
        Assert.Equal(143, await process.ExitCodeAsync());
        Assert.Contains("served requests=1 rows=1 batches=1 refused=0", process.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_with_code_2()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string port = Numbers.Text(((IPEndPoint)other.LocalEndpoint).Port);
        CliRun run = await CliRun.Of("serve", models.Run("concrete"), "--port", port);
        Assert.Equal(2, run.Code);
        Assert.Contains($"--port 127.0.0.1:{port} is taken: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--host: 0.0.0.0 can be reached from other machines, and nobody is asked who they are; give a --token",
        "--host", "0.0.0.0")]
    [InlineData("--host: \"example\" is no address", "--host", "example")]
    [InlineData("--port: 70000 is out of range; allowed: 0 to 65535.", "--port", "70000")]
    [InlineData("--max-rows: 0 is out of range; allowed: 1 to 1000000.", "--max-rows", "0")]
    [InlineData("--threads: 0 is out of range; allowed: 1 to 1024.", "--threads", "0")]
    [InlineData("--token: is empty or has blanks", "--token", "a b")]
    public async Task A_wrong_option_is_named_before_the_model_is_read(string expected, params string[] options)
    {
        CliRun run = await CliRun.Of(["serve", "nowhere", .. options]);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--token", "s3cret")]
    [InlineData("--insecure")]
    public async Task A_token_or_consent_lets_it_listen_to_other_machines(params string[] options)
    {
        using var signals = new StopSignals();
        signals.Listen(); // before a command listens, a signal ends it at once
        signals.Raise(ExitCodes.Terminated);
        CliRun run = await CliRun.Of(
            new CliServices(),
            ["serve", models.Run("concrete"), "--host", "0.0.0.0", "--port", "0", .. options], signals);
        Assert.Equal((143, ""), (run.Code, run.Error));
        Assert.StartsWith("serving http://0.0.0.0:", run.Output, StringComparison.Ordinal);
    }

    private static async Task<bool> AcceptsAsync(IPEndPoint address)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
