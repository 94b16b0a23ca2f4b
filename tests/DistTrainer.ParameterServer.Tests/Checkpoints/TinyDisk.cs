using System.Diagnostics;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

/// <summary>A file system of 64 KiB in memory.</summary>
internal sealed class TinyDisk : IDisposable
{
    private TinyDisk(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Makes one; null where this is not allowed.</summary>
    public static TinyDisk? TryMount()
    {
        string folder = Directory.CreateTempSubdirectory("tiny-disk-").FullName;
        if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder))
            return new TinyDisk(folder);
        Directory.Delete(folder);
        return null;
    }

    public void Dispose()
    {
        if (Run("umount", Folder))
            Directory.Delete(Folder);
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
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test that needs a <see cref="TinyDisk"/>; it is skipped where none may be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TinyDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_isAllowed = new(() =>
    {
        using TinyDisk? disk = TinyDisk.TryMount();
        return disk is not null;
    });

    public TinyDiskFactAttribute() =>
        Skip = s_isAllowed.Value ? null : "mount is not allowed here, so there is no small disk to fill.";
}
