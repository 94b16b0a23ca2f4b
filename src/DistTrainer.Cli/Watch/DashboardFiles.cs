using System.Collections.Concurrent;

namespace DistTrainer.Cli.Watch;

/// <summary>The dashboard's files; they are in the program itself, so that it works without internet.</summary>
internal static class DashboardFiles
{
    private static readonly ConcurrentDictionary<string, byte[]> s_known = new();

    /// <summary>Path, name and type of each.</summary>
    public static IReadOnlyList<(string Path, string File, string Type)> All { get; } =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/dashboard.js", "dashboard.js", "text/javascript; charset=utf-8"),
        ("/dashboard.css", "dashboard.css", "text/css; charset=utf-8"),
        ("/uPlot.iife.min.js", "uPlot.iife.min.js", "text/javascript; charset=utf-8"),
        ("/uPlot.min.css", "uPlot.min.css", "text/css; charset=utf-8"),
    ];

    /// <summary>A file's bytes.</summary>
    public static byte[] Read(string file) => s_known.GetOrAdd(file, name =>
    {
        using Stream stream = typeof(DashboardFiles).Assembly.GetManifestResourceStream($"web/{name}")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    });
}
