/* tw_ge_transpose.c - products with the transpose of dF/dz: the lines of tw_ge_eval from the
 * last to the first.  x_bar is the derivative of v.F + objective with respect to ln x unless
 * it is said to be with respect to the level.  Built once per code path. */
#include "tw_ge_linear.h"
#include "tw_level.h"

#include <string.h>

static void
add(size_t n, const double *restrict x, double *restrict sum)
{
    for (size_t k = 0; x != NULL && k < n; k++) {
        sum[k] += x[k];
    }
}

/* F_X: I_bar (level) in a, Pc_bar in d, P_bar begun in dP; what falls on inputs in t1. */
static void
adjoint_final(tw_ge_linear *lin, const double *restrict vP, const double *restrict vX,
              double *restrict dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *inv_X = lin->inv_X_new, *alpha = ge->alpha;
    const double *input = ge->input, *demand = lin->demand;
    const double *I = ge->I;
    double *I_bar = lin->a, *Pc_bar = lin->d, *t1 = lin->t1;
    double away = 1.0 - b->closure.final_substitution;
    double apart = 1.0 - b->closure.input_substitution;
    for (size_t j = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            double x_bar = vX[r] * inv_X[r], final = x_bar * alpha[r];
            double shift = away * final * I[n];
            I_bar[n] += final;
            Pc_bar[n] -= shift;
            dP[r] = shift - vP[r] + apart * demand[r] * x_bar;
            t1[r] = input[r] * x_bar;
        }
    }
}

/* Inputs: Y_bar (level) in dY, c~_bar in dct, what M adds to it in t2. */
static void
adjoint_inputs(tw_ge_linear *lin)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *t3 = lin->t3, *user = ge->user;
    const double *Y = ge->Y, *inv_inputs = lin->inv_inputs;
    double *Y_bar = lin->dY, *ct_bar = lin->dct;
    double *t2 = lin->t2;
    double eta = b->closure.va_substitution, nu = b->closure.input_substitution;
    tw_ge_by_user(ge, lin->t1, lin->t3);
    for (size_t j = 0; j < b->J; j++) {
        double keep = 1.0 - b->rho[j];
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            double use = keep * user[r] * t3[r], total = use * Y[r];
            Y_bar[r] += use;
            ct_bar[r] -= (1.0 - eta) * total;
            t2[r] = (nu - eta) * total * inv_inputs[r];
        }
    }
}

/* F_X and F_S. */
static void
adjoint_demand(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    memset(lin->a, 0, b->N8 * sizeof(double));
    memset(lin->d, 0, b->N8 * sizeof(double));
    for (size_t n = 0; seed->income != NULL && n < b->N; n++) {
        lin->a[n] = ge->I[n] != 0.0 ? seed->income[n] / ge->I[n] : 0.0;
    }
    add(b->N, seed->price, lin->d);
    adjoint_final(lin, v + ge->at_P, v + ge->at_X, dP);
    memset(lin->dY, 0, b->NJ8 * sizeof(double));
    memset(lin->dct, 0, b->NJ8 * sizeof(double));
    add(b->NJ8, seed->output, lin->dY);
    if (b->has_scale) {
        const double *vS = v + ge->at_S;
        add(b->NJ8, vS, lin->dY);
        for (size_t r = 0; r < b->NJ8; r++) {
            lin->dct[r] = -vS[r];
        }
    }
    for (size_t r = 0; r < b->NJ8; r++) {
        lin->dY[r] *= lin->inv_Y[r];
    }
    if (b->has_inputs) {
        adjoint_inputs(lin);
    }
    else {
        memset(lin->t2, 0, b->NJ8 * sizeof(double));
    }
}

/* B and rents: Y_bar, c~_bar, w_bar. */
static void
adjoint_revenue(tw_ge_linear *lin, double *restrict dw)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *base_bar = lin->b, *B_bar = lin->c;
    const double *gamma = ge->gamma, *Y = ge->Y;
    double *Y_bar = lin->dY, *ct_bar = lin->dct;
    double own = 1.0 - b->closure.va_substitution;
    for (size_t j = 0; j < b->J; j++) {
        double rho = b->rho[j], keep = 1.0 - b->rho[j];
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            double labour = B_bar[n] * gamma[r] * keep, shift = own * labour * Y[r];
            Y_bar[r] += labour + rho * base_bar[n];
            ct_bar[r] -= shift;
            dw[n] += shift;
        }
    }
}

