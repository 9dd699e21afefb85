/* tw_ge_tangent.c - products with dF/dz: the lines of tw_ge_eval, differentiated one by one.
 * Built once per code path.  With E = K u q, Z' = KT u q and H = KX u q of a flow,
 *     d ln Phi = sum_i (E / X') (d ln u + d ln K),   d ln q = d ln X' - d ln Phi,
 *     dY' = sum_n H (...),   dR' = sum_j (X' d ln X' - sum_i Z' (...)),   and so on.
 */
#include "tw_ge_linear.h"
#include "tw_level.h"

#include <string.h>

/* Changes of the log wedges of special flows: tariff in z_bar, export tax in h_bar, waste in
 * v_bar. */
static void
tangent_wedges(tw_ge_linear *lin, const double *dm)
{
    const tw_ge_limit_set *lim = &lin->ge->lim;
    for (size_t f = 0; f < lim->nflow; f++) {
        lin->z_bar[f] = lin->h_bar[f] = lin->v_bar[f] = 0.0;
    }
    for (size_t s = 0; s < lim->n; s++) {
        double step = tw_ge_is_floor(lim->kind[s]) ? -dm[s] : dm[s];
        double *wedge = lim->holder[s] == TW_GE_TO_IMPORTER   ? lin->z_bar
                        : lim->holder[s] == TW_GE_TO_EXPORTER ? lin->h_bar
                                                              : lin->v_bar;
        for (ptrdiff_t k = lim->member_ptr[s]; k < lim->member_ptr[s + 1]; k++) {
            wedge[lim->place[k - lim->member_ptr[0]]] += step;
        }
    }
}

/* d ln c~ in dct, inputs d ln M in t2, d ln u in du. */
static void
tangent_cost(tw_ge_linear *lin, const double *dz)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *dP = dz + ge->at_P, *dS = b->has_scale ? dz + ge->at_S : NULL;
    if (b->has_inputs) {
        for (size_t r = 0; r < b->NJ8; r++) {
            lin->t1[r] = ge->input[r] * dP[r];
        }
        tw_ge_by_user(ge, lin->t1, lin->t2);
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double psi = b->psi[j], theta = b->theta[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            lin->t2[r] = b->has_inputs ? lin->t2[r] * ge->user[r] : 0.0;
            lin->dct[r] = ge->gamma[r] * dz[n] + lin->t2[r];
            lin->du[r] = -theta * (lin->dct[r] - (dS != NULL ? psi * dS[r] : 0.0));
        }
    }
}

/* d ln Phi in t3, d ln q in dq, dR' in a. */
static void
tangent_import_side(tw_ge_linear *lin, const double *dX)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    for (size_t r = 0; r < b->NJ8; r++) {
        lin->t1[r] = ge->u[r] * lin->du[r];
    }
    tw_ge_rows(ge, TW_GE_K, lin->t1, lin->t3);
    tw_ge_rows(ge, TW_GE_KT, lin->t1, lin->dY);
    for (size_t f = 0; f < lim->nflow; f++) {
        size_t r = lim->row[f], c = lim->col[f];
        double dk =
            -b->theta[r / b->N8] * (lin->z_bar[f] + lin->h_bar[f] + lin->v_bar[f]);
        lin->t3[r] += ge->K[lim->cell[f]] * ge->u[c] * dk;
        lin->dY[r] += ge->KT[lim->cell[f]] * ge->u[c] * (dk - lin->z_bar[f]);
    }
    memset(lin->a, 0, b->N8 * sizeof(double));
    for (size_t j = 0, r = 0; j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            double q = ge->q[r];
            lin->t3[r] *= q * lin->inv_X[r];
            lin->dq[r] = dX[r] - lin->t3[r];
            lin->a[n] += ge->X[r] * dX[r] - q * (ge->M[r] * lin->dq[r] + lin->dY[r]);
        }
    }
}

/* dY' in dY and dXR' in b. */
static void
tangent_export_side(tw_ge_linear *lin)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const tw_ge_limit_set *lim = &ge->lim;
    const double *kx = ge->has_x ? ge->KX : ge->KT;
    for (size_t r = 0; r < b->NJ8; r++) {
        lin->t1[r] = ge->q[r] * lin->dq[r];
    }
    tw_ge_cols(ge, ge->has_x ? TW_GE_KX : TW_GE_KT, lin->t1, lin->dY);
    if (ge->has_x) {
        tw_ge_cols(ge, TW_GE_KT, lin->t1, lin->dYT);
    }
    for (size_t f = 0; f < lim->nflow; f++) {
        size_t r = lim->row[f], c = lim->col[f], cell = lim->cell[f];
        double dk =
            -b->theta[r / b->N8] * (lin->z_bar[f] + lin->h_bar[f] + lin->v_bar[f]);
        dk -= lin->z_bar[f];
        lin->dY[c] += kx[cell] * ge->q[r] * (dk - lin->h_bar[f]);
        if (ge->has_x) {
            lin->dYT[c] += ge->KT[cell] * ge->q[r] * dk;
        }
    }
    for (size_t r = 0; r < b->NJ8; r++) {
        lin->dY[r] = ge->Y[r] * lin->du[r] + ge->u[r] * lin->dY[r];
    }
    memset(lin->b, 0, b->N8 * sizeof(double));
    for (size_t j = 0, r = 0; ge->has_x && j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            lin->dYT[r] = ge->YT[r] * lin->du[r] + ge->u[r] * lin->dYT[r];
            lin->b[n] += lin->dYT[r] - lin->dY[r];
        }
    }
}

