namespace DistTrainer.Engine.Data;

/// <summary>Finds out which mark is decimal in a text, and which stands between thousands.</summary>
internal static class CsvNumberStyle
{
    /// <summary>
    /// Looks at all columns that have numbers only. A mark before three digits may be either; it is what the others
    /// show, else what goes with the separator: with semicolons a comma is decimal, else it stands between thousands.
    /// </summary>
    /// <param name="grid">The first rows.</param>
    /// <param name="first">The first row of values.</param>
    /// <param name="fields">Fields a row.</param>
    /// <param name="settings">What is said.</param>
    public static (char Decimal, char Thousands) Find(CsvGrid grid, int first, int fields, CsvSettings settings)
    {
        NumberForms all = NumberForms.None;
        for (int column = 0; column < fields; column++)
        {
            NumberForms forms = NumberForms.None;
            for (int row = first; row < grid.Count && !forms.HasFlag(NumberForms.Other); row++)
            {
                if (column < grid.FieldCount(row) && !CsvHeader.IsMissing(grid.Field(row, column)))
                    forms |= CsvNumber.FormOf(grid.Field(row, column));
            }
            all |= forms.HasFlag(NumberForms.Other) ? NumberForms.None : forms;
        }
        bool Has(NumberForms forms) => (all & forms) != 0;
        bool commaGroups = Has(NumberForms.CommaThousands) || (settings.Thousands == ',' && settings.Decimal is null);
        bool isComma = grid.Shape.Separator != ',' && !commaGroups
            && (Has(NumberForms.Comma | NumberForms.PointThousands)
                || (Has(NumberForms.CommaOrThousands) && grid.Shape.Separator == ';'
                    && !Has(NumberForms.Point | NumberForms.PointOrThousands)));
        char mark = settings.Decimal ?? (isComma ? ',' : '.');
        if (settings.Thousands is { } said)
            return (mark, said);
        bool groups = mark == ',' ? Has(NumberForms.PointThousands | NumberForms.PointOrThousands)
                && !Has(NumberForms.Point)
            : Has(NumberForms.CommaThousands | NumberForms.CommaOrThousands) && !Has(NumberForms.Comma);
        char thousands = groups ? mark == ',' ? '.' : ','
            : Has(NumberForms.BlankThousands) && grid.Shape.Separator != ' ' ? ' '
            : Has(NumberForms.ApostropheThousands) ? '\'' : CsvSettings.None;
        return (mark, thousands);
    }
}
