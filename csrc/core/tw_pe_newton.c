/* tw_pe_newton.c - damped Newton on ln p and the unknowns of controls: the second rung,
 * dense and safe; semismooth where controls stand at a bound. */
#include "tw_control.h"

#include <math.h>
#include <string.h>

/* Evaluate at the current point: the largest residual in ws->residual, the merit returned. */
static double
evaluate(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    tw_pe_general_eval(ws);
    ws->residual = ws->kern->residual(mk);
    double sum = 0.0;
    for (size_t i = 0; i < mk->ni; i++) {
        sum += mk->r[i] * mk->r[i];
    }
    if (ws->ctl.n > 0) {
        double gap = tw_control_gaps_general(ws);
        ws->residual = ws->residual >= gap || isnan(ws->residual) ? ws->residual : gap;
        for (size_t k = 0; k < ws->ctl.n; k++) {
            double phi = tw_control_fischer(&ws->ctl, k).value;
            sum += phi * phi;
        }
    }
    return sum;
}

/* The Newton direction at the current point, in ws->f. */
static tw_status
direction(tw_pe_ws *ws)
{
    tw_market *mk = &ws->mk;
    size_t ni = mk->ni, size = ni + ws->ctl.n;
    tw_pe_general_jacobian(ws, size);
    memcpy(ws->f, mk->r, ni * sizeof *ws->f);
    if (ws->ctl.n > 0) {
        tw_control_jacobian(ws, size, ws->f);
    }
    return tw_lu_solve(size, ws->jac, ws->f);
}

static void
take_step(tw_pe_ws *ws, double step)
{
    tw_market *mk = &ws->mk;
    for (size_t i = 0; i < mk->ni; i++) {
        mk->y[i] = ws->best[i] + step * ws->f[i];
    }
    for (size_t k = 0; k < ws->ctl.n; k++) {
        ws->ctl.x[k] = ws->best[mk->ni + k] + step * ws->f[mk->ni + k];
    }
    tw_control_project(ws);
}

/* Start from mk->y and the controls' x.  The largest move of a log price a step is 2.  Damped
 * steps lower the merit; at a kink none may, and full ones may cross it. */
tw_status
tw_pe_newton(tw_pe_ws *ws, double tol, int max_iter, int damped)
{
    tw_market *mk = &ws->mk;
    size_t size = mk->ni + ws->ctl.n;
    double old = evaluate(ws);
    for (int it = 0; it < max_iter && !(ws->residual <= tol); it++) {
        if (!isfinite(old)) {
            return TW_ENUMERIC;
        }
        if (tw_stop_now(ws->stop, ws->worker)) {
            return TW_EINTR;
        }
        ws->iterations++;
        memcpy(ws->best, mk->y, mk->ni * sizeof *ws->best);
        memcpy(ws->best + mk->ni, ws->ctl.x, ws->ctl.n * sizeof *ws->best);
        if (direction(ws) != TW_OK) {
            return TW_ENUMERIC;
        }
        double top = 0.0;
        for (size_t k = 0; k < size; k++) {
            top = TW_MAX(top, fabs(ws->f[k]));
        }
        double step = top > 2.0 ? 2.0 / top : 1.0;
        for (int cut = 0;; cut++, step *= 0.5) {
            take_step(ws, step);
            double now = evaluate(ws);
            if (!damped || now <= (1.0 - 1e-4 * step) * old || ws->residual <= tol) {
                old = now;
                break;
            }
            if (cut == 40) {
                return TW_NOCONV;
            }
        }
    }
    return ws->residual <= tol ? TW_OK : TW_NOCONV;
}
