/* tw_ge_solve.c - the equilibrium of one scenario by accelerated sweeps.
 *
 * A sweep is z + F with a damped step for wages and an own one for limits.  Convergence is
 * judged on F alone: every market's residual.
 */
#include "tw_ge.h"

#include <math.h>
#include <string.h>

static const double CLAMP = 1.0; /* largest change of ln w in a sweep */
static const double BLOWN = 1e4; /* growth of the residual that calls for a new start */
enum { PATIENCE = 60, RESTARTS = 4 };

/* ---- evaluation with limits ----------------------------------------------------------- */

void
tw_ge_eval(tw_ge *ge, const double *z, double *F)
{
    if (ge->lim.n > 0) {
        tw_ge_limits_patch(ge, z);
    }
    ge->gk->eval(ge, z, F);
    if (ge->lim.n > 0) {
        tw_ge_limits_rows(ge, z, F);
    }
}

/* Place k of z in public terms. */
static void
locate(tw_ge *ge, size_t k)
{
    const tw_ge_base *b = ge->base;
    const size_t from[5] = {0, ge->at_P, ge->at_X, ge->at_S, ge->at_m};
    const int what[5] = {TW_GE_LABOUR, TW_GE_PRICE, TW_GE_GOODS, TW_GE_SCALE,
                         TW_GE_LIMIT};
    size_t part = 0;
    for (size_t p = 1; p < 5; p++) {
        part = k >= from[p] ? p : part;
    }
    size_t at = k - from[part], n = at % b->N8, j = at / b->N8;
    ge->what = what[part];
    ge->where = part == 0   ? (ptrdiff_t)at
                : part == 4 ? (ptrdiff_t)(ge->lim.first + at)
                            : (ptrdiff_t)(n * b->J + j);
}

/* Walras' law is checked, not assumed: with it every F = 0 puts world value added at the
 * numeraire, so the distance from that counts as a residual. */
static double
largest(const tw_ge *ge, const double *F)
{
    double top = ge->kern->largest(ge->n8, F), money = fabs(log(ge->money));
    return money <= top ? top : money + 0.0 * top; /* a NaN on either side stays */
}

double
tw_ge_residual(const tw_ge *ge, const double *F)
{
    return ge->poor >= 0 || ge->bent ? NAN : largest(ge, F);
}

/* No residual can be asked for below its rounding, which theta multiplies. */
double
tw_ge_floor(const tw_ge *ge)
{
    double top = 0.0;
    for (size_t j = 0; j < ge->base->J; j++) {
        top = TW_MAX(top, ge->base->theta[j]);
    }
    return 2.220446049250313e-16 * (32.0 + 2.0 * top);
}

double
tw_ge_goal(const tw_ge *ge)
{
    return TW_MAX(ge->opt->tol, tw_ge_floor(ge));
}

int
tw_ge_check(tw_ge *ge, const double *z, double tol)
{
    tw_ge_eval(ge, z, ge->F);
    ge->iterations++;
    ge->residual = largest(ge, ge->F);
    if (ge->poor >= 0) {
        ge->poor_once = ge->poor;
    }
    return ge->residual <= tol && ge->poor < 0 && !ge->bent;
}

void
tw_ge_blame(tw_ge *ge, const double *z)
{
    double top = -1.0;
    size_t worst = 0;
    tw_ge_check(ge, z, 0.0);
    ge->iterations--;
    for (size_t k = 0; k < ge->n8 && top < INFINITY; k++) {
        if (!(fabs(ge->F[k]) <= top)) {
            worst = k;
            top = isnan(ge->F[k]) ? INFINITY : fabs(ge->F[k]);
        }
    }
    locate(ge, worst);
    /* Where max_iter cut the way short, a poor country on it proves nothing. */
    int tried = ge->iterations < ge->opt->max_iter;
    if (tried && ge->poor_once >= 0 && ge->what != TW_GE_LIMIT) {
        ge->what = TW_GE_NO_EQUILIBRIUM;
        ge->where = ge->poor_once;
    }
    else if (isnan(ge->residual)) {
        ge->what = TW_GE_OVERFLOW;
    }
}

/* ---- sweeps ------------------------------------------------------------------------------ */

/* The step of a sweep, in place of F.  Limits move by their own slope, inside their range. */
static void
sweep_step(tw_ge *ge, const double *z, const tw_ge_mixing *mixing, double damping)
{
    double *F = ge->F;
    tw_ge_step(ge, mixing, F);
    for (size_t l = 0; l < ge->lim.n; l++) {
        double m = z[ge->at_m + l];
        double move = -ge->lim.gap[l] / tw_ge_limits_slope(ge, l);
        move = TW_MIN(TW_MAX(move, -1.0), 1.0);
        F[ge->at_m + l] = TW_MIN(TW_MAX(m + move, 0.0), ge->lim.upper[l]) - m;
    }
    for (size_t k = 0; damping < 1.0 && k < ge->n8; k++) {
        F[k] *= damping;
    }
}

