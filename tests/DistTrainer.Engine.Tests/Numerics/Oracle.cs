using System.Globalization;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Tests.Numerics;

/// <summary>Slow, obvious double-precision counterparts of what the engine computes in float.</summary>
internal static class Oracle
{
    public static double NormalDensity(double x) => Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);

    /// <summary>
    /// Φ(x): a power series near 0, a continued fraction of the upper tail beyond (Abramowitz and Stegun 26.2.11,
    /// 26.2.14).
    /// </summary>
    public static double NormalCdf(double x)
    {
        double a = Math.Abs(x);
        if (a < 3)
        {
            double term = a;
            double sum = a;
            for (int n = 1; term > 1e-18 * sum; n++)
            {
                term *= a * a / ((2 * n) + 1);
                sum += term;
            }
            double upper = 0.5 + (NormalDensity(a) * sum);
            return x < 0 ? 1 - upper : upper;
        }
        double fraction = a;
        for (int n = 200; n > 0; n--)
            fraction = a + (n / fraction);
        double tail = NormalDensity(a) / fraction;
        return x < 0 ? tail : 1 - tail;
    }

    public static double Sigmoid(double x) => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x));

    public static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    public static double Activation(string kind, double x) => kind switch
    {
        "identity" => x,
        "relu" => Math.Max(0, x),
        "leaky-relu" => x > 0 ? x : (double)0.2f * x,
        "sigmoid" => Sigmoid(x),
        "tanh" => Math.Tanh(x),
        "gelu" => x * NormalCdf(x),
        _ => x * Sigmoid(x),
    };

    /// <summary>The loss of one sample.</summary>
    public static double Loss(LossDescription loss, double[] outputs, float[] target)
    {
        double Setting(string name) => double.Parse(
            loss.Settings.TextOf(PluginRegistry.Shared.Losses[loss.Kind]
                .Settings.First(setting => setting.Name == name)), CultureInfo.InvariantCulture);
        return loss.Kind switch
        {
            "cross-entropy" => CrossEntropy(outputs, (int)target[0], (float)Setting("label-smoothing")),
            "binary-cross-entropy" =>
                outputs.Select((x, i) => -(target[i] * -Softplus(-x)) - ((1 - target[i]) * -Softplus(x))).Average(),
            "mean-squared-error" => outputs.Select((x, i) => Math.Pow(x - target[i], 2)).Average(),
            _ => outputs.Select((x, i) => Math.Abs(x - target[i]))
                .Select(d => Huber(d, Setting("huber-delta"))).Average(),
        };
    }

    private static double Huber(double d, double delta) => d <= delta ? 0.5 * d * d : delta * (d - (0.5 * delta));

    /// <summary>(f(x + h) − f(x − h)) / 2h.</summary>
    public static double Slope(Func<double, double> function, double x)
    {
        const double Step = 1e-5;
        return (function(x + Step) - function(x - Step)) / (2 * Step);
    }

    private static double CrossEntropy(double[] outputs, int target, double smoothing)
    {
        double logSum = Math.Log(outputs.Sum(Math.Exp));
        return outputs.Select((x, i) =>
            (logSum - x) * ((i == target ? 1 - smoothing : 0) + (smoothing / outputs.Length))).Sum();
    }
}