/* F_w and incomes: R_bar in a, XR_bar in b, B_bar in c (levels), Pc_bar in d. */
static void
adjoint_income(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed, double *dw)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    double kappa = b->closure.labour_supply, money = 0.0, lean = 0.0;
    int income = b->closure.deficits == TW_GE_INCOME;
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
        double L = wL + (seed->labour != NULL ? seed->labour[n] : 0.0);
        double s = lin->relief[n] * L;
        dw[n] = wL + kappa * L;
        lin->d[n] -= kappa * L;
        lin->a[n] = base + s * lin->inv_B[n];
        lin->b[n] = base;
        lin->c[n] = (v[n] - (s != 0.0 ? s * ge->tau[n] : 0.0)) * lin->inv_B[n];
    }
    add(b->N, seed->wage, dw);
    add(b->N, seed->revenue, lin->a);
    adjoint_revenue(lin, dw);
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
adjoint_import_side(tw_ge_linear *lin, const double *restrict vP,
                    const double *restrict vX, double *restrict dX)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    const double *u = ge->u, *q = ge->q, *M = ge->M;
    const double *X = ge->X, *Y_bar = lin->dY;
    const double *R_bar = lin->a, *XR_bar = lin->b;
    double *t1 = lin->t1, *t2 = lin->dYT, *t3 = lin->t3;
    double *phi_bar = lin->dq;
    double both = ge->has_x ? 1.0 : 0.0; /* KT = KX: what XR adds cancels */
    for (size_t j = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            t1[r] = u[r] * (Y_bar[r] - both * XR_bar[n]);
            t3[r] = u[r] * XR_bar[n];
        }
    }
    tw_ge_rows(ge, TW_GE_KX, lin->t1, lin->dq);
    if (ge->has_x) {
        tw_ge_rows(ge, TW_GE_KT, lin->t3, lin->dYT);
        add(b->NJ8, lin->dYT, lin->dq);
    }
    for (size_t j = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            t2[r] = q[r] * (phi_bar[r] - R_bar[n] * M[r]);
        }
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        t2[lim->row[f]] += lin->z_bar[f] + lin->h_bar[f];
    }
    for (size_t j = 0; j < b->J; j++) {
        double inv_theta = 1.0 / b->theta[j];
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            dX[r] = t2[r] + R_bar[n] * X[r] - vX[r];
            phi_bar[r] = -t2[r] - vP[r] * inv_theta;
        }
    }
}

/* out[i] = sum_n (K[n, i] x[n] - KT[n, i] y[n]): two products, one sum across lanes. */
static void
cols_apart(const tw_ge *ge, const double *restrict x, const double *restrict y,
           double *restrict out)
{
    enum { LANES = 8 };
    size_t J = ge->base->J, N = ge->base->N, N8 = ge->base->N8;
    for (size_t j = 0; j < J; j++) {
        const double *xj = x + j * N8, *yj = y + j * N8;
        for (size_t i = 0; i < N; i++) {
            const double *K = ge->K + (j * N + i) * N8, *KT = ge->KT + (j * N + i) * N8;
            double acc[LANES] = {0};
            for (size_t n = 0; n < N8; n += LANES) {
                for (size_t k = 0; k < LANES; k++) {
                    acc[k] += K[n + k] * xj[n + k] - KT[n + k] * yj[n + k];
                }
            }
            out[j * N8 + i] = ((acc[0] + acc[4]) + (acc[2] + acc[6])) +
                              ((acc[1] + acc[5]) + (acc[3] + acc[7]));
        }
        for (size_t i = N; i < N8; i++) {
            out[j * N8 + i] = 0.0;
        }
    }
}

/* u_bar in du. */
static void
adjoint_export_side(tw_ge_linear *lin)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    const double *q = ge->q, *inv_X = lin->inv_X;
    const double *u = ge->u, *Y = ge->Y, *YT = ge->YT;
    const double *phi_bar = lin->dq, *Y_bar = lin->dY;
    const double *R_bar = lin->a, *XR_bar = lin->b;
    double *t1 = lin->t1, *t3 = lin->t3, *u_bar = lin->du;
    for (size_t j = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            t1[r] = phi_bar[r] * q[r] * inv_X[r];
            t3[r] = q[r] * R_bar[n];
        }
    }
    cols_apart(ge, lin->t1, lin->t3, lin->du);
    for (size_t j = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            double own = Y_bar[r] * Y[r] + XR_bar[n] * (YT[r] - Y[r]);
            u_bar[r] = u[r] * u_bar[r] + own;
        }
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        double theta = b->theta[lim->col[f] / b->N8];
        u_bar[lim->col[f]] += lin->z_bar[f] + lin->h_bar[f] + lin->v_bar[f] / theta;
    }
}

