using System.Reflection;
using System.Runtime.Loader;
using DistTrainer.Engine.Data;

namespace DistTrainer.Engine.Plugins;

/// <summary>
/// Loads plug-ins from files that this process's operator lists. A plug-in runs with all rights of the process: list
/// only files that you trust. Its own dependencies are found beside it (<c>*.deps.json</c>); DistTrainer's assemblies
/// are the process's.
/// </summary>
internal static class PluginFile
{
    /// <summary>
    /// Loads the plug-in of each file and adds it to <see cref="PluginRegistry.Shared"/>; one that is there already
    /// changes nothing.
    /// </summary>
    /// <param name="paths">The assemblies.</param>
    /// <exception cref="DistTrainerException">A file is missing, is no assembly, or has not exactly one plug-in
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Load(IEnumerable<string> paths)
    {
        foreach (string path in paths)
            PluginRegistry.Shared.Add(Read(Path.GetFullPath(path)));
    }

    private static IDistTrainerPlugin Read(string path)
    {
        if (!File.Exists(path))
            throw DataError.Configuration(
                $"plugins: {path}: there is no such file; give the path of the plug-in's assembly.");
        try
        {
            Assembly assembly = new Context(path).LoadFromAssemblyPath(path);
            Type[] plugins =
                [.. assembly.GetExportedTypes()
                .Where(
                    type =>
                    type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IDistTrainerPlugin)))];
            if (plugins.Length != 1 || plugins[0].GetConstructor([]) is null)
                throw DataError.Configuration(
                    $"plugins: {path}: has {plugins.Length} public classes that are an {nameof(IDistTrainerPlugin)}; "
                    + "exactly one, with a public constructor without arguments, is allowed.");
            return (IDistTrainerPlugin)Activator.CreateInstance(plugins[0])!;
        }
        catch (Exception failure) when (
            failure is BadImageFormatException or IOException or TypeLoadException or TargetInvocationException)
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"plugins: {path}: cannot be loaded ({DataError.OneLine(failure.GetBaseException())}); build it for "
                + "this version of DistTrainer.", failure);
        }
    }

    // What the process has is shared, so that the plug-in's ILayer is the process's ILayer.
    private static readonly string[] s_shared =
        ["DistTrainer.Engine", "DistTrainer.ParameterServer", "DistTrainer.Jobs", "DistTrainer.Transport",
        "DistTrainer.Cluster"];

    private sealed class Context(string path) : AssemblyLoadContext(path)
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName name)
        {
            if (s_shared.Contains(name.Name))
                return null;
            return _resolver.ResolveAssemblyToPath(name) is { } found ? LoadFromAssemblyPath(found) : null;
        }
    }
}
