/* tw_kernels.c - the loops where the time goes.  The same text is built once for the
 * baseline and once per vector level (TW_LEVEL names the build); all builds give equal bits.
 *
 * Sweep of one market at producer prices p = exp(y):
 *     import side: S_n = sum_i a_ni p_i^(1-sigma_n),  ln P_n = ln(S_n / E_n) / (1-sigma_n),
 *                  gain_n = P_n^(sigma_n - eps_n)
 *     export side: demand_i = sum_n c_ni p_i^-sigma_n gain_n / R_i
 * With one sigma in the market ("common") p^(1-sigma) is a vector over exporters and the
 * two sides are products with the matrices a and c; with sigma by destination one
 * exponential a flow is left, kept in e.
 */
#include "tw_kernels.h"
#include "tw_level.h"
#include "tw_lanes.h"

/* A row is packed dense when it serves at least this part of the destinations. */
enum { DENSE_COMMON = 4, DENSE_BY_DESTINATION = 2 };

/* ---- pack a market -------------------------------------------------------------------- */

static size_t
row_size(const tw_market *mk, size_t i)
{
    return (size_t)(mk->row[i + 1] - mk->row[i]);
}

static size_t
padded_size(const tw_market *mk, size_t i)
{
    return (row_size(mk, i) + QUAD - 1) / QUAD * QUAD;
}

/* Dense rows first, then sparse ones by falling size: neighbours of equal length keep the
 * branches of the inner loops predictable. */
static void
choose_rows(tw_market *mk, int common)
{
    size_t share = common ? DENSE_COMMON : DENSE_BY_DESTINATION;
    size_t top = mk->nn8 / QUAD + 1, *bucket = mk->bucket;
    memset(bucket, 0, (top + 1) * sizeof *bucket);
    mk->ndense = 0;
    for (size_t i = 0; i < mk->ni; i++) {
        if (row_size(mk, i) * share >= mk->nn8) {
            mk->list[mk->ndense++] = i;
        }
        else {
            bucket[top - padded_size(mk, i) / QUAD + 1]++;
        }
    }
    for (size_t k = 1; k <= top; k++) {
        bucket[k] += bucket[k - 1];
    }
    for (size_t i = 0; i < mk->ni; i++) {
        if (row_size(mk, i) * share < mk->nn8) {
            mk->list[mk->ndense + bucket[top - padded_size(mk, i) / QUAD]++] = i;
        }
    }
    mk->sparse_off = mk->ndense * mk->nn8;
    size_t at = 0;
    for (size_t k = 0; k < mk->ni; k++) {
        mk->off[k] = at;
        at += k < mk->ndense ? mk->nn8 : padded_size(mk, mk->list[k]);
    }
    mk->end = at;
}

/* Spending and sales at the base, and the flows whose wedge changed with their K. */
static void
base_values(tw_market *mk)
{
    mk->nchanged = 0;
    for (size_t n = 0; n < mk->nn8; n++) {
        mk->spend[n] = n < mk->nn ? 0.0 : 1.0;
    }
    for (size_t i = 0; i < mk->ni; i++) {
        size_t f0 = (size_t)mk->row[i] - mk->first,
               f1 = (size_t)mk->row[i + 1] - mk->first;
        double sales = 0.0;
        for (size_t f = f0; f < f1; f++) {
            double before = 1.0 + mk->t0[f];
            double producer = mk->value[f];
            int same = mk->t1[f] == mk->t0[f];
            if (mk->x0 != NULL) {
                producer /= 1.0 + mk->x0[f];
                same &= mk->x1[f] == mk->x0[f];
            }
            if (mk->cost != NULL) {
                same &= mk->cost[f] == 1.0;
            }
            if (mk->weight != NULL) {
                same &= mk->weight[f] == 1.0;
            }
            mk->spend[mk->col[f]] += mk->value[f] * before;
            sales += producer;
            mk->q[f] = 1.0;
            if (!same) {
                double k = (1.0 + mk->t1[f]) / before;
                if (mk->x0 != NULL) {
                    k *= (1.0 + mk->x1[f]) / (1.0 + mk->x0[f]);
                }
                if (mk->cost != NULL) {
                    k *= mk->cost[f];
                }
                mk->changed[mk->nchanged] = f;
                mk->change[mk->nchanged++] = k;
            }
        }
        mk->sales[i] = sales;
        mk->inv_sales[i] = sales > 0.0 ? 1.0 / sales : 0.0;
    }
    for (size_t n = 0; n < mk->nn8; n++) {
        mk->inv_spend[n] = 1.0 / mk->spend[n];
    }
}

