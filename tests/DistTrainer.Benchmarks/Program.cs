using DistTrainer.Benchmarks;

GemmBenchmark.Run(0.2);
