using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>An element-wise function and its pull-back, on eight elements.</summary>
internal interface IActivationFunction
{
    /// <summary>y = f(x).</summary>
    Vector256<float> Forward(Vector256<float> x);

    /// <summary>f′(x) · <paramref name="gradient"/>, with y = f(x) at hand.</summary>
    Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient);
}
