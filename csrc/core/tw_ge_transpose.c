/* tw_ge_transpose.c - products with the transpose of dF/dz: the lines of tw_ge_eval from the
 * last to the first.  x_bar is the derivative of v.F + objective with respect to ln x unless
 * it is said to be with respect to the level. */
#include "tw_ge_linear.h"

#include <math.h>
#include <string.h>

static double
seed_at(const double *seed, size_t k)
{
    return seed != NULL ? seed[k] : 0.0;
}

/* F_X and F_S: I_bar (level) in a, Pc_bar in d, Y_bar (level) in dY, c~_bar in dct, what M
 * adds to it in t2; P_bar begun in dP. */
static void
adjoint_demand(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *vP = v + ge->at_P, *vX = v + ge->at_X;
    const double *vS = b->has_scale ? v + ge->at_S : NULL;
    double eta = b->closure.va_substitution, nu = b->closure.input_substitution;
    double away = 1.0 - b->closure.final_substitution;
    for (size_t n = 0; n < b->N8; n++) {
        lin->a[n] =
            n < b->N && ge->I[n] != 0.0 ? seed_at(seed->income, n) / ge->I[n] : 0.0;
        lin->d[n] = seed_at(seed->price, n);
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            double x_bar = vX[r] * lin->inv_X_new[r], final = x_bar * ge->alpha[r];
            lin->a[n] += final;
            lin->d[n] -= away * final * ge->I[n];
            dP[r] =
                away * final * ge->I[n] - vP[r] + (1.0 - nu) * lin->demand[r] * x_bar;
            lin->t1[r] = b->has_inputs ? ge->input[r] * x_bar : 0.0;
            lin->dct[r] = -seed_at(vS, r);
            lin->dY[r] = (seed_at(vS, r) + seed_at(seed->output, r)) * lin->inv_Y[r];
            lin->t2[r] = 0.0;
        }
    }
    if (!b->has_inputs) {
        return;
    }
    tw_ge_by_user(ge, lin->t1, lin->t3);
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double keep = 1.0 - b->rho[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            double use = keep * ge->user[r] * lin->t3[r], total = use * ge->Y[r];
            lin->dY[r] += use;
            lin->dct[r] -= (1.0 - eta) * total;
            lin->t2[r] = (nu - eta) * total * lin->inv_inputs[r];
        }
    }
}

/* F_w and incomes: R_bar in a, XR_bar in b (levels), Pc_bar in d, Y_bar, c~_bar, w_bar. */
static void
adjoint_income(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dw)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    double own = 1.0 - b->closure.va_substitution, kappa = b->closure.labour_supply;
    int income = b->closure.deficits == TW_GE_INCOME;
    double money = 0.0, lean = 0.0;
    for (size_t n = 0; n < b->N; n++) {
        money += v[n];
        lean += income ? lin->a[n] * ge->I[n] / ge->carry[n] / lin->weight : 0.0;
    }
    memset(lin->b, 0, b->N8 * sizeof(double));
    memset(lin->c, 0, b->N8 * sizeof(double));
    for (size_t n = 0; n < b->N; n++) {
        double base = income ? (lin->a[n] - lean * (1.0 - ge->carry[n])) / ge->carry[n]
                             : lin->a[n];
        double wL = base * ge->wLV[n] - lin->omega[n] * money - v[n];
        double L = wL + seed_at(seed->labour, n);
        double s = lin->relief[n] * L;
        dw[n] = wL + seed_at(seed->wage, n) + kappa * L;
        lin->d[n] -= kappa * L;
        lin->a[n] = base + seed_at(seed->revenue, n) + s * lin->inv_B[n];
        lin->b[n] = base;
        lin->c[n] = (v[n] - (s != 0.0 ? s * ge->tau[n] : 0.0)) * lin->inv_B[n];
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double rho = b->rho[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            double labour = lin->c[n] * ge->gamma[r] * (1.0 - rho);
            double shift = own * labour * ge->Y[r];
            lin->dY[r] += labour + rho * lin->b[n];
            lin->dct[r] -= shift;
            dw[n] += shift;
        }
    }
}

/* Binding limits: what they add to the logs of their flows. */
static void
adjoint_limits(tw_ge_linear *lin, const double *vm, double *dm)
{
    const tw_ge_limit_set *lim = &lin->ge->lim;
    for (size_t f = 0; f < lim->nflow; f++) {
        lin->z_bar[f] = lin->h_bar[f] = lin->v_bar[f] = 0.0;
    }
    for (size_t s = 0; s < lim->n; s++) {
        int by_value = lim->kind[s] == TW_GE_FLOOR_VALUE;
        double sign = tw_ge_is_floor(lim->kind[s]) ? 1.0 : -1.0;
        dm[s] = lim->piece[s] != 1 ? vm[s] : 0.0;
        for (ptrdiff_t k = lim->member_ptr[s];
             lim->piece[s] == 1 && k < lim->member_ptr[s + 1]; k++) {
            size_t f = lim->place[k - lim->member_ptr[0]];
            double bar = sign * vm[s] / lim->total[s];
            if (by_value) {
                lin->z_bar[f] += bar * lim->value[f];
            }
            else {
                lin->h_bar[f] += bar * lim->volume[f];
                lin->v_bar[f] += bar * lim->volume[f];
            }
        }
    }
}

