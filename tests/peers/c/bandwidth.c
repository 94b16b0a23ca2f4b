// The memory's bandwidth as an optimizer uses it: the floor of a step's time over parameters that no cache holds.
//   bandwidth THREADS
// Build: gcc -O3 -march=native -fopenmp bandwidth.c -o bandwidth
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REPETITIONS = 8 };

// A triad in place: whatever it writes it has read, as an optimizer does. With a third buffer for the result a processor
// may read the lines that it is about to write or may not, and nobody could say how many bytes went.
static double triad(float *a, const float *b, long count, int threads)
{
    double start = omp_get_wtime();
    #pragma omp parallel for num_threads(threads) schedule(static)
    for (long i = 0; i < count; i++)
        a[i] = a[i] + 0.5f * b[i];
    return omp_get_wtime() - start;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fprintf(stderr, "usage: bandwidth THREADS\n"), 2;
    int threads = atoi(argv[1]);
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE), bytes = 2 * (cache > 128L << 20 ? cache : 128L << 20);
    long count = bytes / (long)sizeof(float);
    float *a = aligned_alloc(64, bytes), *b = aligned_alloc(64, bytes);
    if (!a || !b)
        return fprintf(stderr, "bandwidth: no memory for two buffers of %ld bytes\n", bytes), 1;
    #pragma omp parallel for num_threads(threads) schedule(static)
    for (long i = 0; i < count; i++)
        a[i] = b[i] = 1;
    double best = 1e9;
    for (int repetition = 0; repetition < REPETITIONS; repetition++)
    {
        double seconds = triad(a, b, count, threads);
        best = seconds < best ? seconds : best;
    }
    printf("{\"test\":\"bandwidth\",\"threads\":%d,\"mib\":%ld,\"gbs\":%.2f}\n", threads, 2 * bytes >> 20, 3e-9 * bytes / best);
    return 0;
}