/* q[f] = w K^-sigma of each changed flow (1 elsewhere); change[] keeps K. */
static void
changed_factors(tw_market *mk)
{
    double *lnk = mk->e; /* packed scratch, free until the first sweep */
    vlog(mk->nchanged, mk->change, lnk);
    for (size_t j = 0; j < mk->nchanged; j++) {
        lnk[j] *= -mk->sigma[mk->col[mk->changed[j]]];
    }
    vexp(mk->nchanged, lnk, lnk);
    for (size_t j = 0; j < mk->nchanged; j++) {
        size_t f = mk->changed[j];
        double w = mk->weight != NULL ? mk->weight[f] : 1.0;
        mk->q[f] = w > 0.0 ? w * lnk[j] : 0.0;
    }
}

static void
pack(tw_market *mk, int common)
{
    base_values(mk);
    changed_factors(mk);
    choose_rows(mk, common);
    memset(mk->a, 0, mk->sparse_off * sizeof *mk->a);
    memset(mk->c, 0, mk->sparse_off * sizeof *mk->c);
    for (size_t n = 0; n < mk->nn8; n++) {
        mk->tmp_n[n] = n < mk->nn ? 1.0 - mk->sigma[n] : 0.0;
    }
    for (size_t k = 0; k < mk->ni; k++) {
        size_t i = mk->list[k];
        size_t f0 = (size_t)mk->row[i] - mk->first,
               f1 = (size_t)mk->row[i + 1] - mk->first;
        int dense = k < mk->ndense;
        size_t at = mk->off[k];
        for (size_t f = f0; f < f1; f++) {
            size_t n = (size_t)mk->col[f];
            size_t to = dense ? at + n : at + (f - f0);
            double x = mk->value[f];
            mk->a[to] = x * (1.0 + mk->t0[f]);
            mk->c[to] = (mk->x0 != NULL ? x / (1.0 + mk->x0[f]) : x) * mk->q[f];
            if (!dense) {
                mk->pcol[to - mk->sparse_off] = (int)n;
                if (!common) {
                    mk->oms[to - mk->sparse_off] = mk->tmp_n[n];
                }
            }
        }
        size_t pad = dense ? 0 : padded_size(mk, i) - (f1 - f0);
        for (size_t to = at + (f1 - f0); pad > 0; to++, pad--) {
            mk->a[to] = mk->c[to] = mk->oms[to - mk->sparse_off] = 0.0;
            mk->pcol[to - mk->sparse_off] = (int)mk->nn8;
        }
    }
    /* Changed flows are few or many; either way one more visit gives them a = X T0 w K^(1-s). */
    size_t j = 0;
    for (size_t k = 0; k < mk->ni; k++) {
        mk->demand[mk->list[k]] =
            (double)k; /* place of exporter i, until the first sweep */
    }
    for (size_t i = 0; i < mk->ni && j < mk->nchanged; i++) {
        size_t f0 = (size_t)mk->row[i] - mk->first,
               f1 = (size_t)mk->row[i + 1] - mk->first;
        size_t k = (size_t)mk->demand[i];
        for (; j < mk->nchanged && mk->changed[j] < f1; j++) {
            size_t f = mk->changed[j];
            size_t to = mk->off[k] + (k < mk->ndense ? (size_t)mk->col[f] : f - f0);
            mk->a[to] *= mk->q[f] * mk->change[j];
        }
    }
}

/* ---- one sweep ------------------------------------------------------------------------ */

/* Price indices from the sums, and the factor that every origin's demand shares. */
static void
price_index(tw_market *mk)
{
    for (size_t n = 0; n < mk->nn; n++) {
        mk->gain[n] = mk->sum[n] * mk->inv_spend[n];
    }
    vlog(mk->nn, mk->gain, mk->gain);
    for (size_t n = 0; n < mk->nn; n++) {
        double ln_price = mk->gain[n] / (1.0 - mk->sigma[n]);
        mk->lnP[n] = ln_price;
        mk->gain[n] = (mk->sigma[n] - mk->eps[n]) * ln_price;
    }
    vexp(mk->nn, mk->gain, mk->gain);
    for (size_t n = mk->nn; n <= mk->nn8; n++) {
        mk->gain[n] = 0.0;
    }
}

