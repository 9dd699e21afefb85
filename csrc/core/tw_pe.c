/* tw_pe.c - partial equilibrium: classify a market, solve it, loop over markets.
 *
 * A market in which no wedge changes is returned at once.  Otherwise sweeps on ln p with
 * the exact diagonal as step and Anderson acceleration; in the packed form where the
 * market allows it, in the general form (tw_pe_general.c) where not.  A market that resists
 * goes to damped Newton.
 */
#include "tw_pe.h"

#include <math.h>
#include <string.h>

/* The packed form is exact to rounding when sigma is this far from one and the powers
 * stay this far from overflow. */
static const double PACKED_GAP = 1e-3;
static const double PACKED_SIGMA = 60.0;
enum { MAX_SWEEPS = 250, PATIENCE = 40 };

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
        "a ban or weight cut where the substitution elasticity is 1 or below has no finite "
        "price index",
        "this method cannot represent the scenario",
        "the iteration did not converge",
        "a price or quantity left the range of double precision",
    };
    return cause >= 0 && (size_t)cause < sizeof text / sizeof text[0] ? text[cause]
                                                                     : "unknown";
}

/* ---- work space ----------------------------------------------------------------------- */

typedef struct {
    size_t nf, ni8, nn8, packed;
} extent;

static size_t
round8(size_t n)
{
    return (n + 7) / 8 * 8;
}

static void
ws_free(tw_pe_ws *ws)
{
    tw_free(ws->block);
    tw_free(ws->sizes);
    tw_free(ws->ints);
    ws->block = NULL;
    ws->sizes = NULL;
    ws->ints = NULL;
}

static tw_status
ws_new(tw_pe_ws *ws, const extent *x)
{
    enum { PER_FLOW = 11, PER_IMPORTER = 12, PER_EXPORTER = 10, PER_CELL = 4 };
    size_t nf = round8(x->nf);
    size_t count = PER_FLOW * nf + PER_IMPORTER * (x->nn8 + 8) + PER_EXPORTER * x->ni8 +
                   PER_CELL * x->packed + x->ni8 * x->ni8 + tw_anderson_doubles(x->ni8);
    ws->block = tw_alloc(count + 8, sizeof *ws->block);
    ws->sizes = tw_alloc(2 * x->ni8 + 3 * nf + 2 * x->nn8 + 8, sizeof *ws->sizes);
    ws->ints = tw_alloc(nf + 4 * x->ni8, sizeof *ws->ints);
    if (ws->block == NULL || ws->sizes == NULL || ws->ints == NULL) {
        ws_free(ws);
        return TW_ENOMEM;
    }
    tw_market *mk = &ws->mk;
    double *at = ws->block;
    double **flow[PER_FLOW] = {&mk->change, &ws->theta, &ws->phi, &ws->k0,   &ws->k1, &ws->lnk,
                               &ws->lnu,    &ws->share, &ws->eta, &ws->lnq, &ws->part};
    double **importer[PER_IMPORTER] = {&mk->spend,   &mk->inv_spend, &mk->sum, &mk->gain,
                                       &mk->power,   &mk->tmp_n,     &mk->ae,  &ws->theta_m,
                                       &ws->top,     &ws->acc,       &ws->lnPM, &ws->nest};
    double **exporter[PER_EXPORTER] = {&mk->sales,  &mk->inv_sales, &mk->y,     &mk->r,
                                       &mk->diag,   &mk->demand,    &mk->p_power, &mk->fixed,
                                       &ws->f,      &ws->best};
    double **cell[PER_CELL] = {&mk->a, &mk->c, &mk->e, &mk->oms};
    for (int k = 0; k < PER_FLOW; k++, at += nf) {
        *flow[k] = at;
    }
    for (int k = 0; k < PER_IMPORTER; k++, at += x->nn8 + 8) {
        *importer[k] = at;
    }
    for (int k = 0; k < PER_EXPORTER; k++, at += x->ni8) {
        *exporter[k] = at;
    }
    for (int k = 0; k < PER_CELL; k++, at += x->packed) {
        *cell[k] = at;
    }
    ws->jac = at;
    ws->aa_scratch = at + x->ni8 * x->ni8;
    mk->off = ws->sizes;
    mk->list = mk->off + x->ni8;
    mk->changed = mk->list + x->ni8;
    ws->col_flow = mk->changed + nf;
    ws->col_row = ws->col_flow + nf;
    ws->col_ptr = ws->col_row + nf;
    mk->bucket = ws->col_ptr + x->nn8 + 1;
    mk->pcol = ws->ints;
    return TW_OK;
}

