using System.Globalization;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// Scalar functions whose results feed parameters. <see cref="Math.Pow"/> and <see cref="Math.Cos"/> call the C library
/// and differ in the last bit between platforms; these use additions, multiplications and divisions only.
/// </summary>
internal static class ScalarMath
{
    /// <summary>
    /// The decimal number that a person wrote, e.g. 0.999 for 0.999f. Without it 1 − β₂ would be off by 1.3e-5, because
    /// 0.999f is 0.99900001287; PyTorch computes with the double nearest to 0.999.
    /// </summary>
    public static double AsWritten(float value) =>
        double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary><paramref name="x"/> to the power <paramref name="n"/> ≥ 0, by squaring.</summary>
    public static double Power(double x, long n)
    {
        double result = 1;
        for (; n > 0; n >>= 1, x *= x)
        {
            if ((n & 1) != 0)
                result *= x;
        }
        return result;
    }

    /// <summary>cos(π x) for x in [0, 1]; error below 2e-16 (Taylor series on [−π/4, π/4]).</summary>
    public static double CosPi(double x)
    {
        if (x > 0.5)
            return -CosPi(1 - x);
        double y = Math.PI * (x <= 0.25 ? x : 0.5 - x);
        double square = y * y;
        double sum = 0;
        // cos y = 1 − y²/2 (1 − y²/12 (1 − …)), sin y = y (1 − y²/6 (1 − y²/20 (1 − …)))
        int first = x <= 0.25 ? 1 : 2;
        for (int k = first + 18; k >= first; k -= 2)
            sum = square / (k * (k + 1)) * (1 - sum);
        return first == 1 ? 1 - sum : y * (1 - sum);
    }
}
