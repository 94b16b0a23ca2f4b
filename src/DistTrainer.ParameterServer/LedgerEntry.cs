namespace DistTrainer.ParameterServer;

/// <summary>
/// A line of the ledger: which samples went into the parameters in some steps in a row of one epoch. The hash is a sum
/// (modulo 2⁶⁴) over the samples, so neither order nor grouping matter, and a sample too many, too few or another one
/// shows.
/// </summary>
/// <param name="Epoch">The epoch, counted from 1.</param>
/// <param name="FirstStep">First step, counted from 1 over the run.</param>
/// <param name="LastStep">Last step.</param>
/// <param name="Samples">Samples that were counted.</param>
/// <param name="Hash">The sum of <see cref="SampleLedger.Hash(int)"/> over them.</param>
public readonly record struct LedgerEntry(int Epoch, long FirstStep, long LastStep, long Samples, ulong Hash);
