/* tw_pe_legacy.c - the linearised tools that the exact model is compared with.
 *
 * GSIM (Francois and Hall 2009): one Euler step from the base in levels.  Euler: K steps in
 * logs that carry ln q.  SMART: the single-importer formula with creation and diversion
 * (Laird and Yeats 1986); here each targeted origin meets all others as rivals and the
 * effects of several targets add.
 */
#include "tw_pe.h"
#include "tw_vmath.h"

/* d ln q of every flow, in ws->lnu, for moves d ln u of every flow. */
static void
demand_moves(tw_pe_ws *ws, const double *move)
{
    tw_market *mk = &ws->mk;
    double *in_nest = ws->acc, *in_total = ws->top;
    for (size_t n = 0; n < mk->nn; n++) {
        in_nest[n] = in_total[n] = 0.0;
    }
    for (size_t f = 0; f < mk->nf; f++) {
        size_t n = (size_t)mk->col[f];
        double part = ws->share[f] * move[f];
        if (tw_pe_is_home(mk, n, f)) {
            in_total[n] += part;
        }
        else {
            in_nest[n] += part;
            in_total[n] += ws->nest[n] * part;
        }
    }
    for (size_t f = 0; f < mk->nf; f++) {
        size_t n = (size_t)mk->col[f];
        double sigma = mk->sigma[n], h = tw_pe_sigma_top(mk, n);
        ws->lnu[f] = (h - mk->eps[n]) * in_total[n];
        ws->lnu[f] += tw_pe_is_home(mk, n, f)
                          ? -h * move[f]
                          : -sigma * move[f] + (sigma - h) * in_nest[n];
    }
}

/* One derivative: price moves (ws->f), total moves d ln u (ws->k1), d ln q (ws->lnu), for
 * shocks d ln K by flow at the shares in share, nest and part. */
static tw_status
derivative(tw_pe_ws *ws, const double *shock)
{
    tw_market *mk = &ws->mk;
    demand_moves(ws, shock);
    tw_pe_general_jacobian(ws, mk->ni);
    for (size_t i = 0; i < mk->ni; i++) {
        ws->f[i] = 0.0;
        for (ptrdiff_t k = mk->row[i]; k < mk->row[i + 1]; k++) {
            size_t f = (size_t)k - mk->first;
            ws->f[i] += mk->fixed[i] > 0.0 ? 0.0 : ws->part[f] * ws->lnu[f];
        }
    }
    if (tw_lu_solve(mk->ni, ws->jac, ws->f) != TW_OK) {
        return TW_ENUMERIC;
    }
    for (size_t i = 0; i < mk->ni; i++) {
        for (ptrdiff_t k = mk->row[i]; k < mk->row[i + 1]; k++) {
            size_t f = (size_t)k - mk->first;
            ws->k1[f] = ws->f[i] + shock[f];
        }
    }
    demand_moves(ws, ws->k1);
    return TW_OK;
}

/* Shares inside the nest and of the nest, and of sales, from ln q, ln p and the wedges, a
 * part `done` of which is in force. */
static void
carried_shares(tw_pe_ws *ws, double done)
{
    tw_market *mk = &ws->mk;
    double *spend = ws->acc, *foreign = ws->top;
    for (size_t n = 0; n < mk->nn; n++) {
        spend[n] = foreign[n] = 0.0;
    }
    for (size_t i = 0; i < mk->ni; i++) {
        double sales = 0.0;
        for (ptrdiff_t k = mk->row[i]; k < mk->row[i + 1]; k++) {
            size_t f = (size_t)k - mk->first, n = (size_t)mk->col[f];
            double q = tw_exp1(ws->lnq[f]);
            ws->part[f] = ws->phi[f] * q;
            ws->share[f] = ws->theta[f] * q * tw_exp1(mk->y[i] + done * ws->lnk[f]);
            sales += ws->part[f];
            spend[n] += ws->share[f];
            foreign[n] += tw_pe_is_home(mk, n, f) ? 0.0 : ws->share[f];
        }
        for (ptrdiff_t k = mk->row[i]; k < mk->row[i + 1]; k++) {
            ws->part[(size_t)k - mk->first] /= sales > 0.0 ? sales : 1.0;
        }
    }
    for (size_t n = 0; n < mk->nn; n++) {
        ws->nest[n] = foreign[n] / spend[n];
    }
    for (size_t f = 0; f < mk->nf; f++) {
        size_t n = (size_t)mk->col[f];
        double whole = tw_pe_is_home(mk, n, f) ? spend[n] : foreign[n];
        ws->share[f] = whole > 0.0 ? ws->share[f] / whole : 0.0;
    }
}

static double
share_of_total(const tw_pe_ws *ws, size_t n, size_t f)
{
    return ws->share[f] * (tw_pe_is_home(&ws->mk, n, f) ? 1.0 : ws->nest[n]);
}

static void
start(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    for (size_t f = 0; f < mk->nf; f++) {
        ws->lnq[f] = 0.0;
    }
    for (size_t n = 0; n < mk->nn; n++) {
        mk->lnP[n] = 0.0;
    }
}

