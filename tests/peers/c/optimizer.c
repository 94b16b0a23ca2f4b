// Plain fused optimizer loops over 25 million parameters: what the memory allows.
//   optimizer THREADS
// Useful bytes a parameter: SGD with momentum 20 (reads p, g, v; writes p, v), Adam 28 (reads p, g, m, v; writes p, m, v).
// Build: gcc -O3 -march=native -ffast-math -fopenmp optimizer.c -o optimizer -lm
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARAMETERS = 25000000, REPETITIONS = 12, WARM_UP = 2 };

static float *allocate(float value)
{
    void *memory;
    if (posix_memalign(&memory, 2 << 20, PARAMETERS * sizeof(float)))
        exit(1);
    float *values = memory;
    #pragma omp parallel for schedule(static)
    for (int i = 0; i < PARAMETERS; i++)
        values[i] = value;
    return values;
}

static void sgd(float *p, const float *g, float *v)
{
    #pragma omp parallel for schedule(static)
    for (int i = 0; i < PARAMETERS; i++)
    {
        v[i] = 0.9f * v[i] + g[i];
        p[i] -= 0.01f * v[i];
    }
}

static void adam(float *p, const float *g, float *m, float *v)
{
    #pragma omp parallel for schedule(static)
    for (int i = 0; i < PARAMETERS; i++)
    {
        m[i] = 0.9f * m[i] + 0.1f * g[i];
        v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
        p[i] -= 1e-3f * m[i] / (sqrtf(v[i]) + 1e-8f);
    }
}

static void report(const char *rule, int threads, const double *milliseconds)
{
    printf("{\"test\":\"optim\",\"fw\":\"c\",\"opt\":\"%s\",\"threads\":%d,\"ms\":[", rule, threads);
    for (int i = WARM_UP; i < REPETITIONS; i++)
        printf("%s%.2f", i > WARM_UP ? "," : "", milliseconds[i]);
    printf("]}\n");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fprintf(stderr, "usage: optimizer THREADS\n"), 2;
    int threads = atoi(argv[1]);
    omp_set_num_threads(threads);
    float *p = allocate(1), *g = allocate(0.01f), *m = allocate(0), *v = allocate(1e-4f);
    double milliseconds[REPETITIONS];
    for (int i = 0; i < REPETITIONS; i++)
    {
        double start = omp_get_wtime();
        sgd(p, g, m);
        milliseconds[i] = 1e3 * (omp_get_wtime() - start);
    }
    report("sgd", threads, milliseconds);
    for (int i = 0; i < REPETITIONS; i++)
    {
        double start = omp_get_wtime();
        adam(p, g, m, v);
        milliseconds[i] = 1e3 * (omp_get_wtime() - start);
    }
    report("adam", threads, milliseconds);
    fprintf(stderr, "checksum %g\n", p[7]); // keeps the loops from being optimized away
    return 0;
}
