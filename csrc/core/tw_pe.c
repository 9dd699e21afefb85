/* tw_pe.c - partial equilibrium: check each market, solve it, loop over markets.  A market in
 * which no wedge changes is returned at once. */
#include "tw_control.h"

#include <math.h>
#include <string.h>

const char *
tw_pe_cause_text(int cause)
{
    static const char *const text[] = {
        "fine",
        "a value is negative or not finite",
        "a tariff or export tax is -1 or below, or not finite",
        "a cost ratio, weight or wedge is outside its domain",
        "an elasticity is not positive",
        "a destination spends nothing",
        "a destination is left without any source",
        "a ban or weight cut where the substitution elasticity is 1 or below has no "
        "finite "
        "price index",
        "this method cannot represent the scenario",
        "the iteration did not converge",
        "a price or quantity left the range of double precision",
        "a quantity limit is not positive and finite",
        "a quantity limit cannot be met at any price",
    };
    return cause >= 0 && (size_t)cause < sizeof text / sizeof text[0] ? text[cause]
                                                                      : "unknown";
}

/* ---- checks ------------------------------------------------------------------------- */

int
tw_pe_all_spend(tw_pe_ws *ws)
{
    for (size_t n = 0; n < ws->mk.nn; n++) {
        if (!(ws->mk.spend[n] > 0.0)) {
            ws->cause = TW_PE_EMPTY_DESTINATION;
            return 0;
        }
    }
    return 1;
}

static int
any_nonzero(const tw_kernels *k, size_t n, const double *x)
{
    return x != NULL && k->differ_from(n, x, 0.0);
}

static int
untouched(const tw_kernels *k, const tw_market *mk)
{
    size_t nf = mk->nf;
    return !k->differ(nf, mk->t0, mk->t1) &&
           (mk->x0 == NULL || !k->differ(nf, mk->x0, mk->x1)) &&
           (mk->cost == NULL || !k->differ_from(nf, mk->cost, 1.0)) &&
           (mk->weight == NULL || !k->differ_from(nf, mk->weight, 1.0));
}

static int
check_domain(const tw_kernels *k, const tw_market *mk)
{
    const double zero = -4.9406564584124654e-324; /* x > this is x >= 0 */
    size_t nf = mk->nf;
    if (k->outside(nf, mk->value, zero)) {
        return TW_PE_BAD_VALUE;
    }
    if (k->outside(nf, mk->t0, -1.0) || k->outside(nf, mk->t1, -1.0) ||
        (mk->x0 != NULL &&
         (k->outside(nf, mk->x0, -1.0) || k->outside(nf, mk->x1, -1.0)))) {
        return TW_PE_BAD_TAX;
    }
    if ((mk->cost != NULL && k->outside(nf, mk->cost, 0.0)) ||
        (mk->weight != NULL && k->outside(nf, mk->weight, zero)) ||
        (mk->lx != NULL && k->outside(nf, mk->lx, zero)) ||
        (mk->lm != NULL && k->outside(nf, mk->lm, zero)) ||
        (mk->floor != NULL && k->outside(nf, mk->floor, zero))) {
        return TW_PE_BAD_COST;
    }
    if (k->outside(mk->nn, mk->sigma, 0.0) || k->outside(mk->nn, mk->eps, 0.0) ||
        (mk->sigma_home != NULL && k->outside(mk->nn, mk->sigma_home, 0.0))) {
        return TW_PE_BAD_ELASTICITY;
    }
    for (size_t i = 0; i < mk->ni; i++) {
        if (!(mk->mu[i] >= 0.0)) {
            return TW_PE_BAD_ELASTICITY;
        }
    }
    return TW_PE_FINE;
}

/* Bans and weight cuts: every destination keeps a source, and the index stays finite. */
static int
check_weights(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    if (mk->weight == NULL) {
        return TW_PE_FINE;
    }
    for (size_t n = 0; n < mk->nn; n++) {
        ws->acc[n] = ws->top[n] = ws->nest[n] = 0.0;
    }
    for (size_t f = 0; f < mk->nf; f++) {
        size_t n = (size_t)mk->col[f];
        double w = mk->weight[f];
        int home = tw_pe_is_home(mk, n, f);
        ws->acc[n] += mk->value[f];
        ws->top[n] += w > 0.0 ? mk->value[f] : 0.0;
        ws->nest[n] += w > 0.0 && !home ? mk->value[f] : 0.0;
        if (w < 1.0 && mk->value[f] > 0.0 &&
            !((home ? tw_pe_sigma_top(mk, n) : mk->sigma[n]) > 1.0)) {
            return TW_PE_WEIGHT_SIGMA;
        }
    }
    for (size_t n = 0; n < mk->nn; n++) {
        if (ws->acc[n] > 0.0 && !(ws->top[n] > 0.0)) {
            return TW_PE_NO_SOURCE;
        }
        if (mk->home != NULL && mk->home[n] >= 0 && !(ws->nest[n] > 0.0) &&
            ws->acc[n] > mk->value[(size_t)mk->home[n] - mk->first] &&
            !(tw_pe_sigma_top(mk, n) > 1.0)) {
            return TW_PE_WEIGHT_SIGMA; /* the whole foreign nest is gone */
        }
    }
    return TW_PE_FINE;
}

static int
check_controls(const tw_control *c)
{
    for (size_t k = 0; k < c->n; k++) {
        int known = c->kind[k] >= TW_IMPORT_QUOTA && c->kind[k] <= TW_COMMITMENT;
        int upper = c->upper[k] >= 0.0 && isfinite(c->upper[k]);
        if (!known || !upper || !(c->limit[k] > 0.0) || !isfinite(c->limit[k])) {
            return TW_PE_BAD_CONTROL;
        }
    }
    return TW_PE_FINE;
}