static tw_status
linear(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    start(ws);
    carried_shares(ws, 0.0);
    for (size_t f = 0; f < mk->nf; f++) {
        ws->k0[f] = ws->k0[f] * ws->k1[f] - 1.0;
    }
    tw_status rc = derivative(ws, ws->k0);
    if (rc != TW_OK) {
        return rc;
    }
    ws->iterations = 1;
    for (size_t i = 0; i < mk->ni; i++) {
        mk->y[i] = ws->f[i];
        for (ptrdiff_t k = mk->row[i]; k < mk->row[i + 1]; k++) {
            size_t f = (size_t)k - mk->first, n = (size_t)mk->col[f];
            mk->q[f] = 1.0 + ws->lnu[f];
            mk->lnP[n] +=
                share_of_total(ws, n, f) * ((1.0 + mk->y[i]) * (1.0 + ws->k0[f]) - 1.0);
        }
    }
    return TW_OK;
}

static tw_status
euler(tw_pe_ws *ws, int steps)
{
    tw_market *mk = &ws->mk;
    start(ws);
    for (size_t f = 0; f < mk->nf; f++) {
        ws->k0[f] = ws->lnk[f] / steps;
    }
    for (int step = 0; step < steps; step++) {
        if (tw_stop_now(ws->stop, ws->worker)) {
            return TW_EINTR;
        }
        carried_shares(ws, (double)step / steps);
        tw_status rc = derivative(ws, ws->k0);
        if (rc != TW_OK) {
            return rc;
        }
        for (size_t f = 0; f < mk->nf; f++) {
            size_t n = (size_t)mk->col[f];
            ws->lnq[f] += ws->lnu[f];
            mk->lnP[n] += share_of_total(ws, n, f) * ws->k1[f];
        }
        for (size_t i = 0; i < mk->ni; i++) {
            mk->y[i] += ws->f[i];
        }
    }
    ws->iterations = steps;
    tw_pe_general_finish(ws);
    return TW_OK;
}

static tw_status
smart(tw_pe_ws *ws, tw_smart_form form)
{
    tw_market *mk = &ws->mk;
    double e = mk->eps[0], s = mk->sigma[0], all = 0.0;
    if (mk->nn != 1 || mk->home != NULL || mk->x0 != NULL || mk->cost != NULL) {
        ws->cause = TW_PE_METHOD;
        return TW_EDOMAIN;
    }
    for (size_t f = 0; f < mk->nf; f++) {
        all += mk->value[f];
        mk->q[f] = mk->value[f]; /* trade in money until the end */
    }
    mk->lnP[0] = 0.0;
    for (size_t i = 0; i < mk->ni; i++) {
        size_t f = (size_t)mk->row[i] - mk->first;
        double m = mk->value[f], rivals = all - m, r = ws->k1[f] - 1.0, mu = mk->mu[i];
        mk->y[i] = 0.0;
        if (r != 0.0 && m > 0.0) {
            mk->y[i] = isinf(mu) ? 0.0 : -e * r / (mu + e);
            double creation = isinf(mu) ? -e * m * r : -(mu * e / (mu + e)) * m * r;
            double pull = -s * r * m, diversion = 0.0;
            if (form == TW_SMART_DERIVATIVE) {
                diversion = pull * rivals / (m + rivals);
            }
            else if (m + rivals + pull > 0.0) {
                diversion = pull * rivals / (m + rivals + pull);
            }
            else {
                ws->cause = TW_PE_METHOD; /* valid while s r m < m + rivals */
                return TW_EDOMAIN;
            }
            diversion = TW_MIN(TW_MAX(diversion, -m), rivals);
            mk->q[f] += creation + diversion;
            for (size_t g = 0; g < mk->nf && rivals > 0.0; g++) {
                mk->q[g] -= g == f ? 0.0 : diversion * mk->value[g] / rivals;
            }
        }
        mk->lnP[0] += ws->theta[f] * ((1.0 + mk->y[i]) * ws->k1[f] - 1.0);
    }
    for (size_t f = 0; f < mk->nf; f++) {
        mk->q[f] = mk->value[f] > 0.0 ? mk->q[f] / mk->value[f] : 1.0;
    }
    ws->iterations = 1;
    return TW_OK;
}

tw_status
tw_pe_legacy(tw_pe_ws *ws, const tw_pe_problem *pb)
{
    tw_market *mk = &ws->mk;
    if (ws->wedges || ws->ctl.n > 0 ||
        (mk->weight != NULL && ws->kern->differ_from(mk->nf, mk->weight, 1.0))) {
        ws->cause = TW_PE_METHOD;
        return TW_EDOMAIN;
    }
    tw_pe_general_setup(ws);
    if (!tw_pe_all_spend(ws)) {
        return TW_EDOMAIN;
    }
    switch (pb->method) {
        case TW_PE_LINEAR:
            return linear(ws);
        case TW_PE_EULER:
            return euler(ws, pb->steps);
        default:
            return smart(ws, pb->form);
    }
}
