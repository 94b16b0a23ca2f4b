using DistTrainer.Cluster.Library;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;

// A program of somebody else, who has the packages alone: points are above or below a line.
float[] features = new float[400];
double[] targets = new double[200];
for (int i = 0; i < targets.Length; i++)
{
    (features[2 * i], features[(2 * i) + 1]) = (i % 20 / 10f - 1, i / 20 / 5f - 1);
    targets[i] = features[2 * i] > features[(2 * i) + 1] ? 1 : 0;
}

var job = new JobDescription
{
    Model = new ModelDescription
    {
        Layers = [new LayerDescription { Units = 16, Activation = "tanh" }, new LayerDescription()],
    },
    Optimizer = new OptimizerDescription { LearningRate = 0.02f },
    Training = new TrainingDescription { Epochs = 30 },
};
DataParts data = DataLoader.From(
    new SampleTable("points", ["x", "y"], features, ["above"], targets), new DataDescription(), job.Model.Loss);
FitResult fit = await Trainer.FitAsync(job, data);
Console.WriteLine($"parameters sha256={fit.Model.ParameterHash}");
Console.WriteLine($"classes {string.Join(' ', fit.Model.PredictClasses([0.9f, -0.9f, -0.9f, 0.9f]))}");
