/* tw_ge.c - batches of general-equilibrium scenarios: solve them, or evaluate points. */
#include "tw_ge.h"

#include <math.h>
#include <string.h>

const char *
tw_ge_cause_text(int cause)
{
    static const char *const text[] = {
        "fine",
        "a price index does not converge",
        "a goods market does not clear",
        "the scale of a sector does not converge",
        "a labour market does not clear",
        "a quantity limit is not met",
        "no equilibrium: income cannot carry the trade surplus or the subsidies",
        "a buyer is left without any source",
        "a change is outside its domain or out of order",
        "a productivity ratio is not positive and finite",
        "deficits are not finite, exceed income, or do not sum to zero",
        "a limit is outside its domain",
        "a point is not finite",
        "a price or quantity left the range of double precision",
    };
    return cause >= 0 && (size_t)cause < sizeof text / sizeof text[0] ? text[cause]
                                                                      : "unknown";
}

enum { SWEEPS = 400 }; /* before the ladder */

/* ---- the batch ------------------------------------------------------------------------ */

typedef struct {
    tw_ge_base base;
    const tw_ge_scenarios *sc;
    const tw_ge_point *point;
    const tw_options *opt;
    tw_ge_result *res;
    tw_ge_levels *levels;
    tw_status *bad; /* [nscenario] of an evaluation, with its place */
    ptrdiff_t *where;
    int *what;
    size_t *left; /* scenarios that sweeps have not solved */
    tw_ge *ge;
} batch;

static void
write_sectors(const tw_ge_base *b, const double *from, double *to)
{
    for (size_t n = 0; to != NULL && n < b->N; n++) {
        for (size_t j = 0; j < b->J; j++) {
            to[n * b->J + j] = from[j * b->N8 + n];
        }
    }
}

static void
write_countries(const tw_ge_base *b, const double *from, double *to)
{
    if (to != NULL) {
        memcpy(to, from, b->N * sizeof *to);
    }
}

static double *
row(double *x, size_t at)
{
    return x == NULL ? NULL : x + at;
}

static void
write_result(const tw_ge *ge, const tw_ge_scenarios *sc, const tw_ge_result *res,
             size_t s, const double *z)
{
    const tw_ge_base *b = ge->base;
    size_t N = b->N, size = N * b->J;
    write_countries(b, z, res->ln_w + s * N);
    write_sectors(b, z + ge->at_P, res->ln_P + s * size);
    write_sectors(b, z + ge->at_X, res->ln_X + s * size);
    if (b->has_scale) {
        write_sectors(b, z + ge->at_S, res->ln_S + s * size);
    }
    else {
        memset(res->ln_S + s * size, 0, size * sizeof *z);
    }
    write_countries(b, ge->L, res->labour + s * N);
    write_countries(b, ge->s, res->subsidy + s * N);
    if (ge->lim.n > 0) {
        memcpy(res->multiplier + sc->limits.ptr[s], z + ge->at_m,
               ge->lim.n * sizeof *z);
    }
}

static void
fill(double *x, size_t n, double value)
{
    for (size_t k = 0; k < n; k++) {
        x[k] = value;
    }
}

static void
write_nothing(const tw_ge_base *b, const tw_ge_scenarios *sc, const tw_ge_result *res,
              size_t s)
{
    size_t N = b->N, size = N * b->J;
    fill(res->ln_w + s * N, N, NAN);
    fill(res->ln_P + s * size, size, NAN);
    fill(res->ln_X + s * size, size, NAN);
    fill(res->ln_S + s * size, size, NAN);
    fill(res->labour + s * N, N, NAN);
    fill(res->subsidy + s * N, N, NAN);
    if (sc->limits.ptr != NULL) {
        size_t first = (size_t)sc->limits.ptr[s];
        fill(res->multiplier + first, (size_t)sc->limits.ptr[s + 1] - first, NAN);
    }
}

static void
finish(batch *b, tw_ge *ge, size_t s, tw_status rc)
{
    if (rc == TW_EDOMAIN) {
        write_nothing(&b->base, b->sc, b->res, s);
    }
    else {
        if (rc == TW_NOCONV || rc == TW_ENUMERIC) {
            tw_ge_blame(ge, ge->point);
            rc = ge->what == TW_GE_OVERFLOW ? TW_ENUMERIC : TW_NOCONV;
        }
        else {
            tw_ge_limits_settle(ge, ge->point);
        }
        write_result(ge, b->sc, b->res, s, ge->point);
    }
    b->res->status[s] = (int)rc;
    b->res->iterations[s] = ge->iterations;
    b->res->residual[s] = ge->residual;
    b->res->where[s] = ge->where;
    b->res->what[s] = rc == TW_OK ? TW_GE_FINE : ge->what;
}