/* ---- one market ----------------------------------------------------------------------- */

static const double *
shift(const double *x, size_t by)
{
    return x == NULL ? NULL : x + by;
}

static void
view_market(tw_market *mk, const tw_pe_problem *pb, const tw_pe_result *res, size_t m)
{
    size_t e = (size_t)pb->exp_ptr[m], n = (size_t)pb->imp_ptr[m];
    mk->ni = (size_t)(pb->exp_ptr[m + 1] - pb->exp_ptr[m]);
    mk->nn = (size_t)(pb->imp_ptr[m + 1] - pb->imp_ptr[m]);
    mk->nn8 = round8(mk->nn);
    mk->row = pb->row_ptr + e;
    mk->first = (size_t)mk->row[0];
    mk->nf = (size_t)mk->row[mk->ni] - mk->first;
    size_t f = mk->first;
    mk->col = pb->col + f;
    mk->value = pb->value + f;
    mk->t0 = pb->t0 + f;
    mk->t1 = pb->t1 + f;
    mk->x0 = shift(pb->x0, f);
    mk->x1 = shift(pb->x1, f);
    mk->cost = shift(pb->cost, f);
    mk->weight = shift(pb->weight, f);
    mk->lx = shift(pb->lx, f);
    mk->lm = shift(pb->lm, f);
    mk->sigma = pb->sigma + n;
    mk->eps = pb->eps + n;
    mk->sigma_home = shift(pb->sigma_home, n);
    mk->home = pb->home == NULL ? NULL : pb->home + n;
    mk->mu = pb->mu + e;
    mk->q = res->q + f;
    mk->lnp = res->p + e;
    mk->lnP = res->P + n;
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
    return !k->differ(nf, mk->t0, mk->t1) && (mk->x0 == NULL || !k->differ(nf, mk->x0, mk->x1)) &&
           (mk->cost == NULL || !k->differ_from(nf, mk->cost, 1.0)) &&
           (mk->weight == NULL || !k->differ_from(nf, mk->weight, 1.0)) &&
           !any_nonzero(k, nf, mk->lx) && !any_nonzero(k, nf, mk->lm);
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
        (mk->x0 != NULL && (k->outside(nf, mk->x0, -1.0) || k->outside(nf, mk->x1, -1.0)))) {
        return TW_PE_BAD_TAX;
    }
    if ((mk->cost != NULL && k->outside(nf, mk->cost, 0.0)) ||
        (mk->weight != NULL && k->outside(nf, mk->weight, zero)) ||
        (mk->lx != NULL && k->outside(nf, mk->lx, zero)) ||
        (mk->lm != NULL && k->outside(nf, mk->lm, zero))) {
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

typedef enum { COMMON, BY_DESTINATION, GENERAL } market_form;

static market_form
choose_form(const tw_pe_ws *ws)
{
    const tw_market *mk = &ws->mk;
    int common = 1, packed = !ws->wedges;
    for (size_t n = 0; n < mk->nn; n++) {
        double s = mk->sigma[n];
        common &= s == mk->sigma[0];
        packed &= fabs(1.0 - s) >= PACKED_GAP && s <= PACKED_SIGMA;
        packed &= mk->home == NULL || mk->home[n] < 0 || mk->sigma_home[n] == s;
    }
    return !packed ? GENERAL : common ? COMMON : BY_DESTINATION;
}

/* Rounding floor of a residual in logs: an elasticity multiplies the rounding of a log. */
static double
residual_goal(const tw_market *mk, double tol)
{
    double top = 0.0;
    for (size_t n = 0; n < mk->nn; n++) {
        top = TW_MAX(top, TW_MAX(mk->sigma[n], mk->eps[n]));
    }
    for (size_t i = 0; i < mk->ni; i++) {
        if (!isinf(mk->mu[i])) {
            top = TW_MAX(top, mk->mu[i]);
        }
    }
    return TW_MAX(tol, 16.0 * 2.220446049250313e-16 * (1.0 + top));
}

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

static void
mark_exporters(tw_market *mk)
{
    for (size_t i = 0; i < mk->ni; i++) {
        double open = mk->weight == NULL ? 1.0 : 0.0;
        for (ptrdiff_t k = mk->row[i]; mk->weight != NULL && k < mk->row[i + 1]; k++) {
            size_t f = (size_t)k - mk->first;
            open += mk->value[f] * mk->weight[f];
        }
        mk->y[i] = 0.0;
        mk->fixed[i] = isinf(mk->mu[i]) || !(mk->sales[i] > 0.0) ? TW_PRICE_GIVEN
                       : open > 0.0                              ? TW_FREE
                                                                 : TW_SHUT_OUT;
    }
}

static void
evaluate(tw_pe_ws *ws, market_form form)
{
    if (form == GENERAL) {
        tw_pe_general_eval(ws);
        return;
    }
    ws->kern->import_side(&ws->mk, form == COMMON);
    ws->kern->export_side(&ws->mk, form == COMMON);
}

/* Accelerated sweeps from p = 1. */
static tw_status
sweep(tw_pe_ws *ws, market_form form, double goal, int max_iter)
{
    tw_market *mk = &ws->mk;
    size_t ni8 = round8(mk->ni);
    double best = INFINITY;
    int since = 0;
    for (size_t i = mk->ni; i < ni8; i++) {
        mk->y[i] = ws->f[i] = 0.0;
    }
    tw_anderson_init(&ws->aa, ni8, ws->aa_scratch);
    for (int it = 0; it < max_iter; it++) {
        evaluate(ws, form);
        ws->residual = ws->kern->residual(mk);
        if (ws->residual <= goal) {
            return TW_OK;
        }
        if (!(ws->residual < 1e3 * best + 1e3) || ++since > PATIENCE) {
            return TW_NOCONV; /* NaN, blown up, or no progress */
        }
        if (ws->residual < 0.5 * best) {
            best = ws->residual;
            since = 0;
        }
        if (tw_stop_now(ws->stop, ws->worker)) {
            return TW_EINTR;
        }
        if (it == 0) {
            if (form == GENERAL) {
                tw_pe_general_diagonal(ws);
            }
            else {
                ws->kern->diagonal(mk);
            }
        }
        ws->iterations++;
        ws->kern->step(mk, ws->f);
        tw_anderson_step(&ws->aa, ws->kern, mk->y, ws->f);
    }
    return TW_NOCONV;
}

static tw_status
solve_exact(tw_pe_ws *ws, const tw_options *opt)
{
    tw_market *mk = &ws->mk;
    market_form form = choose_form(ws);
    double goal = residual_goal(mk, opt->tol);
    int sweeps = TW_MIN(opt->max_iter, MAX_SWEEPS);
    tw_status rc = TW_NOCONV;
    if (form != GENERAL) {
        ws->kern->pack(mk, form == COMMON);
        if (!tw_pe_all_spend(ws)) {
            return TW_EDOMAIN;
        }
        mark_exporters(mk);
        rc = sweep(ws, form, goal, sweeps);
        if (rc == TW_OK) {
            ws->kern->finish(mk, form == COMMON);
        }
    }
    if (rc == TW_NOCONV) {
        tw_pe_general_setup(ws);
        if (!tw_pe_all_spend(ws)) {
            return TW_EDOMAIN;
        }
        if (form == GENERAL) {
            rc = sweep(ws, GENERAL, goal, sweeps);
        }
        if (rc == TW_NOCONV) {
            for (size_t i = 0; i < mk->ni; i++) {
                mk->y[i] = 0.0;
            }
            rc = tw_pe_newton(ws, goal, opt->max_iter);
        }
        tw_pe_general_finish(ws);
    }
    if (rc != TW_OK) {
        ws->cause = rc == TW_ENUMERIC ? TW_PE_OVERFLOW : TW_PE_STUCK;
    }
    return rc;
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
        (ws->cause = check_weights(ws)) != TW_PE_FINE) {
        return TW_EDOMAIN;
    }
    ws->wedges = any_nonzero(k, mk->nf, mk->lx) || any_nonzero(k, mk->nf, mk->lm);
    tw_status rc = b->pb->method == TW_PE_EXACT ? solve_exact(ws, b->opt)
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
    view_market(mk, b->pb, b->res, m);
    ws->stop = stop;
    ws->worker = worker;
    ws->iterations = 0;
    ws->residual = 0.0;
    ws->cause = TW_PE_FINE;
    tw_status rc = TW_OK;
    if (mk->nf == 0 || untouched(ws->kern, mk)) {
        for (size_t f = 0; f < mk->nf; f++) {
            mk->q[f] = 1.0;
        }
        memset(mk->lnp, 0, mk->ni * sizeof *mk->lnp);
        memset(mk->lnP, 0, mk->nn * sizeof *mk->lnP);
    }
    else {
        rc = solve_market(ws, b);
    }
    b->res->status[m] = (int)rc;
    b->res->cause[m] = ws->cause;
    b->res->iterations[m] = ws->iterations;
    b->res->residual[m] = ws->residual;
}

