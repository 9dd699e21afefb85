/* exp and log against long double libm: the stated error bounds, edges, equal bits. */
#include "tradewar.h"
#include "tw_test.h"

#include <float.h>

static double
ulp(double x)
{
    int e;
    frexp(x, &e);
    return ldexp(1.0, e - 53);
}

static void
bounds(int level, size_t n)
{
    double *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    unsigned long long seed = 7;
    double worst = 0.0;
    for (size_t k = 0; k < n; k++) {
        double scale = k % 4 == 0   ? 1400.0
                       : k % 4 == 1 ? 20.0
                       : k % 4 == 2 ? 1.0
                                    : 1e-3;
        x[k] = scale * (tw_test_uniform(&seed) - 0.5);
    }
    CHECK(tw_exp(level, n, x, y) == TW_OK);
    for (size_t k = 0; k < n; k++) {
        long double want = expl((long double)x[k]);
        worst =
            fmax(worst, (double)(fabsl((long double)y[k] - want) / ulp((double)want)));
    }
    printf("%s: exp %.3f ulp", tw_level_name(level), worst);
    CHECK(worst <= 1.5);
    worst = 0.0;
    for (size_t k = 0; k < n; k++) {
        x[k] = k % 2 ? exp(1400.0 * (tw_test_uniform(&seed) - 0.5))
                     : 1.0 + 0.8 * (tw_test_uniform(&seed) - 0.5);
    }
    CHECK(tw_log(level, n, x, y) == TW_OK);
    for (size_t k = 0; k < n; k++) {
        long double want = logl((long double)x[k]);
        worst =
            fmax(worst, (double)(fabsl((long double)y[k] - want) / ulp((double)want)));
    }
    printf(", log %.3f ulp\n", worst);
    CHECK(worst <= 1.0);
    free(x);
    free(y);
}

static void
edges(int level)
{
    double x[9] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 710.0, -709.0, 709.0, -708.0},
           y[9];
    CHECK(tw_exp(level, 9, x, y) == TW_OK);
    CHECK(y[0] == 1.0 && y[1] == 1.0 && isinf(y[2]) && y[3] == 0.0 && isnan(y[4]));
    CHECK(isinf(y[5]) && y[6] == 0.0 && isfinite(y[7]) && y[8] > 0.0);
    double u[8] = {0.0, 1.0, INFINITY, -1.0, NAN, DBL_TRUE_MIN, DBL_MIN, DBL_MAX};
    CHECK(tw_log(level, 8, u, y) == TW_OK);
    CHECK(isinf(y[0]) && y[0] < 0 && y[1] == 0.0 && isinf(y[2]) && y[2] > 0);
    CHECK(isnan(y[3]) && isnan(y[4]));
    for (int k = 5; k < 8; k++) {
        CHECK_CLOSE(y[k], log(u[k]), 1e-15);
    }
}

int
main(void)
{
    size_t n = tw_test_quick() ? 4003 : 400003;
    for (int level = 0; level <= tw_level_best(); level++) {
        bounds(level, n);
        edges(level);
    }
    double x[1003], base[1003], other[1003];
    unsigned long long seed = 3;
    for (int k = 0; k < 1003; k++) {
        x[k] = 100.0 * tw_test_uniform(&seed);
    }
    for (int level = 1; level <= tw_level_best(); level++) {
        tw_exp(0, 1003, x, base);
        tw_exp(level, 1003, x, other);
        CHECK_BYTES(base, other, sizeof base);
        tw_log(0, 1003, x, base);
        tw_log(level, 1003, x, other);
        CHECK_BYTES(base, other, sizeof base);
    }
    CHECK(tw_exp(99, 1, x, base) == TW_EDOMAIN);
    return TEST_END();
}