static void
solve_one(void *ctx, int worker, size_t s, const tw_stop *stop)
{
    batch *b = ctx;
    tw_ge *ge = &b->ge[worker];
    ge->stop = stop;
    ge->worker = worker;
    tw_status rc = tw_ge_load(ge, b->sc, s);
    if (rc == TW_OK) {
        rc = tw_ge_read_point(ge, b->sc, b->point, s, ge->point);
    }
    if (rc == TW_OK) {
        rc = tw_ge_sweeps(ge, ge->point, tw_ge_goal(ge), TW_GE_MEMORY, SWEEPS);
    }
    finish(b, ge, s, rc);
}

/* Those that sweeps have left, from where they left them. */
static void
climb_one(void *ctx, int worker, size_t k, const tw_stop *stop)
{
    batch *b = ctx;
    tw_ge *ge = &b->ge[worker];
    size_t s = b->left[k], S = b->sc->nscenario;
    const tw_ge_result *r = b->res;
    tw_ge_point from = {S, r->ln_w, r->ln_P, r->ln_X, r->ln_S, r->multiplier};
    ge->stop = stop;
    ge->worker = worker;
    tw_status rc = tw_ge_load(ge, b->sc, s);
    ge->iterations = r->iterations[s];
    if (rc == TW_OK && tw_ge_read_point(ge, b->sc, &from, s, ge->point) != TW_OK) {
        memset(ge->point, 0, ge->n8 * sizeof *ge->point);
    }
    if (rc == TW_OK) {
        rc = tw_ge_ladder(ge, b->sc, s, ge->point);
    }
    finish(b, ge, s, rc);
}

static int
unsolved(const batch *b, size_t s)
{
    int status = b->res->status[s];
    return (status == TW_NOCONV || status == TW_ENUMERIC) &&
           b->res->iterations[s] < b->opt->max_iter;
}

/* The ladder needs more room, so it is made only when somebody needs it. */
static tw_status
climb(batch *b, int threads)
{
    size_t S = b->sc->nscenario, count = 0;
    for (size_t s = 0; s < S; s++) {
        count += unsolved(b, s) ? 1u : 0u;
    }
    if (count == 0) {
        return TW_OK;
    }
    b->left = tw_alloc(count, sizeof *b->left);
    tw_status rc = b->left == NULL ? TW_ENOMEM : TW_OK;
    threads = (int)TW_MIN((size_t)threads, count);
    for (int t = 0; rc == TW_OK && t < threads; t++) {
        b->ge[t].ladder =
            tw_alloc(tw_ge_ladder_doubles(&b->ge[t]), sizeof *b->ge[t].ladder);
        rc = b->ge[t].ladder == NULL ? TW_ENOMEM : TW_OK;
    }
    if (rc == TW_OK) {
        count = 0;
        for (size_t s = 0; s < S; s++) {
            if (unsolved(b, s)) {
                b->left[count++] = s;
            }
        }
        rc = tw_parallel_for(count, 1, threads, climb_one, b, b->opt);
    }
    tw_free(b->left);
    return rc;
}

static int
bad_options(const tw_options *opt, tw_info *info)
{
    if (!(opt->tol > 0.0) || opt->max_iter < 1 || opt->threads < 1 ||
        opt->level < TW_LEVEL_AUTO || opt->level > tw_level_best()) {
        info->what = "an option is outside its domain";
        return 1;
    }
    return 0;
}

static tw_status
run(batch *b, const tw_ge_world *world, const tw_ge_options *closure, tw_item_fn fn,
    tw_info *info)
{
    *info = (tw_info){.where = -1};
    if (bad_options(b->opt, info)) {
        return TW_EDOMAIN;
    }
    tw_status rc = tw_ge_base_new(&b->base, world, closure, info);
    if (rc == TW_OK && b->sc->nscenario > 0) {
        int threads =
            (int)TW_MIN((size_t)TW_MIN(b->opt->threads, 256), b->sc->nscenario);
        b->ge = tw_alloc((size_t)threads, sizeof *b->ge);
        rc = b->ge == NULL ? TW_ENOMEM : TW_OK;
        for (int t = 0; rc == TW_OK && t < threads; t++) {
            rc = tw_ge_new(&b->ge[t], &b->base, b->sc, b->opt);
        }
        if (rc == TW_OK) {
            rc = tw_parallel_for(b->sc->nscenario, 1, threads, fn, b, b->opt);
        }
        if (rc == TW_OK && b->res != NULL) {
            rc = climb(b, threads);
        }
        for (int t = 0; b->ge != NULL && t < threads; t++) {
            tw_ge_leave(&b->ge[t]);
        }
        tw_free(b->ge);
    }
    tw_ge_base_free(&b->base);
    return rc;
}

