/* tw_random.h - random markets for the C tests: layout, values, elasticities. */
#ifndef TW_RANDOM_H
#define TW_RANDOM_H

#include "tradewar.h"
#include "tw_test.h"

typedef struct {
    size_t nmarket, nflow, nexp, nimp;
    ptrdiff_t *market_ptr, *exp_ptr, *row_ptr, *imp_ptr;
    int *exp_code, *imp_code, *col;
    double *value, *t0, *t1, *sigma_common, *sigma_by, *eps, *mu;
} world;

typedef struct {
    double *p, *P, *q, *residual;
    int *status, *cause, *iterations;
} output;

static inline void *
room(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

/* Markets of 2 to `largest` countries; about `density` of the pairs trade. */
static inline world
world_new(size_t nmarket, size_t largest, double density, unsigned long long seed)
{
    size_t cap = nmarket * largest * largest;
    int *product = room(cap, sizeof *product), *exporter = room(cap, sizeof *exporter);
    int *importer = room(cap, sizeof *importer);
    world w = {.nmarket = nmarket};
    for (size_t m = 0; m < nmarket; m++) {
        size_t n = 2 + (size_t)(tw_test_uniform(&seed) * (double)(largest - 1));
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < n; k++) {
                if ((i == 0 && k > 0) || (k == (i + 1) % n) ||
                    tw_test_uniform(&seed) < density) {
                    product[w.nflow] = (int)m;
                    exporter[w.nflow] = (int)i;
                    importer[w.nflow++] = (int)k;
                }
            }
        }
    }
    tw_info info;
    if (tw_flow_count(w.nflow, nmarket, largest, product, exporter, importer, &w.nexp,
                      &w.nimp, &info) != TW_OK) {
        abort();
    }
    w.market_ptr = room(nmarket + 1, sizeof *w.market_ptr);
    w.exp_ptr = room(nmarket + 1, sizeof *w.exp_ptr);
    w.imp_ptr = room(nmarket + 1, sizeof *w.imp_ptr);
    w.row_ptr = room(w.nexp + 1, sizeof *w.row_ptr);
    w.exp_code = room(w.nexp, sizeof *w.exp_code);
    w.imp_code = room(w.nimp, sizeof *w.imp_code);
    w.col = room(w.nflow, sizeof *w.col);
    tw_layout out = {w.market_ptr, w.exp_ptr,  w.exp_code, w.row_ptr,
                     w.imp_ptr,    w.imp_code, w.col};
    if (tw_flow_layout(w.nflow, nmarket, largest, product, exporter, importer, &out) !=
        TW_OK) {
        abort();
    }
    free(product);
    free(exporter);
    free(importer);

    w.value = room(w.nflow, sizeof(double));
    w.t0 = room(w.nflow, sizeof(double));
    w.t1 = room(w.nflow, sizeof(double));
    for (size_t f = 0; f < w.nflow; f++) {
        w.value[f] = exp(4.0 * tw_test_uniform(&seed));
        w.t0[f] = tw_test_uniform(&seed) < 0.5 ? 0.0 : 0.4 * tw_test_uniform(&seed);
        w.t1[f] = w.t0[f] + (tw_test_uniform(&seed) < 0.2 ? 1.0 : 0.0);
    }
    w.sigma_common = room(w.nimp, sizeof(double));
    w.sigma_by = room(w.nimp, sizeof(double));
    w.eps = room(w.nimp, sizeof(double));
    w.mu = room(w.nexp, sizeof(double));
    for (size_t m = 0; m < nmarket; m++) {
        double s = 1.5 + 8.0 * tw_test_uniform(&seed);
        for (ptrdiff_t n = w.imp_ptr[m]; n < w.imp_ptr[m + 1]; n++) {
            w.sigma_common[n] = s;
            w.sigma_by[n] = s * (0.8 + 0.4 * tw_test_uniform(&seed));
            w.eps[n] = 0.5 + tw_test_uniform(&seed);
        }
        for (ptrdiff_t e = w.exp_ptr[m]; e < w.exp_ptr[m + 1]; e++) {
            double u = tw_test_uniform(&seed);
            w.mu[e] = u < 0.1 ? 0.0 : u > 0.9 ? (double)INFINITY : 4.0 * u;
        }
    }
    return w;
}

static inline void
world_free(world *w)
{
    void *parts[] = {w->market_ptr,   w->exp_ptr,  w->row_ptr, w->imp_ptr, w->exp_code,
                     w->imp_code,     w->col,      w->value,   w->t0,      w->t1,
                     w->sigma_common, w->sigma_by, w->eps,     w->mu};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        free(parts[k]);
    }
}

static inline tw_pe_problem
world_problem(const world *w, int common)
{
    return (tw_pe_problem){.nmarket = w->nmarket,
                           .exp_ptr = w->exp_ptr,
                           .row_ptr = w->row_ptr,
                           .imp_ptr = w->imp_ptr,
                           .col = w->col,
                           .value = w->value,
                           .t0 = w->t0,
                           .t1 = w->t1,
                           .sigma = common ? w->sigma_common : w->sigma_by,
                           .eps = w->eps,
                           .mu = w->mu,
                           .method = TW_PE_EXACT,
                           .steps = 1};
}

static inline output
output_new(const world *w)
{
    return (output){room(w->nexp, sizeof(double)),  room(w->nimp, sizeof(double)),
                    room(w->nflow, sizeof(double)), room(w->nmarket, sizeof(double)),
                    room(w->nmarket, sizeof(int)),  room(w->nmarket, sizeof(int)),
                    room(w->nmarket, sizeof(int))};
}

static inline tw_pe_result
output_result(const output *o)
{
    return (tw_pe_result){.p = o->p,
                          .P = o->P,
                          .q = o->q,
                          .status = o->status,
                          .cause = o->cause,
                          .iterations = o->iterations,
                          .residual = o->residual};
}

static inline void
output_free(output *o)
{
    void *parts[] = {o->p, o->P, o->q, o->residual, o->status, o->cause, o->iterations};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        free(parts[k]);
    }
}

static inline tw_options
options(int threads, int level)
{
    return (tw_options){
        .tol = 1e-12, .max_iter = 500, .threads = threads, .level = level};
}

#endif
