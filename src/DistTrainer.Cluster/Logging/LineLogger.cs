using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using AkkaLogEvent = Akka.Event.LogEvent;

namespace DistTrainer.Cluster.Logging;

/// <summary>
/// Akka's logger: prints every event as one line to the <see cref="LogOutput"/> that the configuration names.
/// It has one state, is supervised by the actor system, and a restart loses nothing.
/// </summary>
internal sealed class LineLogger : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    /// <summary>Made by the actor system at its start.</summary>
    public LineLogger()
    {
        LogOutput? output = LogOutput.Find(Context.System.Settings.Config.GetInt("disttrainer.log-output", -1));
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<AkkaLogEvent>(entry => output?.Write(entry));
    }
}
