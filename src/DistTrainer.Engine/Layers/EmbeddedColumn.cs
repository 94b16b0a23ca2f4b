namespace DistTrainer.Engine.Layers;

/// <summary>A column of a table whose values become vectors: an index into an embedding.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Cardinality">Rows of the embedding's table: indices are 0 … Cardinality − 1; ≥ 1.</param>
/// <param name="Width">Length of a vector, ≥ 1.</param>
public sealed record EmbeddedColumn(string Name, int Cardinality, int Width);
