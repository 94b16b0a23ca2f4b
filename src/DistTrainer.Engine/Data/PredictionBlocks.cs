using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Rows to predict for, block by block: a CSV file is read in constant memory, others are one block.
/// </summary>
internal sealed class PredictionBlocks
{
    private readonly ModelNotes _notes = new();
    private readonly List<string> _said = [];
    private readonly Func<PredictionRows>? _whole;
    private readonly CsvText? _text;
    private readonly ReadRequest? _request;
    private readonly DataSchema? _schema;
    private Stream? _file;

    /// <summary>Rows that are one block.</summary>
    /// <param name="whole">Reads them.</param>
    public PredictionBlocks(Func<PredictionRows> whole) => _whole = whole;

    /// <summary>Rows of a CSV file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="request">What is wanted: columns of known forms.</param>
    /// <param name="schema">What the model knows of its data.</param>
    public PredictionBlocks(string path, ReadRequest request, DataSchema schema)
    {
        (_request, _schema) = (request, schema);
        _text = new CsvText(path, () => _file = InputFile.Open(path, out _, out _));
    }

    /// <summary>What training did not have, a line a column; complete after the last block.</summary>
    public IReadOnlyList<string> Notes => [.. _said, .. _notes.Lines];

    /// <summary>The share of the file that has been read; null where it is not known.</summary>
    public double? Share => _file is FileStream { CanSeek: true } file ? (double)file.Position / file.Length : null;

    /// <summary>Goes through all blocks.</summary>
    /// <typeparam name="T">What becomes of a block.</typeparam>
    /// <param name="use">Makes it; called side by side.</param>
    /// <returns>In the order of the rows.</returns>
    /// <exception cref="DistTrainerException">The data are wrong or do not fit the model.</exception>
    public IEnumerable<T> Select<T>(Func<PredictionRows, T> use)
    {
        if (_whole is not null)
        {
            PredictionRows rows = _whole();
            _said.AddRange(rows.Notes);
            yield return use(rows);
            yield break;
        }
        foreach ((T made, ModelNotes notes) in CsvTableReader.ReadBlocks(_text!, _request!, table =>
        {
            var own = new ModelNotes();
            return (use(DataPreparation.Predictable(table, _schema!, own)), own);
        }))
        {
            _notes.Add(notes);
            yield return made;
        }
    }
}