/* Room for the largest market, whatever its number of exporters and importers. */
static extent
largest(const tw_pe_problem *pb)
{
    extent x = {0, 8, 8, 8};
    for (size_t m = 0; m < pb->nmarket; m++) {
        size_t ni = (size_t)(pb->exp_ptr[m + 1] - pb->exp_ptr[m]);
        size_t nn = (size_t)(pb->imp_ptr[m + 1] - pb->imp_ptr[m]);
        size_t nf = (size_t)(pb->row_ptr[pb->exp_ptr[m + 1]] - pb->row_ptr[pb->exp_ptr[m]]);
        x.nf = TW_MAX(x.nf, nf);
        x.ni8 = TW_MAX(x.ni8, round8(ni));
        x.nn8 = TW_MAX(x.nn8, round8(nn));
        /* a dense row is at least a quarter full, a sparse one padded by at most three */
        x.packed = TW_MAX(x.packed, TW_MIN(4 * nf, ni * round8(nn) + nf) + 3 * ni);
    }
    x.packed = round8(TW_MAX(x.packed, x.nf));
    return x;
}

tw_status
tw_pe_solve(const tw_pe_problem *pb, const tw_options *opt, tw_pe_result *res, tw_info *info)
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
    extent room = largest(pb);
    size_t nflow = (size_t)pb->row_ptr[pb->exp_ptr[pb->nmarket]];
    enum { FLOWS_PER_THREAD = 20000 }; /* below this a thread costs more than it saves */
    int useful = (int)TW_MIN(nflow / FLOWS_PER_THREAD + 1, 256);
    int threads = TW_MIN(TW_MIN(opt->threads, useful), 256);

    batch b = {.pb = pb, .opt = opt, .res = res, .kern = tw_kernels_get(level)};
    b.ws = tw_alloc((size_t)threads, sizeof *b.ws);
    tw_status rc = b.ws == NULL ? TW_ENOMEM : TW_OK;
    for (int w = 0; rc == TW_OK && w < threads; w++) {
        b.ws[w].kern = b.kern;
        b.ws[w].opt = opt;
        rc = ws_new(&b.ws[w], &room);
    }
    if (rc == TW_OK) {
        rc = tw_parallel_for(pb->nmarket, 4, threads, do_market, &b, opt);
    }
    for (int w = 0; b.ws != NULL && w < threads; w++) {
        ws_free(&b.ws[w]);
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