tw_status
tw_ge_solve(const tw_ge_world *world, const tw_ge_options *closure,
            const tw_ge_scenarios *sc, const tw_ge_point *start, const tw_options *opt,
            tw_ge_result *res, tw_info *info)
{
    batch b = {.sc = sc, .point = start, .opt = opt, .res = res};
    tw_status rc = run(&b, world, closure, solve_one, info);
    for (size_t s = 0; rc == TW_OK && s < sc->nscenario; s++) {
        info->iterations = TW_MAX(info->iterations, res->iterations[s]);
        if (!(res->residual[s] <= info->residual)) {
            info->residual = res->residual[s];
        }
        if (res->status[s] != TW_OK && info->where < 0) {
            info->where = (ptrdiff_t)s;
            info->what = tw_ge_cause_text(res->what[s]);
        }
    }
    return rc;
}

/* ---- levels at a solution ---------------------------------------------------------------- */

static void
write_trade(const tw_ge *ge, double *to)
{
    const tw_ge_base *b = ge->base;
    for (size_t n = 0; n < b->N; n++) {
        for (size_t i = 0; i < b->N; i++) {
            for (size_t j = 0; j < b->J; j++) {
                *to++ = ge->KT[tw_ge_cell(b, n, i, j)] * ge->u[j * b->N8 + i] *
                        ge->q[j * b->N8 + n];
            }
        }
    }
}

static void
evaluate_one(void *ctx, int worker, size_t s, const tw_stop *stop)
{
    batch *b = ctx;
    const tw_ge_levels *lv = b->levels;
    tw_ge *ge = &b->ge[worker];
    size_t N = b->base.N, size = N * b->base.J, NJ8 = b->base.NJ8;
    (void)stop;
    tw_status rc = tw_ge_load(ge, b->sc, s);
    if (rc == TW_OK) {
        rc = tw_ge_read_point(ge, b->sc, b->point, s, ge->point);
    }
    b->bad[s] = rc;
    b->where[s] = ge->where;
    b->what[s] = ge->what;
    if (rc != TW_OK) {
        return;
    }
    tw_ge_eval(ge, ge->point, ge->F);
    if (lv->cost != NULL) {
        ge->kern->exp(NJ8, ge->ln_c, ge->tmp);
        write_sectors(&b->base, ge->tmp, lv->cost + s * size);
    }
    if (lv->trade != NULL) {
        write_trade(ge, lv->trade + s * size * N);
    }
    write_sectors(&b->base, ge->Y, row(lv->output, s * size));
    write_countries(&b->base, ge->I, row(lv->income, s * N));
    write_countries(&b->base, ge->R, row(lv->tariff_revenue, s * N));
    write_countries(&b->base, ge->XR, row(lv->export_revenue, s * N));
    if (lv->price_index != NULL) {
        ge->kern->exp(b->base.N8, ge->ln_Pc, ge->tmp);
        write_countries(&b->base, ge->tmp, lv->price_index + s * N);
    }
    write_countries(&b->base, ge->DD, row(lv->deficit, s * N));
}

tw_status
tw_ge_evaluate(const tw_ge_world *world, const tw_ge_options *closure,
               const tw_ge_scenarios *sc, const tw_ge_point *solution,
               const tw_options *opt, tw_ge_levels *levels, tw_info *info)
{
    batch b = {.sc = sc, .point = solution, .opt = opt, .levels = levels};
    size_t S = TW_MAX(sc->nscenario, 1);
    b.bad = tw_alloc(S, sizeof *b.bad);
    b.where = tw_alloc(S, sizeof *b.where);
    b.what = tw_alloc(S, sizeof *b.what);
    tw_status rc = TW_ENOMEM;
    if (b.bad != NULL && b.where != NULL && b.what != NULL) {
        rc = run(&b, world, closure, evaluate_one, info);
    }
    for (size_t s = 0; rc == TW_OK && s < sc->nscenario; s++) {
        if (b.bad[s] != TW_OK) {
            rc = b.bad[s];
            info->where = b.where[s];
            info->what = tw_ge_cause_text(b.what[s]);
        }
    }
    tw_free(b.bad);
    tw_free(b.where);
    tw_free(b.what);
    return rc;
}
