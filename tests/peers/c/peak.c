// The processor's fp32 fused multiply-add peak at vectors of 256 and (where it has them) 512 bits: the ceiling of a matrix product.
//   peak THREADS
// Build: gcc -O2 -fopenmp peak.c -o peak
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAINS = 12, TURNS = 30000000 };

// Twelve independent chains hide the latency. In assembly, because a compiler keeps an array of vectors in memory.
#define ADD(register, n) "vfmadd231ps %%" register "14, %%" register "15, %%" register #n "\n"
#define LOOP(register)                                                                                            \
    long turns = TURNS;                                                                                           \
    __asm__ volatile("vzeroall\n1:\n"                                                                             \
        ADD(register, 0) ADD(register, 1) ADD(register, 2) ADD(register, 3) ADD(register, 4) ADD(register, 5)     \
        ADD(register, 6) ADD(register, 7) ADD(register, 8) ADD(register, 9) ADD(register, 10) ADD(register, 11)   \
        "dec %0\njnz 1b\nvzeroupper"                                                                              \
        : "+r"(turns) : : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",                   \
          "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15");

static void run256(void) { LOOP("ymm") }

static void run512(void) { LOOP("zmm") }

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
