using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace DistTrainer.Cli.Tests.Resume;

/// <summary>
/// An empty folder into which nobody can write: by its mode, or for root by a file system of its own.
/// </summary>
internal sealed class ReadOnlyFolder : IDisposable
{
    private readonly bool _isMounted;

    private ReadOnlyFolder(string path, bool isMounted) => (Path, _isMounted) = (path, isMounted);

    public string Path { get; }

    /// <summary>Makes one; null where this is not possible.</summary>
    public static ReadOnlyFolder? TryMake()
    {
        if (OperatingSystem.IsWindows())
            return null;
        string path = Directory.CreateTempSubdirectory("read-only-").FullName;
        if (Environment.UserName != "root")
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        else if (!Run("mount", "-t", "tmpfs", "-o", "ro", "none", path))
        {
            Directory.Delete(path);
            return null;
        }
        return new ReadOnlyFolder(path, Environment.UserName == "root");
    }

    public void Dispose()
    {
        if (!_isMounted || Run("umount", Path))
            Directory.Delete(Path);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using Process process =
                Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test that needs a <see cref="ReadOnlyFolder"/>; it is skipped where none can be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ReadOnlyFolderFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_isPossible = new(() =>
    {
        using ReadOnlyFolder? folder = ReadOnlyFolder.TryMake();
        return folder is not null;
    });

    public ReadOnlyFolderFactAttribute() =>
        Skip = s_isPossible.Value ? null : "Neither mode nor mount can make a folder read-only here.";
}
