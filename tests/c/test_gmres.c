/* GMRES on dense systems: against elimination, across restarts, at the edges. */
#include "tw_gmres.h"
#include "tw_test.h"

enum { N = 60, N8 = 64 };

typedef struct {
    double a[N * N];
    int calls;
    int stop_after; /* calls; -1 = never */
} matrix;

static int
times(void *ctx, const double *x, double *y)
{
    matrix *m = ctx;
    memset(y, 0, N8 * sizeof *y);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            y[i] += m->a[i * N + j] * x[j];
        }
    }
    return m->stop_after >= 0 && m->calls++ >= m->stop_after;
}

/* A nonsymmetric matrix: `diagonal` on the diagonal, noise of size 1 around it. */
static void
fill(matrix *m, double diagonal, double *b, unsigned long long seed)
{
    m->calls = 0;
    m->stop_after = -1;
    memset(b, 0, N8 * sizeof *b);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            m->a[i * N + j] =
                2.0 * tw_test_uniform(&seed) - 1.0 + (i == j ? diagonal : 0.0);
        }
        b[i] = tw_test_uniform(&seed) - 0.5;
    }
}

static double
distance(const double *x, const double *y)
{
    double top = 0.0;
    for (size_t k = 0; k < N; k++) {
        top = fmax(top, fabs(x[k] - y[k]));
    }
    return top;
}

static void
against_elimination(const tw_kernels *kern, size_t memory, double diagonal)
{
    matrix m;
    size_t products;
    double left;
    double b[N8], want[N8], x[N8] = {0.0}, lu[N * N];
    double *scratch = malloc(tw_gmres_doubles(N8, memory) * sizeof *scratch);
    fill(&m, diagonal, b, 5 + memory);
    memcpy(lu, m.a, sizeof lu);
    memcpy(want, b, sizeof want);
    CHECK(tw_lu_solve(N, lu, want) == TW_OK);
    CHECK(tw_gmres(kern, N8, memory, 500, 1e-13, times, &m, b, x, scratch, &products,
                   &left) == TW_OK);
    CHECK(left <= 1e-13 && products > 1);
    CHECK(memory < N || products <= N + 1);
    CHECK_CLOSE(distance(x, want), 0.0, 1e-10);
    for (size_t k = N; k < N8; k++) {
        CHECK(x[k] == 0.0);
    }
    free(scratch);
}

static void
edges(const tw_kernels *kern)
{
    matrix m;
    size_t products;
    double left;
    double b[N8], x[N8] = {0.0}, zero[N8] = {0.0};
    double *scratch = malloc(tw_gmres_doubles(N8, N) * sizeof *scratch);

    fill(&m, 20.0, b, 9);
    x[0] = 1.0;
    CHECK(tw_gmres(kern, N8, N, 100, 1e-12, times, &m, zero, x, scratch, &products,
                   &left) == TW_OK);
    CHECK(distance(x, zero) == 0.0 && products == 0);

    m.stop_after = 3;
    CHECK(tw_gmres(kern, N8, N, 100, 1e-12, times, &m, b, x, scratch, &products,
                   &left) == TW_EINTR);
    CHECK(products == 4);

    m.stop_after = -1;
    CHECK(tw_gmres(kern, N8, N, 5, 1e-12, times, &m, b, x, scratch, &products, &left) ==
          TW_NOCONV);
    CHECK(left > 1e-12 && left < 1.0); /* better than nothing */

    m.a[3] = NAN;
    CHECK(tw_gmres(kern, N8, N, 100, 1e-12, times, &m, b, x, scratch, &products,
                   &left) == TW_ENUMERIC);

    /* The identity: one product, an invariant space at once. */
    memset(m.a, 0, sizeof m.a);
    for (size_t k = 0; k < N; k++) {
        m.a[k * N + k] = 1.0;
    }
    CHECK(tw_gmres(kern, N8, N, 100, 1e-12, times, &m, b, x, scratch, &products,
                   &left) == TW_OK);
    CHECK_CLOSE(distance(x, b), 0.0, 1e-14);
    CHECK(products == 1);

    /* Singular: an equation 0 = b can not be met and is not said to be. */
    m.a[0] = 0.0;
    CHECK(tw_gmres(kern, N8, N, 100, 1e-12, times, &m, b, x, scratch, &products,
                   &left) != TW_OK);
    /* A singular system of full size, consistent or not, in rounded numbers. */
    fill(&m, 12.0, b, 21);
    for (size_t j = 0; j < N; j++) {
        m.a[j] = m.a[N + j];
    }
    b[0] = b[1] + 1.0;
    tw_status rc =
        tw_gmres(kern, N8, N, 200, 1e-12, times, &m, b, x, scratch, &products, &left);
    CHECK(rc == TW_NOCONV || rc == TW_ENUMERIC);
    memset(m.a, 0, sizeof m.a);
    CHECK(tw_gmres(kern, N8, N, 100, 1e-12, times, &m, b, x, scratch, &products,
                   &left) == TW_ENUMERIC);
    free(scratch);
}

int
main(void)
{
    for (int level = 0; level <= tw_level_best(); level++) {
        const tw_kernels *kern = tw_kernels_get(level);
        against_elimination(kern, N, 0.0); /* as hard as a dense system gets */
        against_elimination(kern, N, 12.0);
        against_elimination(kern, 8, 12.0);
        edges(kern);
    }
    return TEST_END();
}
