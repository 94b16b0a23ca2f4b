using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace DistTrainer.Cli.Watch;

/// <summary>
/// Sends metrics and traces to an OpenTelemetry collector where one is named in the usual way: by the environment
/// variable <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, e.g. <c>http://collector:4317</c>. The exporter's other variables count
/// too.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // Of the runtime's own metrics those whose names Prometheus takes for something else.
    private static readonly string[] s_dropped =
        ["dotnet.assembly.count", "dotnet.process.cpu.count", "dotnet.timer.count"];
    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    private Telemetry()
    {
        _metrics = AddMeters(Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe)).AddOtlpExporter().Build();
        _traces = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(StepTrace.Name)
            .AddOtlpExporter().Build();
    }

    /// <summary>Begins to send; null where no collector is named.</summary>
    public static Telemetry? Start() =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Endpoint)) ? null : new Telemetry();

    /// <summary>Says what sends: this program, and what <c>OTEL_RESOURCE_ATTRIBUTES</c> says.</summary>
    public static void Describe(ResourceBuilder resource) =>
        resource.AddService("disttrainer", serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3))
            .AddDetector(new PrintableVariables());

    /// <summary>Takes this program's metrics and those of .NET (memory, garbage collection, processor time).</summary>
    public static MeterProviderBuilder AddMeters(MeterProviderBuilder metrics) =>
        metrics.AddMeter(TrainingMeter.Name, "System.Runtime")
        .AddView(instrument => s_dropped.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null);

    // They become labels, which Prometheus takes as they are.
    private sealed class PrintableVariables : IResourceDetector
    {
        public Resource Detect() =>
            new(ResourceBuilder.CreateEmpty().AddEnvironmentVariableDetector().Build().Attributes
            .Select(
                label => KeyValuePair.Create(
                    Printable.Line(label.Key), label.Value is string text ? Printable.Line(text) : label.Value)));
    }

    /// <summary>Sends what is left.</summary>
    public void Dispose()
    {
        _metrics.Dispose();
        _traces.Dispose();
    }
}
