// sgemm of OpenBLAS on the matrix products of one training step of the models a, b and c, row-major.
//   gemm LIBOPENBLAS THREADS
// Of a layer with I inputs and O outputs, batch B:
//   fwd  Y[B,O]  = X[B,I] · W[O,I]ᵀ        dW  W'[O,I] = Y'[B,O]ᵀ · X[B,I]        dX  X'[B,I] = Y'[B,O] · W[O,I] (not of layer 1)
// Build: gcc -O2 gemm.c -o gemm -ldl
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112, LARGEST = 2048 * 2048 };
typedef void (*sgemm_t)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

static sgemm_t sgemm;
static float *a, *b, *c;
static int threads;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void multiply(int transpose_a, int transpose_b, int m, int n, int k)
{
    sgemm(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE, m, n, k,
          1, a, transpose_a ? m : k, b, transpose_b ? k : n, 0, c, n);
}

static void measure(const char *tag, int transpose_a, int transpose_b, int m, int n, int k)
{
    double operations = 2.0 * m * n * k;
    int calls = (int)(6e9 * threads / operations) + 3;
    for (int i = 0; i < 2 + calls / 10; i++)
        multiply(transpose_a, transpose_b, m, n, k);
    double start = now();
    for (int i = 0; i < calls; i++)
        multiply(transpose_a, transpose_b, m, n, k);
    double seconds = (now() - start) / calls;
    printf("{\"test\":\"gemm\",\"fw\":\"openblas\",\"threads\":%d,\"tag\":\"%s\",\"m\":%d,\"n\":%d,\"k\":%d,\"gflops\":%.2f}\n",
           threads, tag, m, n, k, operations * 1e-9 / seconds);
}

static void model(char name, int batch, int layers, const int *widths)
{
    for (int layer = 0; layer < layers; layer++)
    {
        int inputs = widths[layer], outputs = widths[layer + 1];
        char tag[32];
        snprintf(tag, sizeof tag, "%c.L%d.fwd", name, layer + 1);
        measure(tag, 0, 1, batch, outputs, inputs);
        snprintf(tag, sizeof tag, "%c.L%d.dW", name, layer + 1);
        measure(tag, 1, 0, outputs, inputs, batch);
        if (layer == 0)
            continue;
        snprintf(tag, sizeof tag, "%c.L%d.dX", name, layer + 1);
        measure(tag, 0, 0, batch, inputs, outputs);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fprintf(stderr, "usage: gemm LIBOPENBLAS THREADS\n"), 2;
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library)
        return fprintf(stderr, "%s\n", dlerror()), 1;
    threads = atoi(argv[2]);
    sgemm = (sgemm_t)dlsym(library, "cblas_sgemm");
    ((void (*)(int))dlsym(library, "openblas_set_num_threads"))(threads);
    printf("{\"test\":\"openblas\",\"threads\":%d,\"core\":\"%s\"}\n", threads, ((char *(*)(void))dlsym(library, "openblas_get_corename"))());
    if (posix_memalign((void **)&a, 64, LARGEST * sizeof(float)) || posix_memalign((void **)&b, 64, LARGEST * sizeof(float))
        || posix_memalign((void **)&c, 64, LARGEST * sizeof(float)))
        return fprintf(stderr, "no memory\n"), 1;
    for (int i = 0; i < LARGEST; i++)
        a[i] = b[i] = c[i] = 0.01f * (i % 97);
    model('a', 64, 2, (int[]){784, 128, 10});
    model('b', 128, 3, (int[]){784, 512, 256, 10});
    model('c', 256, 3, (int[]){784, 2048, 2048, 10});
    return 0;
}
