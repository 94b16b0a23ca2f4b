namespace DistTrainer.Engine.Plugins;

/// <summary>
/// What an assembly brings beside the built-in parts. A plug-in's file has exactly one public class of this kind, with
/// a constructor without arguments.
/// </summary>
public interface IDistTrainerPlugin
{
    /// <summary>Names what the plug-in brings. Called once a process, when the plug-in is loaded.</summary>
    /// <param name="registry">Takes the names.</param>
    void Register(PluginRegistry registry);
}
