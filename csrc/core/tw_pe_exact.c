/* tw_pe_exact.c - the exact equilibrium of one market.
 *
 * Sweeps on ln p with the exact diagonal as step and Anderson acceleration, in the packed
 * form (tw_kernels.c) where the market allows it, in the general form (tw_pe_general.c) where
 * not; controls move along.  A market that resists goes to damped Newton.
 */
#include "tw_control.h"

#include <math.h>
#include <string.h>

/* The packed form is exact to rounding when sigma is this far from one and the powers
 * stay this far from overflow. */
static const double PACKED_GAP = 1e-3;
static const double PACKED_SIGMA = 60.0;
enum { MAX_SWEEPS = 250, PATIENCE = 40 }; /* a control moves by 1 a sweep at most */

typedef enum { COMMON, BY_DESTINATION, GENERAL } market_form;

static market_form
choose_form(const tw_pe_ws *ws)
{
    const tw_market *mk = &ws->mk;
    int common = 1, packed = 1;
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

/* Residuals at the current point; the largest. */
static double
evaluate(tw_pe_ws *ws, market_form form)
{
    tw_market *mk = &ws->mk;
    if (form == GENERAL) {
        tw_pe_general_eval(ws);
    }
    else {
        if (ws->ctl.nspecial > 0) {
            tw_control_patch(ws);
        }
        ws->kern->import_side(mk, form == COMMON);
        ws->kern->export_side(mk, form == COMMON);
    }
    double top = ws->kern->residual(mk);
    if (ws->ctl.n > 0) {
        double gap =
            form == GENERAL ? tw_control_gaps_general(ws) : tw_control_gaps_packed(ws);
        top = top >= gap || isnan(top) ? top : gap; /* a NaN stays, on either side */
    }
    return top;
}

/* Accelerated sweeps from p = 1 and slack controls. */
static tw_status
sweep(tw_pe_ws *ws, market_form form, double goal, int max_iter)
{
    tw_market *mk = &ws->mk;
    size_t ni8 = (size_t)(ws->ctl.x - mk->y), n8 = ni8 + (ws->ctl.n + 7) / 8 * 8;
    double best = INFINITY;
    int since = 0;
    memset(mk->y + mk->ni, 0, (n8 - mk->ni) * sizeof *mk->y);
    memset(ws->f, 0, n8 * sizeof *ws->f);
    for (size_t k = 0; k < ws->ctl.n; k++) {
        ws->ctl.at_bound[k] = -1;
    }
    tw_anderson_init(&ws->aa, n8, TW_PE_MEMORY, ws->aa_scratch);
    for (int it = 0; it < max_iter; it++) {
        ws->residual = evaluate(ws, form);
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
        if (ws->ctl.n > 0) {
            tw_control_step(ws, ws->f + ni8);
        }
        tw_anderson_step(&ws->aa, ws->kern, mk->y, ws->f);
        if (ws->ctl.n > 0 && tw_control_project(ws)) {
            tw_anderson_init(&ws->aa, n8, TW_PE_MEMORY, ws->aa_scratch);
        }
    }
    return TW_NOCONV;
}

static tw_status
solve_packed(tw_pe_ws *ws, market_form form, double goal, int sweeps)
{
    tw_market *mk = &ws->mk;
    ws->kern->pack(mk, form == COMMON);
    if (!tw_pe_all_spend(ws)) {
        return TW_EDOMAIN;
    }
    mark_exporters(mk);
    if (ws->ctl.nspecial > 0) {
        tw_control_keep(ws);
    }
    tw_status rc = sweep(ws, form, goal, sweeps);
    if (rc == TW_OK) {
        ws->kern->finish(mk, form == COMMON);
        tw_control_finish_packed(ws);
    }
    return rc;
}

static tw_status
solve_general(tw_pe_ws *ws, int sweep_first, double goal, const tw_options *opt)
{
    tw_market *mk = &ws->mk;
    tw_pe_general_setup(ws);
    if (!tw_pe_all_spend(ws)) {
        return TW_EDOMAIN;
    }
    tw_status rc = TW_NOCONV;
    if (sweep_first) {
        rc = sweep(ws, GENERAL, goal, TW_MIN(opt->max_iter, MAX_SWEEPS));
    }
    int kinks =
        ws->ctl.nspecial > 0; /* only then does a second try without damping help */
    for (int damped = 1; damped >= !kinks && (rc == TW_NOCONV || rc == TW_ENUMERIC);
         damped--) {
        memset(mk->y, 0, mk->ni * sizeof *mk->y);
        memset(ws->ctl.x, 0, ws->ctl.n * sizeof *mk->y);
        tw_control_project(ws);
        rc = tw_pe_newton(ws, goal, opt->max_iter, damped);
    }
    tw_pe_general_finish(ws);
    return rc;
}

tw_status
tw_pe_exact(tw_pe_ws *ws, const tw_options *opt)
{
    market_form form = choose_form(ws);
    double goal = residual_goal(&ws->mk, opt->tol);
    tw_status rc = TW_NOCONV;
    tw_control_collect(ws);
    int hopeless = 0; /* a control pressed against its limit without end */
    if (form != GENERAL) {
        rc = solve_packed(ws, form, goal, TW_MIN(opt->max_iter, MAX_SWEEPS));
        hopeless = rc == TW_NOCONV && tw_control_infeasible(ws);
    }
    if (rc == TW_NOCONV) {
        rc = solve_general(ws, form == GENERAL, goal, opt);
    }
    if (rc == TW_NOCONV || rc == TW_ENUMERIC) {
        hopeless = hopeless || tw_control_infeasible(ws);
        ws->cause = hopeless            ? TW_PE_INFEASIBLE
                    : rc == TW_ENUMERIC ? TW_PE_OVERFLOW
                                        : TW_PE_STUCK;
    }
    return rc;
}