/* Limits back into their range; nonzero when one came to or left an end of it. */
static int
project(tw_ge *ge, double *z)
{
    int changed = 0;
    for (size_t l = 0; l < ge->lim.n; l++) {
        double *m = &z[ge->at_m + l], upper = ge->lim.upper[l];
        *m = TW_MIN(TW_MAX(*m, 0.0), upper);
        int end = *m <= 0.0 ? -1 : *m >= upper ? 1 : 0;
        changed |= end != ge->lim.end[l];
        ge->lim.end[l] = end;
    }
    return changed;
}

/* No unknown moves by more than CLAMP in a sweep: y is the point before, h the last y + f. */
static void
clamp(tw_ge *ge, double *z)
{
    const double *h = ge->aa.h_last, *f = ge->aa.f_last;
    double top = 0.0;
    for (size_t n = 0; n < ge->base->N8; n++) {
        double move = fabs(z[n] - (h[n] - f[n]));
        top = move > top ? move : top;
    }
    for (size_t k = 0; top > CLAMP && k < ge->n8; k++) {
        double before = h[k] - f[k];
        z[k] = before + CLAMP / top * (z[k] - before);
    }
}

tw_status
tw_ge_sweeps(tw_ge *ge, double *z, double tol, size_t memory, int most)
{
    double *best = ge->best;
    double least = INFINITY, mark = INFINITY, damping = 1.0;
    size_t bytes = ge->n8 * sizeof *z;
    int since = 0, restarts = 0;
    tw_ge_mixing mixing = tw_ge_mixing_base(ge, ge->mixing);
    memcpy(best, z, bytes);
    project(ge, z);
    tw_anderson_init(&ge->aa, ge->n8, memory, ge->aa_scratch);
    for (int it = 0; it < most && ge->iterations < ge->opt->max_iter; it++) {
        if (tw_ge_check(ge, z, tol)) {
            return TW_OK;
        }
        if (tw_stop_now(ge->stop, ge->worker)) {
            return TW_EINTR;
        }
        if (ge->residual < least) {
            least = ge->residual;
            memcpy(best, z, bytes);
        }
        if (least < 0.5 * mark) {
            mark = least;
            since = 0;
        }
        if (++since > PATIENCE) {
            break;
        }
        if (!(ge->residual < BLOWN * least)) {
            if (++restarts > RESTARTS) {
                break;
            }
            damping *= 0.5;
            memcpy(z, best, bytes);
            tw_anderson_init(&ge->aa, ge->n8, memory, ge->aa_scratch);
            tw_ge_check(ge, z, tol);
        }
        sweep_step(ge, z, &mixing, damping);
        tw_anderson_step(&ge->aa, ge->kern, z, ge->F);
        clamp(ge, z);
        if (ge->lim.n > 0 && project(ge, z)) {
            tw_anderson_init(&ge->aa, ge->n8, memory, ge->aa_scratch);
        }
    }
    memcpy(z, best, bytes);
    ge->residual = least;
    return TW_NOCONV;
}

/* ---- plain products ---------------------------------------------------------------------- */

static const double *
matrix(const tw_ge *ge, tw_ge_which a)
{
    return a == TW_GE_K ? ge->K : a == TW_GE_KX && ge->has_x ? ge->KX : ge->KT;
}

void
tw_ge_rows(const tw_ge *ge, tw_ge_which a, const double *v, double *out)
{
    ge->gk->rows(ge->base->J, ge->base->N, ge->base->N8, matrix(ge, a), v, out);
}

void
tw_ge_cols(const tw_ge *ge, tw_ge_which a, const double *v, double *out)
{
    ge->gk->cols(ge->base->J, ge->base->N, ge->base->N8, matrix(ge, a), v, out);
}

void
tw_ge_by_user(const tw_ge *ge, const double *v, double *out)
{
    memset(out, 0, ge->base->NJ8 * sizeof *out);
    ge->gk->by_user(ge->base->J, ge->base->N8, ge->base->g, v, out);
}

void
tw_ge_by_input(const tw_ge *ge, const double *v, double *out)
{
    memset(out, 0, ge->base->NJ8 * sizeof *out);
    ge->gk->by_input(ge->base->J, ge->base->N8, ge->base->g, v, out);
}
