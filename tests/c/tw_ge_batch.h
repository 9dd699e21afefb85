/* tw_ge_batch.h - scenarios on a random economy and room for their solutions. */
#ifndef TW_GE_BATCH_H
#define TW_GE_BATCH_H

#include "tw_ge_random.h"

typedef struct {
    const economy *e;
    size_t S;
    tw_ge_scenarios sc;
    tw_ge_options closure;
    tw_ge_result res;
    ptrdiff_t *ptr, *flow;
    double *change, *deficit, *out; /* tariff, export tax, cost, weight of all flows */
    int *ints;
    ptrdiff_t *where;
    double multiplier[16];
} ge_batch;

static inline void *
must(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

/* S scenarios that repeat the baseline in every flow, for the test to change. */
static inline ge_batch
batch_new(const economy *e, size_t S)
{
    size_t N = e->N, J = e->J, flows = N * N * J, nj = N * J;
    ge_batch b = {.e = e, .S = S, .closure = {0.0, 1.0, 1.0, 1.0, TW_GE_FIXED, 0}};
    b.ptr = must(S + 1, sizeof *b.ptr);
    b.flow = must(S * flows, sizeof *b.flow);
    b.change = must(4 * S * flows, sizeof *b.change);
    b.deficit = must(S * N, sizeof *b.deficit);
    b.out = must(S * (3 * N + 3 * nj + 1), sizeof *b.out);
    b.ints = must(3 * S, sizeof *b.ints);
    b.where = must(S, sizeof *b.where);
    double *t = b.change, *x = t + S * flows, *d = x + S * flows, *w = d + S * flows;
    for (size_t k = 0; k < S * flows; k++) {
        b.flow[k] = (ptrdiff_t)(k % flows);
        t[k] = e->tariff[k % flows];
        x[k] = e->export_tax[k % flows];
        d[k] = w[k] = 1.0;
    }
    for (size_t s = 0; s <= S; s++) {
        b.ptr[s] = (ptrdiff_t)(s * flows);
    }
    b.sc = (tw_ge_scenarios){.nscenario = S,
                             .ptr = b.ptr,
                             .flow = b.flow,
                             .tariff = t,
                             .export_tax = x,
                             .cost = d,
                             .weight = w};
    double *o = b.out;
    b.res = (tw_ge_result){.ln_w = o,
                           .ln_P = o + S * N,
                           .ln_X = o + S * (N + nj),
                           .ln_S = o + S * (N + 2 * nj),
                           .labour = o + S * (N + 3 * nj),
                           .subsidy = o + S * (2 * N + 3 * nj),
                           .residual = o + S * (3 * N + 3 * nj),
                           .status = b.ints,
                           .iterations = b.ints + S,
                           .what = b.ints + 2 * S,
                           .where = b.where};
    return b;
}

static inline void
batch_free(ge_batch *b)
{
    free(b->ptr);
    free(b->flow);
    free(b->change);
    free(b->deficit);
    free(b->out);
    free(b->ints);
    free(b->where);
}

/* Wedges of scenario s, which the test may write. */
static inline double *
batch_tariff(ge_batch *b, size_t s)
{
    return b->change + s * b->e->N * b->e->N * b->e->J;
}

static inline double *
batch_cost(ge_batch *b, size_t s)
{
    return batch_tariff(b, 2 * b->S + s);
}

static inline double *
batch_weight(ge_batch *b, size_t s)
{
    return batch_tariff(b, 3 * b->S + s);
}

static inline size_t
flow_of(const economy *e, size_t n, size_t i, size_t j)
{
    return (n * e->N + i) * e->J + j;
}

/* add to the tariff of every foreign flow of importer n, or of all with n = N */
static inline void
add_tariff(ge_batch *b, size_t s, size_t n, double add)
{
    size_t N = b->e->N, J = b->e->J;
    for (size_t f = 0; f < N * N * J; f++) {
        size_t to = f / (N * J), from = f / J % N;
        batch_tariff(b, s)[f] += to != from && (to == n || n == N) ? add : 0.0;
    }
}

static inline tw_options
ge_options(int threads, int level)
{
    return (tw_options){
        .tol = 1e-12, .max_iter = 5000, .threads = threads, .level = level};
}

static inline tw_status
batch_solve(ge_batch *b, const tw_options *opt, tw_info *info)
{
    b->res.multiplier = b->multiplier;
    return tw_ge_solve(&b->e->world, &b->closure, &b->sc, NULL, opt, &b->res, info);
}

static inline tw_ge_point
batch_point(const ge_batch *b)
{
    return (tw_ge_point){b->S,        b->res.ln_w, b->res.ln_P,
                         b->res.ln_X, b->res.ln_S, b->multiplier};
}

#endif
