/* tw_ge_solve.c - the equilibrium of one scenario: accelerated sweeps, then a ladder.
 *
 * A sweep is z + F with a damped step for wages, shifted along money so that world value
 * added stays the numeraire.  Convergence is judged on F alone: every market's residual.
 */
#include "tw_ge.h"

#include <math.h>
#include <string.h>

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

double
tw_ge_residual(tw_ge *ge, const double *F)
{
    double top = ge->kern->largest(ge->n8, F);
    if (ge->poor >= 0 || ge->bent) {
        top = NAN;
    }
    return top;
}

static void
find_worst(tw_ge *ge, const double *F)
{
    size_t worst = 0;
    double top = -1.0;
    for (size_t k = 0; k < ge->n8; k++) {
        if (!(fabs(F[k]) <= top)) {
            worst = k;
            top = fabs(F[k]);
            if (!(top < INFINITY)) {
                break;
            }
        }
    }
    locate(ge, worst);
}

/* ---- sweeps ------------------------------------------------------------------------------ */

/* 1 / (1 + theta (1 - home share)), the step of a wage: what its market answers. */
static void
wage_steps(const tw_ge *ge, double *step)
{
    const tw_ge_base *b = ge->base;
    for (size_t n = 0; n < b->N8; n++) {
        double slope = 0.0;
        for (size_t j = 0; n < b->N && j < b->J; j++) {
            size_t k = j * b->N8 + n;
            double income = b->gamma[k] * (1.0 - b->rho[j]) * b->Y[k] * b->inv_V[n];
            double home = b->pi[tw_ge_cell(b, n, n, j)];
            slope += income * b->gamma[k] * b->theta[j] * (1.0 - home);
        }
        step[n] = 1.0 / (1.0 + slope);
    }
}

static tw_status
sweeps(tw_ge *ge, double *z, int most)
{
    const tw_ge_base *b = ge->base;
    double *F = ge->F, *scale = ge->step, best = INFINITY;
    wage_steps(ge, scale);
    tw_anderson_init(&ge->aa, ge->n8, TW_GE_MEMORY, ge->aa_scratch);
    for (int it = 0; it < most; it++) {
        tw_ge_eval(ge, z, F);
        ge->iterations++;
        ge->residual = tw_ge_residual(ge, F);
        if (ge->residual <= ge->opt->tol) {
            return TW_OK;
        }
        if (tw_stop_now(ge->stop, ge->worker)) {
            return TW_EINTR;
        }
        best = TW_MIN(best, ge->residual);
        for (size_t n = 0; n < b->N8; n++) {
            F[n] *= scale[n];
        }
        tw_anderson_step(&ge->aa, ge->kern, z, F);
    }
    return TW_NOCONV;
}

tw_status
tw_ge_equilibrium(tw_ge *ge, double *z)
{
    tw_status rc = sweeps(ge, z, ge->opt->max_iter);
    if (rc == TW_NOCONV) {
        find_worst(ge, ge->F);
    }
    return rc;
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
