using System.Runtime.CompilerServices;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

public sealed class NodeFileTests
{
    private static readonly Dictionary<string, string> s_none = [];

    [Fact]
    public void The_file_at_the_top_level_is_what_the_table_says()
    {
        string written = File.ReadAllText(Path.Combine(Root(), "cluster.hocon"));
        Assert.Equal(NodeFile.Template(), written);
        Assert.All(NodeKeys.Knobs, knob => Assert.Matches($@"\n +# \S.+\n +(# )?{knob.Info.Name} = ", written));
        Assert.All(NodeKeys.Knobs, knob => Assert.False(string.IsNullOrEmpty(knob.Info.Default), knob.Info.Name));
    }

    [Fact]
    public void The_file_at_the_top_level_gives_the_defaults()
    {
        NodeSettings read = NodeFile.Read(new JobSource(NodeFile.Template(), "cluster.hocon"), s_none, s_none);
        var defaults = new NodeSettings();
        Assert.Equal(defaults.Roles, read.Roles);
        Assert.Equal(defaults with { Roles = read.Roles, SeedNodes = read.SeedNodes, Plugins = read.Plugins }, read);
        Assert.Empty(read.SeedNodes);
        Assert.Empty(read.Plugins);
    }

    [Fact]
    public void An_option_wins_over_a_variable_and_that_over_the_file()
    {
        var file = new JobSource(
            "disttrainer.node {\n  workers = 2\n  min-workers = 2\n  max-workers = 5\n  runs = here\n}",
            "cluster.hocon");
        var environment = new Dictionary<string,
            string>
        {
            ["DISTTRAINER_MIN_WORKERS"] = "3",
            ["DISTTRAINER_MAX_WORKERS"] = "6",
            ["DISTTRAINER_RUNS"] = "",
            ["PATH"] = "/bin"
        };
        NodeSettings settings = NodeFile.Read(
            file, environment, new Dictionary<string, string> { ["--max-workers"] = "7" });
        Assert.Equal((2, 3, 7, "here"), (settings.Workers, settings.MinWorkers, settings.MaxWorkers, settings.Runs));
    }

    [Fact]
    public void Every_setting_can_be_given_by_file_variable_and_option()
    {
        Assert.All(NodeKeys.Knobs, knob =>
        {
            string value = Other(knob.Info.Name);
            Dictionary<string, string> others = knob.Info.Name == "seed-node" ? [] : new() { ["--seed-node"] = "a:1" };
            NodeSettings standard = NodeFile.Read(null, s_none, others);
            NodeSettings byFile = NodeFile.Read(
                JobSource.FromOption(knob.Info.Path, value, "cluster.hocon"), s_none, others);
            NodeSettings byVariable = NodeFile.Read(
                null, new Dictionary<string, string> { [knob.Variable] = value }, others);
            NodeSettings byOption = NodeFile.Read(
                null, s_none, new Dictionary<string, string>(others) { [knob.Flag] = value });
            Assert.NotEqual(Plain(standard), Plain(byFile));
            Assert.Equal(Plain(byFile), Plain(byVariable));
            Assert.Equal(Plain(byFile), Plain(byOption));
        });
    }

    [Fact]
    public void A_mere_worker_may_hear_of_its_seed_node_later() => Assert.Empty(
        NodeFile.Read(
            null, s_none, new Dictionary<string, string> { ["--role"] = "worker" }, seedFollows: true).SeedNodes);

    [Theory]
    [InlineData("server:4053, other:1", "server:4053|other:1")]
    [InlineData("10.0.0.7:65535", "10.0.0.7:65535")]
    public void Seed_nodes_are_separated_by_commas(string text, string expected) =>
        Assert.Equal(
            expected, string.Join(
                '|', NodeFile.Read(null, new Dictionary<string, string> { ["DISTTRAINER_SEED_NODE"] = text }, s_none)
                .SeedNodes));