/* u = c^-theta, c = c~ S^-psi: c~_bar in dct, S_bar in dS. */
static void
adjoint_scale(tw_ge_linear *lin, const double *restrict vS, double *restrict dS)
{
    const tw_ge_base *b = lin->ge->base;
    const double *u_bar = lin->du;
    double *ct_bar = lin->dct;
    for (size_t j = 0; j < b->J; j++) {
        double theta = b->theta[j], pass = b->psi[j] * b->theta[j];
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            ct_bar[r] -= theta * u_bar[r];
        }
        for (size_t n = 0; b->has_scale && pass != 0.0 && n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            dS[r] = pass * u_bar[r] - vS[r];
        }
    }
}

/* c~ and Pc: the rest of w_bar and P_bar. */
static void
adjoint_cost(tw_ge_linear *lin, double *restrict dw, double *restrict dP)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *gamma = ge->gamma, *alpha = ge->alpha;
    const double *ct_bar = lin->dct, *Pc_bar = lin->d;
    const double *t2 = lin->t2, *user = ge->user;
    const double *input = ge->input;
    double *t1 = lin->t1, *t3 = lin->t3;
    for (size_t j = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++) {
            size_t r = j * b->N8 + n;
            dw[n] += gamma[r] * ct_bar[r];
            dP[r] += alpha[r] * Pc_bar[n];
            t1[r] = user[r] * (ct_bar[r] + t2[r]);
        }
    }
    if (b->has_inputs) {
        tw_ge_by_input(ge, lin->t1, lin->t3);
        for (size_t r = 0; r < b->NJ8; r++) {
            dP[r] += input[r] * t3[r];
        }
    }
    for (size_t n = 0; n < b->N8; n++) {
        dw[n] = b->dead_V[n] != 0.0 ? 0.0 : dw[n];
    }
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
TW_LEVEL_NAME(tw_ge_transpose)(tw_ge_linear *lin, const double *v,
                               const tw_ge_seed *seed, double *dz)
{
    const tw_ge *ge = lin->ge;
    memset(dz, 0, ge->n8 * sizeof *dz);
    adjoint_demand(lin, v, seed, dz + ge->at_P);
    adjoint_income(lin, v, seed, dz);
    adjoint_limits(lin, v + ge->at_m, dz + ge->at_m);
    adjoint_import_side(lin, v + ge->at_P, v + ge->at_X, dz + ge->at_X);
    adjoint_export_side(lin);
    adjoint_scale(lin, v + ge->at_S, dz + ge->at_S);
    adjoint_cost(lin, dz, dz + ge->at_P);
    adjoint_wedges(lin, dz + ge->at_m);
}

/* Exporter i's flows of sector j by importer, u left to the end; zeros where none is. */
void
TW_LEVEL_NAME(tw_ge_flow_bars)(const tw_ge_linear *lin, size_t i, size_t j,
                               double *restrict tariff, double *restrict export_tax,
                               double *restrict cost)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    size_t N8 = b->N8, cell = tw_ge_cell(b, 0, i, j), at = j * N8;
    const double *K = ge->K + cell, *KT = ge->KT + cell;
    const double *KX = ge->has_x ? ge->KX + cell : KT;
    const double *q = ge->q + at, *inv_X = lin->inv_X + at, *phi_bar = lin->dq + at;
    const double *R_bar = lin->a;
    double theta = b->theta[j], XR_bar = lin->b[i], own = lin->dY[at + i] - lin->b[i];
    double u = ge->u[at + i];
    for (size_t n = 0; n < N8; n++) {
        double uq = u * q[n];
        double z = (XR_bar - R_bar[n]) * (KT[n] * uq), h = own * (KX[n] * uq);
        double k = -theta * (phi_bar[n] * (K[n] * uq * inv_X[n]) + z + h);
        tariff[n] = k - z - h;
        export_tax[n] = k - h;
        cost[n] = k;
    }
}