static void
import_common(tw_market *mk)
{
    double one_minus = 1.0 - mk->sigma[0];
    for (size_t i = 0; i < mk->ni; i++) {
        mk->p_power[i] = one_minus * mk->y[mk->list[i]];
    }
    vexp(mk->ni, mk->p_power, mk->p_power); /* in packed order */
    size_t k = 0;
    for (; k + 4 <= mk->ndense; k += 4) {
        add_rows4(mk->nn8, mk->a + mk->off[k], mk->p_power + k, mk->sum);
    }
    for (; k < mk->ndense; k++) {
        const double *restrict a = mk->a + mk->off[k];
        double *restrict sum = mk->sum;
        double s = mk->p_power[k];
        for (size_t n = 0; n < mk->nn8; n++) {
            sum[n] += a[n] * s;
        }
    }
    for (; k < mk->ni; k++) {
        size_t at = mk->off[k];
        scatter_add(padded_size(mk, mk->list[k]), mk->pcol + (at - mk->sparse_off),
                    mk->a + at, mk->p_power[k], mk->sum);
    }
}

/* e = p^(1-sigma) per packed cell, then sums of a e. */
static void
import_by_destination(tw_market *mk)
{
    const double *restrict oms = mk->tmp_n;
    for (size_t k = 0; k < mk->ndense; k++) {
        double y = mk->y[mk->list[k]];
        double *restrict e = mk->e + mk->off[k];
        for (size_t n = 0; n < mk->nn8; n++) {
            e[n] = oms[n] * y;
        }
    }
    for (size_t k = mk->ndense; k < mk->ni; k++) {
        double y = mk->y[mk->list[k]];
        size_t count = padded_size(mk, mk->list[k]);
        double *restrict e = mk->e + mk->off[k];
        const double *restrict s = mk->oms + (mk->off[k] - mk->sparse_off);
        for (size_t f = 0; f < count; f++) {
            e[f] = s[f] * y;
        }
    }
    vexp(mk->end, mk->e, mk->e);
    for (size_t k = 0; k < mk->ndense; k++) {
        const double *restrict a = mk->a + mk->off[k];
        const double *restrict e = mk->e + mk->off[k];
        double *restrict sum = mk->sum;
        for (size_t n = 0; n < mk->nn8; n++) {
            sum[n] += a[n] * e[n];
        }
    }
    for (size_t k = mk->ndense; k < mk->ni; k++) {
        size_t count = padded_size(mk, mk->list[k]);
        const double *restrict a = mk->a + mk->off[k];
        double *restrict e = mk->e + mk->off[k];
        double *restrict ae = mk->ae; /* one row at a time */
        for (size_t f = 0; f < count; f++) {
            ae[f] = a[f] * e[f];
        }
        scatter_add(count, mk->pcol + (mk->off[k] - mk->sparse_off), ae, 1.0, mk->sum);
    }
}

static void
import_side(tw_market *mk, int common)
{
    memset(mk->sum, 0, (mk->nn8 + 1) * sizeof *mk->sum);
    if (common) {
        import_common(mk);
    }
    else {
        import_by_destination(mk);
    }
    price_index(mk);
}

/* r = ln demand - ln supply, with demand at the own price. */
static void
export_side(tw_market *mk, int common)
{
    for (size_t k = 0; k < mk->ni; k++) {
        size_t i = mk->list[k], at = mk->off[k];
        double d;
        if (k < mk->ndense) {
            d = common ? dot(mk->nn8, mk->c + at, mk->gain)
                       : dot3(mk->nn8, mk->c + at, mk->e + at, mk->gain);
        }
        else {
            size_t count = padded_size(mk, i);
            const int *col = mk->pcol + (at - mk->sparse_off);
            if (!common) {
                /* p^(1-sigma) times the factor: overwrite e, which the sweep rebuilds */
                for (size_t f = 0; f < count; f++) {
                    mk->e[at + f] *= mk->c[at + f];
                }
                d = gather_dot(count, col, mk->e + at, mk->gain);
            }
            else {
                d = gather_dot(count, col, mk->c + at, mk->gain);
            }
        }
        mk->demand[i] = d * mk->inv_sales[i];
    }
    vlog(mk->ni, mk->demand, mk->r);
    for (size_t i = 0; i < mk->ni; i++) {
        double own =
            common ? mk->sigma[0] : 1.0; /* e holds p^(1-sigma): p^-1 is left */
        mk->r[i] = mk->fixed[i] > 0.0 ? 0.0 : mk->r[i] - (mk->mu[i] + own) * mk->y[i];
    }
}

