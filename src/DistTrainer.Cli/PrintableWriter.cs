using System.Text;
using DistTrainer.Engine;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DistTrainer.Cli;

/// <summary>
/// Makes all text printable (<see cref="Printable"/>) on its way to a writer. A <c>WriteLine</c> is one line, whatever
/// is in it.
/// </summary>
/// <param name="inner">Where to.</param>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter(inner.FormatProvider)
{
    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    /// <inheritdoc/>
    public override void Write(string? value) => inner.Write(Printable.Lines(value ?? ""));

    /// <inheritdoc/>
    public override void WriteLine() => inner.WriteLine();

    /// <inheritdoc/>
    public override void WriteLine(ReadOnlySpan<char> buffer) => WriteLine(buffer.ToString());

    /// <inheritdoc/>
    public override void WriteLine(string? value) => inner.WriteLine(Printable.Line(value ?? ""));

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();
}

/// <summary>
/// Makes the text of everything that is drawn on a terminal printable; colors and the cursor's moves are segments of
/// their own.
/// </summary>
internal sealed class PrintableTerminal : IRenderHook
{
    /// <inheritdoc/>
    public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) =>
        renderables.Select(drawn => new Drawn(drawn));

    private sealed class Drawn(IRenderable inner) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            inner.Render(options, maxWidth)
                .Select(segment => segment.IsControlCode || segment.IsLineBreak
                || Printable.Lines(segment.Text) is var text
                && text == segment.Text ? segment : new Segment(text, segment.Style));
    }
}
