/* tw_ge_adjoint.c - gradients of objectives at solved equilibria.
 *
 * With F(z; p) = 0 and objective O(z, p):  dO/dp = O_p + v' F_p, where (dF/dz)' v = -O_z.  One
 * transposed solve gives the derivative with respect to every flow; seeds of a scenario share
 * the evaluated state.
 */
#include "tw_ge_linear.h"
#include "tw_gmres.h"

#include <math.h>
#include <string.h>

enum { BASIS_BYTES = 1 << 26, LEAST_MEMORY = 20 };
enum {
    TILE = 8,
    MIXED = 160
}; /* products in the variables of sweeps before those of F */

typedef struct {
    tw_ge ge;
    tw_ge_linear lin;
    ptrdiff_t loaded; /* scenario whose state stands, or -1 */
    tw_status rc;     /* of loading it */
    double *block, *room;
    double *z, *F, *rhs, *v, *mixed, *room_of_mixing, *seed, *tile, *linear, *krylov;
    tw_ge_mixing mixing;
    int plain; /* without M */
} worker;

typedef struct {
    const tw_ge_scenarios *sc;
    const tw_ge_point *at;
    const tw_ge_objective *obj;
    const tw_options *opt;
    tw_ge_gradients *out;
    worker *w;
    size_t memory;
} batch;

/* With v = M' y, M the step of a sweep, the system (M dF/dz)' y = -O_z is nearly minus the
 * identity, as sweeps converge. */
static int
transposed(void *ctx, const double *x, double *y)
{
    worker *w = ctx;
    if (!w->plain) {
        tw_ge_step_transposed(&w->ge, &w->mixing, x, w->mixed);
    }
    tw_ge_vjp(&w->lin, w->plain ? x : w->mixed, y);
    return tw_stop_now(w->ge.stop, w->ge.worker);
}

/* The state of scenario s; its residual goes to the caller. */
static tw_status
load(const batch *b, worker *w, size_t s)
{
    tw_ge *ge = &w->ge;
    if (w->loaded == (ptrdiff_t)s) {
        return w->rc;
    }
    w->loaded = (ptrdiff_t)s;
    ge->residual = 0.0;
    w->rc = tw_ge_load(ge, b->sc, s);
    if (w->rc == TW_OK) {
        w->rc = tw_ge_read_point(ge, b->sc, b->at, s, w->z);
    }
    if (w->rc != TW_OK) {
        return w->rc;
    }
    tw_ge_eval(ge, w->z, w->F);
    ge->residual = tw_ge_residual(ge, w->F);
    if (!isfinite(ge->residual)) {
        w->rc = TW_ENUMERIC;
        return w->rc;
    }
    tw_ge_linear_init(&w->lin, ge, w->linear);
    w->mixing = tw_ge_mixing_state(ge, w->room_of_mixing);
    return TW_OK;
}

/* Views of seed number k; output is packed into the worker's room. */
static tw_ge_seed
unpack_seed(const batch *b, worker *w, size_t k)
{
    const tw_ge_objective *o = b->obj;
    const tw_ge_base *base = w->ge.base;
    size_t N = base->N, J = base->J, N8 = base->N8;
    const double *from[5] = {o->income, o->price, o->wage, o->labour, o->revenue};
    double *to = w->seed;
    tw_ge_seed seed = {0};
    const double **slot[5] = {&seed.income, &seed.price, &seed.wage, &seed.labour,
                              &seed.revenue};
    for (size_t c = 0; c < 5; c++, to += N8) {
        if (from[c] != NULL) {
            memcpy(to, from[c] + k * N, N * sizeof *to);
            *slot[c] = to;
        }
    }
    for (size_t n = 0; o->output != NULL && n < N; n++) {
        for (size_t j = 0; j < J; j++) {
            to[j * N8 + n] = o->output[(k * N + n) * J + j];
        }
    }
    seed.output = o->output != NULL ? to : NULL;
    return seed;
}

static double *
slab(double *array, size_t item, size_t size)
{
    return array != NULL ? array + item * size : NULL;
}

/* Up to TILE flows i J + j from `first` on: computed along importers, written along flows, so
 * that each line of memory is filled at once. */
static void
write_tile(const worker *w, size_t first, double *tariff, double *export_tax,
           double *cost)
{
    const tw_ge_base *b = w->ge.base;
    size_t J = b->J, N8 = b->N8, flows = b->N * J;
    size_t count = TW_MIN((size_t)TILE, flows - first);
    double *from = w->tile, *to[3] = {tariff, export_tax, cost};
    for (size_t k = 0; k < count; k++) {
        double *row = from + k * N8;
        w->ge.gk->flow_bars(&w->lin, (first + k) / J, (first + k) % J, row,
                            row + TILE * N8, row + 2 * TILE * N8);
    }
    for (size_t a = 0; a < 3; a++, from += TILE * N8) {
        for (size_t n = 0; to[a] != NULL && n < b->N; n++) {
            for (size_t k = 0; k < count; k++) {
                to[a][n * flows + first + k] = from[k * N8 + n];
            }
        }
    }
}