/* -d r / d y of the own price at p = 1, exact:
 * mu + sum_n phi' [sigma - (sigma - eps) theta']. */
static void
diagonal(tw_market *mk)
{
    for (size_t n = 0; n < mk->nn8; n++) {
        double s = n < mk->nn ? mk->sigma[n] : 0.0;
        mk->power[n] = s * mk->gain[n];
        mk->sum[n] = n < mk->nn ? (s - mk->eps[n]) * mk->gain[n] / mk->sum[n] : 0.0;
    }
    for (size_t k = 0; k < mk->ni; k++) {
        size_t i = mk->list[k], at = mk->off[k];
        double own, cross;
        if (k < mk->ndense) {
            own = dot(mk->nn8, mk->c + at, mk->power);
            cross = dot3(mk->nn8, mk->c + at, mk->a + at, mk->sum);
        }
        else {
            const int *col = mk->pcol + (at - mk->sparse_off);
            own = cross = 0.0;
            for (size_t f = 0; f < row_size(mk, i); f++) {
                own += mk->c[at + f] * mk->power[col[f]];
                cross += mk->c[at + f] * mk->a[at + f] * mk->sum[col[f]];
            }
        }
        mk->diag[i] = mk->mu[i] + (own - cross) * mk->inv_sales[i] / mk->demand[i];
    }
}

static double
residual(const tw_market *mk)
{
    double top = 0.0;
    int bad = 0;
    for (size_t i = 0; i < mk->ni; i++) {
        double r = fabs(mk->r[i]);
        bad |= !(r <= 1.7976931348623157e308);
        top = r > top ? r : top;
    }
    return bad ? (double)NAN : top;
}

static void
step(const tw_market *mk, double *restrict f)
{
    for (size_t i = 0; i < mk->ni; i++) {
        double s = mk->r[i] / mk->diag[i];
        s = s > 2.0 ? 2.0 : s < -2.0 ? -2.0 : s;
        f[i] = mk->fixed[i] > 0.0 ? 0.0 : s;
    }
}

/* q = w K^-sigma p^-sigma gain, in the order of the flows. */
static void
finish(tw_market *mk, int common)
{
    for (size_t i = 0; i < mk->ni; i++) {
        size_t f0 = (size_t)mk->row[i] - mk->first, count = row_size(mk, i);
        double *restrict q = mk->q + f0;
        const int *restrict col = mk->col + f0;
        double y = mk->y[i];
        if (common || y == 0.0) {
            double own = y == 0.0 ? 1.0 : tw_exp1(-mk->sigma[0] * y);
            for (size_t f = 0; f < count; f++) {
                q[f] *= own * mk->gain[col[f]];
            }
            continue;
        }
        double *restrict e = mk->e;
        for (size_t f = 0; f < count; f++) {
            e[f] = -mk->sigma[col[f]] * y;
        }
        vexp(count, e, e);
        for (size_t f = 0; f < count; f++) {
            q[f] *= e[f] * mk->gain[col[f]];
        }
    }
}

extern const tw_kernels TW_LEVEL_NAME(tw_kernels);

const tw_kernels TW_LEVEL_NAME(tw_kernels) = {
    .exp = vexp,
    .log = vlog,
    .differ = differ,
    .differ_from = differ_from,
    .outside = outside,
    .dot = dot,
    .axpy = axpy,
    .dots = dots,
    .combine = combine,
    .difference = difference,
    .largest = largest,
    .pack = pack,
    .import_side = import_side,
    .export_side = export_side,
    .diagonal = diagonal,
    .residual = residual,
    .step = step,
    .finish = finish,
};
