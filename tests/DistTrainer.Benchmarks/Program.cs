using DistTrainer.Benchmarks;

if (args[0] == "gemm")
    GemmBenchmark.Run(0.2);
else
    await TrainBenchmark.Run(args[1].Split(','), args[2].Split(','), int.Parse(args[3], System.Globalization.CultureInfo.InvariantCulture), 1, int.Parse(args[4], System.Globalization.CultureInfo.InvariantCulture), 0.4, 3, BenchmarkModel.RandomData(12800));