static void
write_gradient(const batch *b, worker *w, size_t item, size_t k)
{
    const tw_ge *ge = &w->ge;
    const tw_ge_limit_set *lim = &ge->lim;
    size_t N = ge->base->N, J = ge->base->J, flows = N * N * J;
    double *tariff = slab(b->out->tariff, item, flows);
    double *export_tax = slab(b->out->export_tax, item, flows);
    double *cost = slab(b->out->cost, item, flows);
    for (size_t first = 0; first < N * J; first += TILE) {
        write_tile(w, first, tariff, export_tax, cost);
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        tw_ge_flow_bar bar = tw_ge_special_bar(&w->lin, f);
        size_t at = lim->flow[f];
        if (tariff != NULL) {
            tariff[at] = bar.tariff;
        }
        if (export_tax != NULL) {
            export_tax[at] = bar.export_tax;
        }
        if (cost != NULL) {
            cost[at] = bar.cost;
        }
    }
    if (b->out->limit != NULL && lim->n > 0) {
        size_t all = (size_t)b->sc->limits.ptr[b->sc->nscenario];
        double *out = b->out->limit + k * all + lim->first;
        for (size_t s = 0; s < lim->n; s++) {
            double v = w->v[ge->at_m + s];
            out[s] = lim->piece[s] != 1 ? 0.0 : tw_ge_is_floor(lim->kind[s]) ? -v : v;
        }
    }
}

/* No gradient: NaN, not what the memory held. */
static void
write_nothing(const batch *b, const worker *w, size_t item)
{
    size_t N = w->ge.base->N, J = w->ge.base->J, flows = N * N * J;
    double *array[3] = {b->out->tariff, b->out->export_tax, b->out->cost};
    for (size_t a = 0; a < 3; a++) {
        double *out = slab(array[a], item, flows);
        for (size_t f = 0; out != NULL && f < flows; f++) {
            out[f] = NAN;
        }
    }
    size_t k = item % b->obj->nseed, s = item / b->obj->nseed;
    if (b->out->limit != NULL && b->sc->limits.ptr != NULL) {
        const ptrdiff_t *ptr = b->sc->limits.ptr;
        double *out = b->out->limit + k * (size_t)ptr[b->sc->nscenario];
        for (ptrdiff_t m = ptr[s]; m < ptr[s + 1]; m++) {
            out[m] = NAN;
        }
    }
}

/* v = -(dF/dz)'^-1 O_z in the variables of sweeps, then, where that fails, in its own. */
static tw_status
solve_adjoint(const batch *b, worker *w, size_t *products, double *left)
{
    const tw_ge *ge = &w->ge;
    size_t most = (size_t)b->opt->max_iter, more;
    double again;
    w->plain = 0;
    tw_status rc =
        tw_gmres(ge->kern, ge->n8, b->memory, TW_MIN(most, (size_t)MIXED), b->opt->tol,
                 transposed, w, w->rhs, w->v, w->krylov, products, left);
    if (rc == TW_EINTR) {
        return rc;
    }
    tw_ge_step_transposed(&w->ge, &w->mixing, w->v, w->mixed);
    most -= TW_MIN(most, *products);
    if (rc != TW_OK && most > 0) {
        w->plain = 1;
        tw_status second =
            tw_gmres(ge->kern, ge->n8, b->memory, most, b->opt->tol, transposed, w,
                     w->rhs, w->v, w->krylov, &more, &again);
        *products += more;
        if (second == TW_EINTR || second == TW_OK || rc == TW_ENUMERIC ||
            again < *left) {
            *left = again;
            return second;
        }
    }
    memcpy(w->v, w->mixed, ge->n8 * sizeof *w->v);
    return rc;
}

static void
do_item(void *ctx, int number, size_t item, const tw_stop *stop)
{
    batch *b = ctx;
    worker *w = &b->w[number];
    size_t s = item / b->obj->nseed, k = item % b->obj->nseed, products = 0;
    double left = 0.0, error = NAN;
    w->ge.stop = stop;
    w->ge.worker = number;
    tw_status rc = load(b, w, s);
    if (rc == TW_OK) {
        const tw_ge *ge = &w->ge;
        tw_ge_seed seed = unpack_seed(b, w, k);
        memset(w->v, 0, ge->n8 * sizeof *w->v);
        tw_ge_adjoint(&w->lin, w->v, &seed, w->rhs);
        for (size_t u = 0; u < ge->n8; u++) {
            w->rhs[u] = -w->rhs[u];
        }
        rc = solve_adjoint(b, w, &products, &left);
        if (rc == TW_OK || rc == TW_NOCONV) {
            error = 0.0;
            for (size_t u = 0; u < ge->n8; u++) {
                error += fabs(w->v[u] * w->F[u]);
            }
            tw_ge_adjoint(&w->lin, w->v, &seed, w->rhs);
            write_gradient(b, w, item, k);
        }
    }
    if (rc != TW_OK && rc != TW_NOCONV) {
        write_nothing(b, w, item);
    }
    b->out->status[item] = (int)rc;
    b->out->products[item] = (int)products;
    b->out->left[item] = left;
    if (b->out->error != NULL) {
        b->out->error[item] = error;
    }
    b->out->residual[item] = w->ge.residual;
    b->out->where[item] = rc == TW_EDOMAIN ? w->ge.where : -1;
    b->out->what[item] = rc == TW_EDOMAIN    ? w->ge.what
                         : rc == TW_ENUMERIC ? TW_GE_OVERFLOW
                                             : TW_GE_FINE;
}

