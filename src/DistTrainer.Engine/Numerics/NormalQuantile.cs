namespace DistTrainer.Engine.Numerics;

/// <summary>
/// The inverse Φ⁻¹ of the standard normal distribution function in double, from + − · / √ alone, so that it is the same
/// bits on every machine (the platform's log is not). Relative error about 1e-15.
/// Sources: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), PPND16; the logarithm after Sun's fdlibm
/// e_log.c.
/// </summary>
internal static class NormalQuantile
{
    /// <summary>Φ⁻¹(p).</summary>
    /// <param name="p">Probability in (0, 1).</param>
    public static double Evaluate(double p)
    {
        double q = p - 0.5;
        if (Math.Abs(q) <= 0.425)
            return q * Central(0.180625 - (q * q));
        double r = Math.Sqrt(-Log(q < 0 ? p : 1 - p));
        double magnitude = r <= 5 ? Middle(r - 1.6) : Tail(r - 5);
        return q < 0 ? -magnitude : magnitude;
    }

    /// <summary>The natural logarithm.</summary>
    /// <param name="x">Positive, normal and finite.</param>
    internal static double Log(double x)
    {
        const double Ln2High = 6.93147180369123816490e-01;
        const double Ln2Low = 1.90821492927058770002e-10;
        const long HalfRootTwo = 0x3FE6A09E667F3BCD;
        long bits = BitConverter.DoubleToInt64Bits(x) - HalfRootTwo;
        double exponent = bits >> 52;
        // x = 2^exponent · (1 + f), √½ ≤ 1 + f < √2
        double f = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) + HalfRootTwo) - 1;
        double s = f / (2 + f);
        double z = s * s;
        double series = z * (6.666666666666735130e-01 + (z * (3.999999999940941908e-01 + (z * (2.857142874366239149e-01
            + (z * (2.222219843214978396e-01 + (z * (1.818357216161805012e-01 + (z * (1.531383769920937332e-01
            + (z * 1.479819860511658591e-01))))))))))));
        double halfSquare = 0.5 * f * f;
        return (exponent * Ln2High) - (halfSquare - ((s * (halfSquare + series)) + (exponent * Ln2Low)) - f);
    }

    private static double Central(double r) =>
        ((((((((((((((2509.0809287301226727 * r) + 33430.575583588128105) * r) + 67265.770927008700853) * r)
            + 45921.953931549871457) * r) + 13731.693765509461125) * r) + 1971.5909503065514427) * r)
            + 133.14166789178437745) * r) + 3.387132872796366608)
        / ((((((((((((((5226.495278852854561 * r) + 28729.085735721942674) * r) + 39307.89580009271061) * r)
            + 21213.794301586595867) * r) + 5394.1960214247511077) * r) + 687.1870074920579083) * r)
            + 42.313330701600911252) * r) + 1);

    private static double Middle(double r) =>
        ((((((((((((((7.7454501427834140764e-4 * r) + 0.0227238449892691845833) * r) + 0.24178072517745061177) * r)
            + 1.27045825245236838258) * r) + 3.64784832476320460504) * r) + 5.7694972214606914055) * r)
            + 4.6303378461565452959) * r) + 1.42343711074968357734)
        / ((((((((((((((1.05075007164441684324e-9 * r) + 5.475938084995344946e-4) * r) + 0.0151986665636164571966) * r)
            + 0.14810397642748007459) * r) + 0.68976733498510000455) * r) + 1.6763848301838038494) * r)
            + 2.05319162663775882187) * r) + 1);

    private static double Tail(double r) =>
        ((((((((((((((2.01033439929228813265e-7 * r) + 2.71155556874348757815e-5) * r) + 1.2426609473880784386e-3) * r)
            + 0.026532189526576123093) * r) + 0.29656057182850489123) * r) + 1.7848265399172913358) * r)
            + 5.4637849111641143699) * r) + 6.6579046435011037772)
        / (((((
            (((((((((2.04426310338993978564e-15 * r) + 1.4215117583164458887e-7) * r) + 1.8463183175100546818e-5) * r)
            + 7.868691311456132591e-4) * r) + 0.0148753612908506148525) * r) + 0.13692988092273580531) * r)
            + 0.59983220655588793769) * r) + 1);
}
