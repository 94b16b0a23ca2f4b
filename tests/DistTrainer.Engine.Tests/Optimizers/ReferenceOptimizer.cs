using System.Globalization;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Tests.Optimizers;

/// <summary>The optimizers as PyTorch's documentation writes them, one element at a time and in double.</summary>
internal sealed class ReferenceOptimizer(OptimizerDescription o, RegularizationDescription r, int length)
{
    private readonly double[] _first = new double[length];
    private readonly double[] _second = new double[length];
    private readonly double[] _third = new double[length];

    public void Step(int t, double rate, double[] gradient, double[] parameters)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            double p = parameters[i];
            double g = gradient[i] + Decimal(r.L2) * p + Decimal(r.L1) * Math.Sign(p);
            p *= 1 - rate * Decimal(r.DecoupledWeightDecay);
            parameters[i] = p - rate * o.Kind switch
            {
                "sgd" => Sgd(t, g, i),
                "rmsprop" => RmsProp(g, i),
                _ => Adam(t, g, i),
            };
        }
    }

    private static double Decimal(float value) => (double)(decimal)value;

    private double Number(string setting) => double.Parse(Text(setting), CultureInfo.InvariantCulture);

    private string Text(string setting) =>
        o.Settings.TextOf(PluginRegistry.Shared.Optimizers[o.Kind].Settings.First(known => known.Name == setting));

    private double Sgd(int t, double g, int i)
    {
        if (Number("momentum") == 0)
            return g;
        _first[i] = t == 1 ? g : Number("momentum") * _first[i] + (1 - Number("dampening")) * g;
        return Text("nesterov") == "true" ? g + Number("momentum") * _first[i] : _first[i];
    }

    private double Adam(int t, double g, int i)
    {
        double b1 = Number("beta1"), b2 = Number("beta2");
        _first[i] = b1 * _first[i] + (1 - b1) * g;
        _second[i] = b2 * _second[i] + (1 - b2) * g * g;
        _third[i] = Math.Max(_third[i], _second[i]);
        double second = Text("ams-grad") == "true" ? _third[i] : _second[i];
        return _first[i] / (1 - Math.Pow(b1, t)) / (
            Math.Sqrt(second) / Math.Sqrt(1 - Math.Pow(b2, t)) + Number("epsilon"));
    }

    private double RmsProp(double g, int i)
    {
        double a = Number("alpha");
        _first[i] = a * _first[i] + (1 - a) * g * g;
        _second[i] = a * _second[i] + (1 - a) * g;
        double variance = Text("centered") == "true" ? _first[i] - _second[i] * _second[i] : _first[i];
        double direction = g / (Math.Sqrt(variance) + Number("epsilon"));
        if (Number("momentum") == 0)
            return direction;
        return _third[i] = Number("momentum") * _third[i] + direction;
    }
}