/* ---- the batch ------------------------------------------------------------------------ */

typedef struct {
    const tw_pe_problem *pb;
    const tw_options *opt;
    tw_pe_result *res;
    const tw_kernels *kern;
    tw_pe_ws *ws;
} batch;

static tw_status
solve_market(tw_pe_ws *ws, const batch *b)
{
    tw_market *mk = &ws->mk;
    const tw_kernels *k = ws->kern;
    if ((ws->cause = check_domain(k, mk)) != TW_PE_FINE ||
        (ws->cause = check_weights(ws)) != TW_PE_FINE ||
        (ws->cause = check_controls(&ws->ctl)) != TW_PE_FINE) {
        return TW_EDOMAIN;
    }
    tw_status rc = b->pb->method == TW_PE_EXACT ? tw_pe_exact(ws, b->opt)
                                                : tw_pe_legacy(ws, b->pb);
    for (size_t i = 0; i < mk->ni; i++) {
        mk->lnp[i] = mk->fixed[i] == TW_SHUT_OUT ? -(double)INFINITY : mk->y[i];
    }
    if (rc == TW_OK && k->outside(mk->nf, mk->q, -1e300)) {
        ws->cause = TW_PE_OVERFLOW;
        return TW_ENUMERIC;
    }
    return rc;
}

static void
do_market(void *ctx, int worker, size_t m, const tw_stop *stop)
{
    batch *b = ctx;
    tw_pe_ws *ws = &b->ws[worker];
    tw_market *mk = &ws->mk;
    tw_pe_view(ws, b->pb, b->res, m);
    ws->stop = stop;
    ws->worker = worker;
    ws->iterations = 0;
    ws->residual = 0.0;
    ws->cause = TW_PE_FINE;
    ws->wedges = any_nonzero(ws->kern, mk->nf, mk->lx) ||
                 any_nonzero(ws->kern, mk->nf, mk->lm) ||
                 any_nonzero(ws->kern, mk->nf, mk->floor);
    for (size_t c = 0; c < ws->ctl.n; c++) {
        ws->ctl.x[c] = 0.0;
    }
    tw_status rc = TW_OK;
    if (mk->nf == 0 || (ws->ctl.n == 0 && !ws->wedges && untouched(ws->kern, mk))) {
        for (size_t f = 0; f < mk->nf; f++) {
            mk->q[f] = 1.0;
        }
        memset(mk->lnp, 0, mk->ni * sizeof *mk->lnp);
        memset(mk->lnP, 0, mk->nn * sizeof *mk->lnP);
    }
    else {
        rc = solve_market(ws, b);
    }
    if (ws->ctl.n > 0 && b->res->shadow != NULL) {
        tw_control_report(ws, b->res->shadow + b->pb->controls.ptr[m]);
    }
    b->res->status[m] = (int)rc;
    b->res->cause[m] = ws->cause;
    b->res->iterations[m] = ws->iterations;
    b->res->residual[m] = ws->residual;
}

tw_status
tw_pe_solve(const tw_pe_problem *pb, const tw_options *opt, tw_pe_result *res,
            tw_info *info)
{
    *info = (tw_info){.where = -1};
    int level = opt->level == TW_LEVEL_AUTO ? tw_level_best() : opt->level;
    if (!(opt->tol > 0.0) || opt->max_iter < 1 || opt->threads < 1 || level < 0 ||
        level > tw_level_best() || (pb->method == TW_PE_EULER && pb->steps < 1)) {
        info->what = "an option is outside its domain";
        return TW_EDOMAIN;
    }
    if (pb->nmarket == 0) {
        return TW_OK;
    }
    tw_pe_extent room = tw_pe_largest(pb);
    size_t nflow = (size_t)pb->row_ptr[pb->exp_ptr[pb->nmarket]];
    enum {
        FLOWS_PER_THREAD = 20000
    }; /* below this a thread costs more than it saves */
    int useful = (int)TW_MIN(nflow / FLOWS_PER_THREAD + 1, 256);
    int threads = TW_MIN(TW_MIN(opt->threads, useful), 256);

    batch b = {.pb = pb, .opt = opt, .res = res, .kern = tw_kernels_get(level)};
    b.ws = tw_alloc((size_t)threads, sizeof *b.ws);
    tw_status rc = b.ws == NULL ? TW_ENOMEM : TW_OK;
    for (int w = 0; rc == TW_OK && w < threads; w++) {
        b.ws[w].kern = b.kern;
        b.ws[w].opt = opt;
        rc = tw_pe_ws_new(&b.ws[w], &room);
    }
    if (rc == TW_OK) {
        rc = tw_parallel_for(pb->nmarket, 4, threads, do_market, &b, opt);
    }
    for (int w = 0; b.ws != NULL && w < threads; w++) {
        tw_pe_ws_free(&b.ws[w]);
    }
    tw_free(b.ws);
    for (size_t m = 0; rc == TW_OK && m < pb->nmarket; m++) {
        info->iterations = TW_MAX(info->iterations, res->iterations[m]);
        if (!(res->residual[m] <= info->residual)) {
            info->residual = res->residual[m];
        }
        if (res->status[m] != TW_OK && info->where < 0) {
            info->where = (ptrdiff_t)m;
            info->what = tw_pe_cause_text(res->cause[m]);
        }
    }
    return rc;
}
