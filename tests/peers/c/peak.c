// The processor's fp32 fused multiply-add peak at vectors of 256 and (where it has them) 512 bits: the ceiling of a matrix product.
//   peak THREADS
// Build: gcc -O2 -fopenmp peak.c -o peak
#include <immintrin.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAINS = 12, TURNS = 30000000 };

// Twelve independent chains hide the latency; the asm statement keeps the compiler from folding them.
#define CHAIN_LOOP(type, set, multiply_add, constraint)                     \
    type chain[CHAINS], factor = set(0.999f), term = set(0.001f);          \
    for (int c = 0; c < CHAINS; c++)                                       \
        chain[c] = set((float)c);                                          \
    for (long turn = 0; turn < TURNS; turn++)                              \
        _Pragma("GCC unroll 12") for (int c = 0; c < CHAINS; c++)          \
        {                                                                  \
            chain[c] = multiply_add(chain[c], factor, term);               \
            __asm__ volatile("" : constraint(chain[c]));                   \
        }

__attribute__((target("avx2,fma"))) static void run256(void) { CHAIN_LOOP(__m256, _mm256_set1_ps, _mm256_fmadd_ps, "+x") }

__attribute__((target("avx512f"))) static void run512(void) { CHAIN_LOOP(__m512, _mm512_set1_ps, _mm512_fmadd_ps, "+v") }

static void measure(int bits, void (*run)(void), int threads)
{
    double start = omp_get_wtime();
    #pragma omp parallel num_threads(threads)
    run();
    double seconds = omp_get_wtime() - start;
    printf("{\"test\":\"peak\",\"bits\":%d,\"threads\":%d,\"gflops\":%.1f}\n", bits, threads, 2e-9 * bits / 32 * CHAINS * TURNS * threads / seconds);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fprintf(stderr, "usage: peak THREADS\n"), 2;
    for (int repetition = 0; repetition < 3; repetition++)
    {
        measure(256, run256, atoi(argv[1]));
        if (__builtin_cpu_supports("avx512f"))
            measure(512, run512, atoi(argv[1]));
    }
    return 0;
}
