using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>Rows for a model, block by block: a CSV file is read in constant memory, others are one block.</summary>
/// <typeparam name="TRows">What a block is.</typeparam>
internal sealed class RowBlocks<TRows>
{
    private readonly ModelNotes _notes = new();
    private readonly List<string> _said = [];
    private readonly Func<TRows>? _whole;
    private readonly Func<TRows, IReadOnlyList<string>>? _notesOf;
    private readonly CsvText? _text;
    private readonly ReadRequest? _request;
    private readonly Func<RawTable, ModelNotes, TRows>? _prepare;
    private Stream? _file;

    /// <summary>Rows that are one block.</summary>
    /// <param name="whole">Reads them.</param>
    /// <param name="notesOf">What is to be said of them.</param>
    public RowBlocks(Func<TRows> whole, Func<TRows, IReadOnlyList<string>> notesOf) =>
        (_whole, _notesOf) = (whole, notesOf);

    /// <summary>Rows of a CSV file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="request">What is wanted: columns of known forms.</param>
    /// <param name="prepare">Makes a block of rows, and notes what training did not have; called side by side.</param>
    public RowBlocks(string path, ReadRequest request, Func<RawTable, ModelNotes, TRows> prepare)
    {
        (_request, _prepare) = (request, prepare);
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
    public IEnumerable<T> Select<T>(Func<TRows, T> use)
    {
        if (_whole is not null)
        {
            TRows rows = _whole();
            _said.AddRange(_notesOf!(rows));
            yield return use(rows);
            yield break;
        }
        foreach ((T made, ModelNotes notes) in CsvTableReader.ReadBlocks(_text!, _request!, table =>
        {
            var own = new ModelNotes();
            return (use(_prepare!(table, own)), own);
        }))
        {
            _notes.Add(notes);
            yield return made;
        }
    }
}