/* dB in c, sum rho dY' in d and d ln Pc in e; then F_w, and dI' in a. */
static void
tangent_income(tw_ge_linear *lin, const double *dz, double *dF)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *dP = dz + ge->at_P;
    double own = 1.0 - b->closure.va_substitution, kappa = b->closure.labour_supply;
    memset(lin->c, 0, b->N8 * sizeof(double));
    memset(lin->d, 0, b->N8 * sizeof(double));
    memset(lin->e, 0, b->N8 * sizeof(double));
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double rho = b->rho[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            lin->c[n] += ge->gamma[r] * (1.0 - rho) *
                         (lin->dY[r] + own * ge->Y[r] * (dz[n] - lin->dct[r]));
            lin->d[n] += rho * lin->dY[r];
            lin->e[n] += ge->alpha[r] * dP[r];
        }
    }
    double money = 0.0, base = 0.0, lean = 0.0;
    for (size_t n = 0; n < b->N; n++) {
        double dB = lin->c[n] * lin->inv_B[n];
        double ds =
            lin->relief[n] == 0.0 /* tau need not be finite there */
                ? 0.0
                : lin->relief[n] * (lin->a[n] * lin->inv_B[n] - ge->tau[n] * dB);
        double dwL = dz[n] + kappa * (dz[n] - lin->e[n]) + ds;
        money += lin->omega[n] * dwL;
        dF[n] = b->dead_V[n] != 0.0 ? 0.0 : dB - dwL;
        lin->a[n] += ge->wLV[n] * dwL + lin->d[n] + lin->b[n];
    }
    for (size_t n = 0; b->closure.deficits == TW_GE_INCOME && n < b->N; n++) {
        base += lin->a[n] * (1.0 / ge->carry[n] - 1.0);
    }
    for (size_t n = 0; n < b->N; n++) {
        dF[n] -= b->dead_V[n] != 0.0 ? 0.0 : money;
        if (b->closure.deficits == TW_GE_INCOME) {
            lean = base / lin->weight;
            lin->a[n] = (lin->a[n] - ge->I[n] * lean) / ge->carry[n];
        }
    }
}

/* F_P, F_X and F_S. */
static void
tangent_markets(tw_ge_linear *lin, const double *dz, double *dF)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_base *b = ge->base;
    const double *dP = dz + ge->at_P, *dX = dz + ge->at_X;
    double eta = b->closure.va_substitution, nu = b->closure.input_substitution;
    double chi = b->closure.final_substitution;
    for (size_t j = 0, r = 0; b->has_inputs && j < b->J; j++) {
        double keep = 1.0 - b->rho[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            double dM = lin->t2[r] * lin->inv_inputs[r];
            double dg = (nu - eta) * dM - (1.0 - eta) * lin->dct[r];
            lin->t1[r] = ge->user[r] * keep * (lin->dY[r] + ge->Y[r] * dg);
        }
    }
    if (b->has_inputs) {
        tw_ge_by_input(ge, lin->t1, lin->t2);
    }
    for (size_t j = 0, r = 0; j < b->J; j++) {
        double inv_theta = 1.0 / b->theta[j];
        for (size_t n = 0; n < b->N8; n++, r++) {
            double use = b->has_inputs ? ge->input[r] * lin->t2[r] +
                                             (1.0 - nu) * dP[r] * lin->demand[r]
                                       : 0.0;
            double final = ge->alpha[r] *
                           (lin->a[n] + ge->I[n] * (1.0 - chi) * (dP[r] - lin->e[n]));
            dF[ge->at_P + r] = -lin->t3[r] * inv_theta - dP[r];
            dF[ge->at_X + r] = (use + final) * lin->inv_X_new[r] - dX[r];
        }
    }
    for (size_t j = 0, r = 0; b->has_scale && j < b->J; j++) {
        for (size_t n = 0; n < b->N8; n++, r++) {
            int off = b->dead_Y[r] != 0.0 || b->psi[j] == 0.0;
            dF[ge->at_S + r] =
                off ? 0.0 : lin->dY[r] * lin->inv_Y[r] - lin->dct[r] - dz[ge->at_S + r];
        }
    }
}

static void
tangent_limits(tw_ge_linear *lin, const double *dm, double *dF)
{
    const tw_ge *ge = lin->ge;
    const tw_ge_limit_set *lim = &ge->lim;
    for (size_t s = 0; s < lim->n; s++) {
        double sum = 0.0;
        int by_value = lim->kind[s] == TW_GE_FLOOR_VALUE;
        for (ptrdiff_t k = lim->member_ptr[s]; k < lim->member_ptr[s + 1]; k++) {
            size_t f = lim->place[k - lim->member_ptr[0]];
            size_t r = lim->row[f], c = lim->col[f];
            double theta = ge->base->theta[r / ge->base->N8];
            double dk = -theta * (lin->z_bar[f] + lin->h_bar[f] + lin->v_bar[f]);
            double dln = dk - lin->z_bar[f] + lin->du[c] + lin->dq[r];
            if (!by_value) {
                dln += lin->du[c] / theta - lin->h_bar[f] - lin->v_bar[f];
            }
            sum += (by_value ? lim->value[f] : lim->volume[f]) * dln;
        }
        sum /= lim->total[s];
        dF[s] = lim->piece[s] != 1 ? dm[s] : tw_ge_is_floor(lim->kind[s]) ? sum : -sum;
    }
}

void
TW_LEVEL_NAME(tw_ge_tangent)(tw_ge_linear *lin, const double *dz, double *dF)
{
    const tw_ge *ge = lin->ge;
    memset(dF, 0, ge->n8 * sizeof *dF);
    tangent_wedges(lin, dz + ge->at_m);
    tangent_cost(lin, dz);
    tangent_import_side(lin, dz + ge->at_X);
    tangent_export_side(lin);
    tangent_income(lin, dz, dF);
    tangent_markets(lin, dz, dF);
    tangent_limits(lin, dz + ge->at_m, dF + ge->at_m);
}