/* q_bar in t1, then X_bar in dX and Phi_bar in dq. */
static void
adjoint_import_side(tw_ge_linear *lin, const double *v, double *dX)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    const double *vP = v + ge->at_P, *vX = v + ge->at_X;
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            double own = ge->has_x ? lin->dY[r] - lin->b[n] : lin->dY[r];
            lin->t1[r] = ge->u[r] * own;
            lin->t3[r] = ge->u[r] * lin->b[n];
        }
    }
    tw_ge_rows(ge, ge->has_x ? TW_GE_KX : TW_GE_KT, lin->t1, lin->dq);
    if (ge->has_x) {
        tw_ge_rows(ge, TW_GE_KT, lin->t3, lin->t1);
    }
    else {
        memset(lin->t1, 0, b->NJ8 * sizeof(double));
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            lin->t1[r] = ge->q[r] * (lin->dq[r] + lin->t1[r] - lin->a[n] * ge->M[r]);
        }
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        lin->t1[lim->row[f]] += lin->z_bar[f] + lin->h_bar[f];
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double inv_theta = 1.0 / b->theta[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            dX[r] = lin->t1[r] + lin->a[n] * ge->X[r] - vX[r];
            lin->dq[r] = -lin->t1[r] - vP[r] * inv_theta;
        }
    }
}

/* c_bar, added to c~_bar; S_bar. */
static void
adjoint_export_side(tw_ge_linear *lin, const double *v, double *dS)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            lin->t1[r] = lin->dq[r] * ge->q[r] * lin->inv_X[r];
            lin->t3[r] = ge->q[r] * lin->a[n];
        }
    }
    tw_ge_cols(ge, TW_GE_K, lin->t1, lin->du);
    tw_ge_cols(ge, TW_GE_KT, lin->t3, lin->t1);
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            double own = lin->dY[r] * ge->Y[r];
            if (ge->has_x) {
                own += lin->b[n] * (ge->YT[r] - ge->Y[r]);
            }
            lin->du[r] = ge->u[r] * (lin->du[r] - lin->t1[r]) + own;
        }
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        double theta = b->theta[lim->col[f] / b->N8];
        lin->du[lim->col[f]] += lin->z_bar[f] + lin->h_bar[f] + lin->v_bar[f] / theta;
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double theta = b->theta[j], psi = b->psi[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            double c_bar = -theta * lin->du[r];
            lin->dct[r] += c_bar;
            if (dS != NULL) {
                dS[r] = psi != 0.0 ? -v[ge->at_S + r] - psi * c_bar : 0.0;
            }
        }
    }
}

/* c~ and Pc: the rest of w_bar and P_bar. */
static void
adjoint_cost(tw_ge_linear *lin, double *dw, double *dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            dw[n] += ge->gamma[r] * lin->dct[r];
            dP[r] += ge->alpha[r] * lin->d[n];
        }
    }
    if (b->has_inputs) {
        for (size_t r = 0; r < b->NJ8; r++) {
            lin->t1[r] = ge->user[r] * (lin->dct[r] + lin->t2[r]);
        }
        tw_ge_by_input(ge, lin->t1, lin->t3);
        for (size_t r = 0; r < b->NJ8; r++) {
            dP[r] += ge->input[r] * lin->t3[r];
        }
    }
    for (size_t n = 0; n < b->N8; n++) {
        dw[n] = b->dead_V[n] != 0.0 ? 0.0 : dw[n];
    }
}

tw_ge_flow_bar
tw_ge_special_bar(const tw_ge_linear *lin, size_t f)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_limit_set *lim = &ge->lim;
    size_t N8 = ge->base->N8, r = lim->row[f], c = lim->col[f], n = r % N8, i = c % N8;
    double theta = ge->base->theta[r / N8];
    double e = ge->K[lim->cell[f]] * ge->u[c] * ge->q[r] * lin->inv_X[r];
    double z = (lin->b[i] - lin->a[n]) * lin->z[f] + lin->z_bar[f];
    double h = (lin->dY[c] - lin->b[i]) * lin->h[f] + lin->h_bar[f];
    double k = -theta * (lin->dq[r] * e + z + h);
    return (tw_ge_flow_bar){.tariff = k - z - h,
                            .export_tax = k - h,
                            .cost = k,
                            .waste = k - lin->v_bar[f]};
}

/* The wedges of limits. */
static void
adjoint_wedges(tw_ge_linear *lin, double *dm)
{
    const tw_ge_limit_set *lim = &lin->ge->lim;
    for (size_t s = 0; s < lim->n; s++) {
        double sum = 0.0;
        for (ptrdiff_t k = lim->member_ptr[s]; k < lim->member_ptr[s + 1]; k++) {
            tw_ge_flow_bar bar =
                tw_ge_special_bar(lin, lim->place[k - lim->member_ptr[0]]);
            sum += lim->holder[s] == TW_GE_TO_IMPORTER   ? bar.tariff
                   : lim->holder[s] == TW_GE_TO_EXPORTER ? bar.export_tax
                                                         : bar.waste;
        }
        dm[s] += tw_ge_is_floor(lim->kind[s]) ? -sum : sum;
    }
}

void
tw_ge_adjoint(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dz)
{
    const tw_ge *ge = lin->ge;
    memset(dz, 0, ge->n8 * sizeof *dz);
    adjoint_demand(lin, v, seed, dz + ge->at_P);
    adjoint_income(lin, v, seed, dz);
    adjoint_limits(lin, v + ge->at_m, dz + ge->at_m);
    adjoint_import_side(lin, v, dz + ge->at_X);
    adjoint_export_side(lin, v, ge->base->has_scale ? dz + ge->at_S : NULL);
    adjoint_cost(lin, dz, dz + ge->at_P);
    adjoint_wedges(lin, dz + ge->at_m);
}

void
tw_ge_vjp(tw_ge_linear *lin, const double *v, double *dz)
{
    const tw_ge_seed none = {0};
    tw_ge_adjoint(lin, v, &none, dz);
}