    [Theory]
    [InlineData(
        "disttrainer.node.cluster-prot = 1",
        "cluster.hocon: \"disttrainer.node.cluster-prot\" is not a known key; did you mean "
        + "disttrainer.node.cluster-port?")]
    [InlineData("disttrainer.cluster-port = 1", "did you mean disttrainer.node.cluster-port?")]
    [InlineData("disttrainer.node.epochs = 1", "allowed: role, name, ")]
    [InlineData("disttrainer.node.role = servr", "= \"servr\" is not known (did you mean server?)")]
    [InlineData("disttrainer.node.role = []", "disttrainer.node.role is empty; allowed: server, worker or both")]
    [InlineData("disttrainer.node.role = worker", "disttrainer.node.seed-node is missing")]
    [InlineData("disttrainer.node.cluster-port = 65536", "is out of range; allowed: a whole number from 0 to 65535")]
    [InlineData("disttrainer.node.cluster-port = 7\ndisttrainer.node.data-port = 7",
        "disttrainer.node.data-port = 7 is the cluster port too")]
    [InlineData("disttrainer.node.seed-node = \"server\"", "is not a host and a port; allowed: HOST:PORT")]
    [InlineData("disttrainer.node.seed-node = \"server:0\"", "is not a host and a port")]
    [InlineData("disttrainer.node.seed-node = \"a b:1\"", "is not a host")]
    [InlineData("disttrainer.node.public-host = \"0.0.0.0\"", "no address that other nodes can reach")]
    [InlineData(
        "disttrainer.node.min-workers = 3\ndisttrainer.node.max-workers = 2",
        "max-workers = 2 is below min-workers = 3")]
    [InlineData("disttrainer.node.heartbeat-interval = 5",
        "is not a time with its unit; allowed: a time with its unit (ms, s, m, h) from 100ms to 1m")]
    [InlineData("disttrainer.node.heartbeat-interval = 99ms", "is out of range")]
    [InlineData("disttrainer.node.heartbeat-interval = 0.1001s", "is not a whole number of milliseconds")]
    [InlineData("disttrainer.node.heartbeat-interval = 3s", "acceptable-pause = 2s is below heartbeat-interval = 3s")]
    [InlineData("disttrainer.node.name = ${HOSTNAME}", "cluster.hocon:1:25: substitutions")]
    [InlineData("akka.remote.dot-netty.tcp.enable-ssl = on",
        "enable-ssl would not reach the data plane; allowed: disttrainer.node.security.folder")]
    [InlineData(
        "disttrainer.node.security = on", "security is not a section; write security { … } with the keys folder")]
    [InlineData("disttrainer.node.security.fodler = x", "did you mean disttrainer.node.security.folder?")]
    [InlineData("akka = on", "akka is not a section")]
    [InlineData("aka { }", "did you mean akka?")]
    public void A_wrong_setting_is_refused_with_its_place_and_what_is_allowed(string text, string expected)
    {
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => NodeFile.Read(new JobSource(text, "cluster.hocon"), s_none, s_none));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("cluster.hocon", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "DISTTRAINER_WORKERS", "two", "DISTTRAINER_WORKERS: disttrainer.node.workers = \"two\" is not a whole number")]
    [InlineData("DISTTRAINER_CLUSTER_PROT", "1", "did you mean DISTTRAINER_CLUSTER_PORT?")]
    public void A_wrong_variable_is_refused_by_its_name(string name, string value, string expected) => Assert.Contains(
        expected,
            Assert.Throws<DistTrainerException>(() =>
            NodeFile.Read(null, new Dictionary<string, string> { [name] = value }, s_none))
            .Message, StringComparison.Ordinal);

    [Fact]
    public void Variables_of_a_container_platform_do_no_harm() => NodeFile.Read(null, new Dictionary<string, string>
    {
        ["DISTTRAINER_SERVICE_HOST"] = "10.0.0.1",
        ["DISTTRAINER_PORT_4053_TCP_ADDR"] = "10.0.0.1",
        ["DISTTRAINER_DEBUG"] = "1",
        ["DISTTRAINER_CONFIG"] = "x",
    }, s_none);

    [Fact]
    public void Hosts_and_ports_follow_from_one_another()
    {
        var node = new NodeSettings();
        Assert.Equal(
            ("127.0.0.1", 4053, "127.0.0.1", "127.0.0.1"),
            (node.ReachableHost, node.PortToBind, node.DataHostToBind, node.ReachableDataHost));
        NodeSettings container = node with { ClusterHost = "0.0.0.0", Roles = [NodeRole.Worker] };
        Assert.Equal(
            (System.Net.Dns.GetHostName(), 0, "0.0.0.0"),
            (container.ReachableHost, container.PortToBind, container.DataHostToBind));
        Assert.Equal("w1", (container with { PublicHost = "w1" }).ReachableDataHost);
        Assert.Equal("10.0.0.2", (container with { PublicHost = "w1", DataHost = "10.0.0.2" }).ReachableDataHost);
    }

    private static NodeSettings Plain(NodeSettings settings) => settings with
    {
        Roles = [],
        SeedNodes = [],
        Plugins = [],
        Name = $"{settings.Name}{string.Join('|', settings.Plugins)}{string.Join('|', settings.Roles)}{string.Join(
            '|', settings.SeedNodes)}",
    };

    private static string Other(string key) => key switch
    {
        "role" => "worker",
        "seed-node" => "b:2",
        "cluster-host" or "public-host" or "data-host" => "10.0.0.9",
        "join-timeout" => "7s",
        "heartbeat-interval" => "600ms",
        "acceptable-pause" => "3s",
        "stable-after" => "1m",
        "exit-when-done" => "true",
        "shared-memory" => "false",
        "log-level" => "error",
        "log-format" => "json",
        "name" or "job" or "runs" or "cache" or "folder" => "something",
        "replicas" => "0",
        _ => "33",
    };

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