/* ---- the batch ------------------------------------------------------------------------ */

static tw_status
worker_new(worker *w, const batch *b, const tw_ge_base *base)
{
    w->loaded = -1;
    tw_status rc = tw_ge_new(&w->ge, base, b->sc, b->opt);
    if (rc != TW_OK) {
        return rc;
    }
    tw_ge_limit_room room = tw_ge_limits_room(b->sc);
    size_t n8 = w->ge.at_m + (room.limits + 7) / 8 * 8;
    size_t seed = 5 * base->N8 + base->NJ8;
    size_t linear = tw_ge_linear_doubles(base, room.members);
    size_t krylov = tw_gmres_doubles(n8, b->memory);
    size_t mixing = tw_ge_mixing_doubles(base), tile = 3 * TILE * base->N8;
    w->block = tw_alloc(5 * n8 + mixing + seed + tile + linear + 8, sizeof(double));
    w->room = tw_reserve(krylov + 8, sizeof(double));
    if (w->block == NULL || w->room == NULL) {
        return TW_ENOMEM;
    }
    w->z = tw_ge_align(w->block);
    w->F = w->z + n8;
    w->rhs = w->F + n8;
    w->v = w->rhs + n8;
    w->mixed = w->v + n8;
    w->room_of_mixing = w->mixed + n8;
    w->seed = w->room_of_mixing + mixing;
    w->tile = w->seed + seed;
    w->linear = w->tile + tile;
    w->krylov = tw_ge_align(w->room);
    return TW_OK;
}

/* Vectors of the Krylov space that a worker may hold: all, if memory allows. */
static size_t
memory_of(const tw_ge_base *base, const tw_ge_scenarios *sc, int max_iter)
{
    size_t rows = base->has_scale ? 3 : 2;
    size_t n8 = base->N8 + rows * base->NJ8 + tw_ge_limits_room(sc).limits + 7;
    size_t fit = TW_MAX(BASIS_BYTES / (n8 * sizeof(double)), (size_t)LEAST_MEMORY);
    return TW_MIN(TW_MIN((size_t)max_iter, n8), fit);
}

static tw_status
run(batch *b, const tw_ge_base *base, int threads)
{
    b->memory = memory_of(base, b->sc, b->opt->max_iter);
    b->w = tw_alloc((size_t)threads, sizeof *b->w);
    tw_status rc = b->w == NULL ? TW_ENOMEM : TW_OK;
    for (int k = 0; rc == TW_OK && k < threads; k++) {
        rc = worker_new(&b->w[k], b, base);
    }
    if (rc == TW_OK) {
        size_t items = b->sc->nscenario * b->obj->nseed;
        size_t chunk = (items + (size_t)threads - 1) / (size_t)threads;
        chunk = TW_MIN(chunk, b->obj->nseed); /* seeds share the state */
        rc = tw_parallel_for(items, chunk, threads, do_item, b, b->opt);
    }
    for (int k = 0; b->w != NULL && k < threads; k++) {
        tw_ge_leave(&b->w[k].ge);
        tw_free(b->w[k].block);
        tw_free(b->w[k].room);
    }
    tw_free(b->w);
    return rc;
}

tw_status
tw_ge_gradient(const tw_ge_world *world, const tw_ge_options *closure,
               const tw_ge_scenarios *scenarios, const tw_ge_point *solution,
               const tw_ge_objective *objective, const tw_options *options,
               tw_ge_gradients *out, tw_info *info)
{
    *info = (tw_info){.where = -1};
    if (!(options->tol > 0.0) || options->max_iter < 1 || options->threads < 1 ||
        options->level < TW_LEVEL_AUTO || options->level > tw_level_best()) {
        info->what = "an option is outside its domain";
        return TW_EDOMAIN;
    }
    size_t items = scenarios->nscenario * objective->nseed;
    if (items == 0) {
        return TW_OK;
    }
    tw_ge_base base;
    tw_status rc = tw_ge_base_new(&base, world, closure, info);
    if (rc == TW_OK) {
        batch b = {.sc = scenarios, .at = solution, .obj = objective, .opt = options};
        b.out = out;
        rc = run(&b, &base, (int)TW_MIN((size_t)options->threads, TW_MIN(items, 256)));
    }
    tw_ge_base_free(&base);
    for (size_t k = 0; rc == TW_OK && k < items; k++) {
        info->iterations = TW_MAX(info->iterations, out->products[k]);
        if (!(out->left[k] <= info->residual)) {
            info->residual = out->left[k];
        }
        if (out->status[k] != TW_OK && info->where < 0) {
            info->where = (ptrdiff_t)k;
            info->what = tw_ge_cause_text(out->what[k]);
        }
    }
    return rc;
}
