namespace DistTrainer.Engine.Layers;

/// <summary>A column of categories whose values are vectors that are learned, a row of a table each.</summary>
/// <param name="Name">The column's name, first part of its tensor's: <c>{Name}.weight</c>; not empty.</param>
/// <param name="Cardinality">Rows of the table, 2 to 2²⁴: the column holds whole numbers from 0 to Cardinality − 1,
/// which a <c>float</c> has exactly.</param>
/// <param name="Width">Length of a vector, ≥ 1.</param>
public sealed record EmbeddedColumn(string Name, int Cardinality, int Width);
