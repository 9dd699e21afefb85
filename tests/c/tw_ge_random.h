/* tw_ge_random.h - random economies that balance, for the C tests of general equilibrium. */
#ifndef TW_GE_RANDOM_H
#define TW_GE_RANDOM_H

#include "tradewar.h"
#include "tw_test.h"

typedef struct {
    size_t N, J;
    tw_ge_world world; /* points at the rest */
    double *block;
    double *trade, *tariff, *export_tax, *theta, *value_added, *input_use, *rents,
        *scale, *final_share, *deficit;
    double *X, *Y; /* [n, j] */
} economy;

/* Ingredients of an economy, to be added up. */
enum {
    WITH_EXPORT_TAX = 1,
    WITH_INPUTS = 2,
    WITH_RENTS = 4,
    WITH_SCALE = 8,
    WITH_HOLES = 16
};

static inline double
between(double low, double high, unsigned long long *seed)
{
    return low + (high - low) * tw_test_uniform(seed);
}

static inline void
economy_flows(economy *e, int with, unsigned long long *seed)
{
    size_t N = e->N, J = e->J;
    for (size_t n = 0; n < N; n++) {
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < J; j++) {
                size_t f = (n * N + i) * J + j;
                double z = n == i ? (double)N * between(0.6, 1.2, seed)
                                  : between(0.05, 1.0, seed);
                int hole = n != i && between(0.0, 1.0, seed) < 0.2;
                /* the last country neither makes nor buys the last good */
                hole |= J > 1 && j == J - 1 && (n == N - 1 || i == N - 1);
                int home = n == i || z == 0.0;
                double t = between(0.0, 0.4, seed), x = between(0.0, 0.2, seed);
                e->trade[f] = (with & WITH_HOLES) && hole ? 0.0 : z;
                e->tariff[f] = home ? 0.0 : t;
                e->export_tax[f] = (with & WITH_EXPORT_TAX) && !home ? x : 0.0;
            }
        }
    }
    for (size_t f = 0; f < N * N * J; f++) {
        size_t n = f / (N * J), i = f / J % N, j = f % J;
        e->X[n * J + j] += (1.0 + e->tariff[f]) * e->trade[f];
        e->Y[i * J + j] += e->trade[f] / (1.0 + e->export_tax[f]);
    }
}

/* Input shares small enough for every final demand to be positive; then incomes. */
static inline void
economy_income(economy *e, int with, unsigned long long *seed)
{
    size_t N = e->N, J = e->J;
    for (size_t n = 0; n < N; n++) {
        for (size_t k = 0; k < J; k++) {
            for (size_t j = 0; j < J; j++) {
                double g = between(0.1, 1.0, seed) / (double)J;
                int used = (with & WITH_INPUTS) && e->X[n * J + k] > 0.0 &&
                           e->Y[n * J + j] > 0.0;
                e->input_use[(n * J + k) * J + j] = used ? g : 0.0;
            }
        }
    }
    for (int again = 1; again;) {
        again = 0;
        for (size_t n = 0; n < N; n++) {
            for (size_t j = 0; j < J; j++) {
                double final = e->X[n * J + j], inputs = 0.0;
                for (size_t k = 0; k < J; k++) {
                    double g = e->input_use[(n * J + j) * J + k];
                    final -= g * (1.0 - e->rents[k]) * e->Y[n * J + k];
                    inputs += e->input_use[(n * J + k) * J + j];
                }
                e->final_share[n * J + j] = final;
                e->value_added[n * J + j] = 1.0 - inputs;
                again |= final < 0.05 * e->X[n * J + j] || inputs > 0.9;
            }
        }
        for (size_t k = 0; again && k < N * J * J; k++) {
            e->input_use[k] *= 0.9;
        }
    }
    for (size_t n = 0; n < N; n++) {
        double income = 0.0;
        for (size_t j = 0; j < J; j++) {
            double rho = e->rents[j];
            income += e->final_share[n * J + j];
            e->deficit[n] -=
                e->Y[n * J + j] * (rho + (1.0 - rho) * e->value_added[n * J + j]);
            for (size_t i = 0; i < N; i++) {
                size_t in = (n * N + i) * J + j, out = (i * N + n) * J + j;
                e->deficit[n] -= e->tariff[in] * e->trade[in];
                e->deficit[n] -=
                    e->export_tax[out] / (1.0 + e->export_tax[out]) * e->trade[out];
            }
        }
        e->deficit[n] += income;
        for (size_t j = 0; j < J; j++) {
            e->final_share[n * J + j] /= income;
        }
    }
}

static inline economy
economy_new(size_t N, size_t J, int with, unsigned long long seed)
{
    economy e = {.N = N, .J = J};
    size_t flows = N * N * J, size = 3 * flows + 3 * J + N * J * J + 4 * N * J + N;
    double *p = e.block = calloc(size, sizeof *p);
    if (p == NULL) {
        abort();
    }
    e.trade = p, p += flows;
    e.tariff = p, p += flows;
    e.export_tax = p, p += flows;
    e.theta = p, p += J;
    e.rents = p, p += J;
    e.scale = p, p += J;
    e.input_use = p, p += N * J * J;
    e.value_added = p, p += N * J;
    e.final_share = p, p += N * J;
    e.X = p, p += N * J;
    e.Y = p, p += N * J;
    e.deficit = p;
    for (size_t j = 0; j < J; j++) {
        e.theta[j] = between(2.0, 8.0, &seed);
        e.rents[j] = (with & WITH_RENTS) ? between(0.0, 0.2, &seed) : 0.0;
        e.scale[j] = (with & WITH_SCALE) && j != 1 ? between(0.02, 0.1, &seed) : 0.0;
    }
    economy_flows(&e, with, &seed);
    economy_income(&e, with, &seed);
    e.world =
        (tw_ge_world){.N = N,
                      .J = J,
                      .trade = e.trade,
                      .tariff = e.tariff,
                      .export_tax = (with & WITH_EXPORT_TAX) ? e.export_tax : NULL,
                      .theta = e.theta,
                      .value_added = e.value_added,
                      .input_use = (with & WITH_INPUTS) ? e.input_use : NULL,
                      .rents = (with & WITH_RENTS) ? e.rents : NULL,
                      .scale = (with & WITH_SCALE) ? e.scale : NULL,
                      .final_share = e.final_share,
                      .deficit = e.deficit};
    return e;
}

static inline void
economy_free(economy *e)
{
    free(e->block);
}

#endif
