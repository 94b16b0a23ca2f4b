namespace DistTrainer.Engine.Tests;

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
                OptimizerKind.Sgd => Sgd(t, g, i),
                OptimizerKind.RmsProp => RmsProp(g, i),
                _ => Adam(t, g, i),
            };
        }
    }

    private static double Decimal(float value) => (double)(decimal)value;

    private double Sgd(int t, double g, int i)
    {
        if (o.Momentum == 0)
            return g;
        _first[i] = t == 1 ? g : Decimal(o.Momentum) * _first[i] + (1 - Decimal(o.Dampening)) * g;
        return o.Nesterov ? g + Decimal(o.Momentum) * _first[i] : _first[i];
    }

    private double Adam(int t, double g, int i)
    {
        double b1 = Decimal(o.Beta1), b2 = Decimal(o.Beta2);
        _first[i] = b1 * _first[i] + (1 - b1) * g;
        _second[i] = b2 * _second[i] + (1 - b2) * g * g;
        _third[i] = Math.Max(_third[i], _second[i]);
        double second = o.AmsGrad ? _third[i] : _second[i];
        return _first[i] / (1 - Math.Pow(b1, t)) / (Math.Sqrt(second) / Math.Sqrt(1 - Math.Pow(b2, t)) + Decimal(o.Epsilon));
    }

    private double RmsProp(double g, int i)
    {
        double a = Decimal(o.Alpha);
        _first[i] = a * _first[i] + (1 - a) * g * g;
        _second[i] = a * _second[i] + (1 - a) * g;
        double variance = o.Centered ? _first[i] - _second[i] * _second[i] : _first[i];
        double direction = g / (Math.Sqrt(variance) + Decimal(o.Epsilon));
        if (o.Momentum == 0)
            return direction;
        return _third[i] = Decimal(o.Momentum) * _third[i] + direction;
    }
}
