/* tw_pe_newton.c - damped Newton on ln p: the second rung, dense and safe. */
#include "tw_pe.h"

#include <math.h>
#include <string.h>

static double
merit(const tw_market *mk)
{
    double sum = 0.0;
    for (size_t i = 0; i < mk->ni; i++) {
        sum += mk->r[i] * mk->r[i];
    }
    return sum;
}

/* Start from mk->y.  The largest move of a log price a step is 2. */
tw_status
tw_pe_newton(tw_pe_ws *ws, double tol, int max_iter)
{
    tw_market *mk = &ws->mk;
    size_t ni = mk->ni;
    tw_pe_general_eval(ws);
    double old = merit(mk);
    for (int it = 0; it < max_iter; it++) {
        ws->residual = ws->kern->residual(mk);
        if (ws->residual <= tol) {
            return TW_OK;
        }
        if (!isfinite(old)) {
            return TW_ENUMERIC;
        }
        if (tw_stop_now(ws->stop, ws->worker)) {
            return TW_EINTR;
        }
        ws->iterations++;
        tw_pe_general_jacobian(ws);
        memcpy(ws->f, mk->r, ni * sizeof *ws->f);
        memcpy(ws->best, mk->y, ni * sizeof *ws->best);
        if (tw_lu_solve(ni, ws->jac, ws->f) != TW_OK) {
            return TW_ENUMERIC;
        }
        double top = 0.0;
        for (size_t i = 0; i < ni; i++) {
            top = TW_MAX(top, fabs(ws->f[i]));
        }
        double step = top > 2.0 ? 2.0 / top : 1.0;
        for (int cut = 0;; cut++, step *= 0.5) {
            for (size_t i = 0; i < ni; i++) {
                mk->y[i] = ws->best[i] + step * ws->f[i];
            }
            tw_pe_general_eval(ws);
            double now = merit(mk);
            if (now <= (1.0 - 1e-4 * step) * old || ws->kern->residual(mk) <= tol) {
                old = now;
                break;
            }
            if (cut == 40) {
                return TW_NOCONV;
            }
        }
    }
    ws->residual = ws->kern->residual(mk);
    return ws->residual <= tol ? TW_OK : TW_NOCONV;
}
