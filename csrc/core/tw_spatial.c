/* tw_spatial.c - one homogeneous good in many places: spatial price equilibrium.
 *
 * Enke-Samuelson-Takayama-Judge conditions with ad valorem tariffs and limits on flows:
 *     0 <= F_in  _|_  (p_i + c_in)(1 + t_in) + l_in - d_n >= 0
 *     0 <= l_in  _|_  limit_in - F_in >= 0
 *     S_i(p_i) = sum_n F_in,     D_n(d_n) = sum_i F_in,
 * p producer prices, d buyer prices, l the rent of a limit.  Supply and demand are linear in
 * the price or isoelastic; since flows are not negative, a place that does not trade has the
 * price at which its line meets zero.  Unknown are p, d, F and l; complementarity becomes
 * equations by the Fischer-Burmeister function a + b - sqrt(a^2 + b^2); semismooth Newton with
 * a Levenberg-Marquardt term where the system is singular (ties between routes leave flows
 * undetermined), on data scaled to order one.
 */
#include "tw_internal.h"

#include <math.h>
#include <string.h>

typedef struct {
    const tw_spatial_problem *pb;
    size_t nflow, size;
    double price, quantity; /* units of the scaled problem */
    double *z, *f, *jac, *normal, *step, *trial;
    double
        *scale; /* [place] 1 / (1 + scaled slope): steep curves clear in price units */
} spatial;

/* Quantity at a price and its slope. */
static double
curve(int form, double level, double slope, double price, double *derivative)
{
    if (form == TW_LINEAR) {
        *derivative = slope;
        return level + slope * price;
    }
    double p = TW_MAX(price, 1e-12);
    double q = level * pow(p, slope);
    *derivative = slope * q / p;
    return q;
}

/* Fischer-Burmeister with the partial derivatives; at the kink those of the diagonal. */
static double
fischer(double a, double b, double *da, double *db)
{
    double r = hypot(a, b);
    *da = r > 0.0 ? 1.0 - a / r : 1.0 - sqrt(0.5);
    *db = r > 0.0 ? 1.0 - b / r : 1.0 - sqrt(0.5);
    /* a + b - r without cancellation where both are positive */
    return a > 0.0 && b > 0.0 ? 2.0 * a * b / (a + b + r) : a + b - r;
}

static double
limit_of(const tw_spatial_problem *pb, size_t k)
{
    return pb->limit != NULL ? pb->limit[k] : INFINITY;
}

/* Residual of the scaled system at z and, with jac, its derivative.  Returns the merit. */
static double
residual(const spatial *s, const double *z, double *f, double *jac)
{
    const tw_spatial_problem *pb = s->pb;
    size_t ni = pb->nexporter, nn = pb->nimporter, size = s->size;
    const double *p = z, *d = z + ni, *flow = d + nn, *rent = flow + s->nflow;
    double merit = 0.0;
    if (jac != NULL) {
        memset(jac, 0, size * size * sizeof *jac);
    }
    for (size_t i = 0; i < ni; i++) {
        double slope;
        f[i] = curve(pb->supply_form, pb->supply_level[i], pb->supply_slope[i],
                     p[i] * s->price, &slope) /
               s->quantity;
        if (jac != NULL) {
            jac[i * size + i] = slope * s->price / s->quantity + 1e-14;
        }
    }
    for (size_t n = 0; n < nn; n++) {
        double slope;
        f[ni + n] = -curve(pb->demand_form, pb->demand_level[n], pb->demand_slope[n],
                           d[n] * s->price, &slope) /
                    s->quantity;
        if (jac != NULL) {
            jac[(ni + n) * size + ni + n] = -slope * s->price / s->quantity + 1e-14;
        }
    }
    for (size_t i = 0; i < ni; i++) {
        for (size_t n = 0; n < nn; n++) {
            size_t k = i * nn + n, row = ni + nn + k, rent_row = row + s->nflow;
            double t = 1.0 + (pb->tariff != NULL ? pb->tariff[k] : 0.0);
            double cost = pb->cost[k] / s->price, limit = limit_of(pb, k) / s->quantity;
            double gap = (p[i] + cost) * t + rent[k] - d[n], da, db;
            f[i] -= flow[k];
            f[ni + n] += flow[k];
            if (!isfinite(cost) || limit == 0.0) { /* no such route */
                f[row] = flow[k];
                f[rent_row] = rent[k];
                if (jac != NULL) {
                    jac[row * size + ni + nn + k] = 1.0;
                    jac[rent_row * size + ni + nn + s->nflow + k] = 1.0;
                }
                continue;
            }
            f[row] = fischer(flow[k], gap, &da, &db);
            if (jac != NULL) {
                jac[i * size + ni + nn + k] = -1.0;
                jac[(ni + n) * size + ni + nn + k] = 1.0;
                jac[row * size + ni + nn + k] = da;
                jac[row * size + i] = db * t;
                jac[row * size + ni + n] = -db;
                jac[row * size + ni + nn + s->nflow + k] = db;
            }
            if (isfinite(limit)) {
                f[rent_row] = fischer(rent[k], limit - flow[k], &da, &db);
            }
            else {
                f[rent_row] = rent[k];
                da = 1.0;
                db = 0.0;
            }
            if (jac != NULL) {
                jac[rent_row * size + ni + nn + s->nflow + k] = da;
                jac[rent_row * size + ni + nn + k] = -db;
            }
        }
    }
    for (size_t k = 0; k < ni + nn; k++) {
        f[k] *= s->scale[k];
        for (size_t c = 0; jac != NULL && c < size; c++) {
            jac[k * size + c] *= s->scale[k];
        }
    }
    for (size_t k = 0; k < size; k++) {
        merit += f[k] * f[k];
    }
    return merit;
}

/* Levenberg-Marquardt step: (J'J + lambda) step = J'f. */
static tw_status
regular_step(spatial *s, double lambda)
{
    size_t n = s->size;
    memset(s->normal, 0, n * n * sizeof *s->normal);
    for (size_t k = 0; k < n; k++) {
        s->step[k] = 0.0;
    }
    for (size_t r = 0; r < n; r++) {
        const double *row = s->jac + r * n;
        for (size_t a = 0; a < n; a++) {
            if (row[a] != 0.0) {
                s->step[a] += row[a] * s->f[r];
                for (size_t b = 0; b < n; b++) {
                    s->normal[a * n + b] += row[a] * row[b];
                }
            }
        }
    }
    for (size_t k = 0; k < n; k++) {
        s->normal[k * n + k] += lambda;
    }
    return tw_lu_solve(n, s->normal, s->step);
}

static double
largest(const double *x, size_t n)
{
    double top = 0.0;
    for (size_t k = 0; k < n; k++) {
        top = TW_MAX(top, fabs(x[k]));
    }
    return top;
}

static tw_status
iterate(spatial *s, const tw_options *opt, tw_info *info)
{
    size_t n = s->size;
    double merit = residual(s, s->z, s->f, s->jac);
    for (int it = 0; it < opt->max_iter; it++) {
        info->iterations = it;
        info->residual = largest(s->f, n);
        if (info->residual <= opt->tol) {
            return TW_OK;
        }
        if (!isfinite(merit)) {
            return TW_ENUMERIC;
        }
        if (opt->poll != NULL && opt->poll(opt->poll_ctx, it, info->residual)) {
            return TW_EINTR;
        }
        /* Newton first; where it is singular or does not descend, ever more of the gradient */
        int taken = 0;
        for (int attempt = 0; attempt < 12 && !taken; attempt++) {
            tw_status rc;
            if (attempt == 0) {
                memcpy(s->normal, s->jac, n * n * sizeof *s->jac);
                memcpy(s->step, s->f, n * sizeof *s->f);
                rc = tw_lu_solve(n, s->normal, s->step);
            }
            else {
                rc = regular_step(s, merit * pow(10.0, attempt - 8));
            }
            for (double length = 1.0; rc == TW_OK && length > 1e-4 && !taken;
                 length *= 0.5) {
                for (size_t k = 0; k < n; k++) {
                    s->trial[k] = s->z[k] - length * s->step[k];
                }
                double now = residual(s, s->trial, s->f, NULL);
                taken = now <= (1.0 - 1e-4 * length) * merit;
                merit = taken ? now : merit;
            }
        }
        if (!taken) {
            residual(s, s->z, s->f, NULL);
            return TW_NOCONV;
        }
        memcpy(s->z, s->trial, n * sizeof *s->z);
        merit = residual(s, s->z, s->f, s->jac);
    }
    return TW_NOCONV;
}

static int
check(const tw_spatial_problem *pb, tw_info *info)
{
    for (size_t i = 0; i < pb->nexporter; i++) {
        int bad = !isfinite(pb->supply_level[i]) || !(pb->supply_slope[i] >= 0.0) ||
                  (pb->supply_form == TW_ISOELASTIC && !(pb->supply_level[i] > 0.0));
        if (bad) {
            info->where = (ptrdiff_t)i;
            info->what = "supply must not fall with the price";
            return 0;
        }
    }
    for (size_t n = 0; n < pb->nimporter; n++) {
        int bad = !(pb->demand_slope[n] < 0.0) || !(pb->demand_level[n] > 0.0) ||
                  !isfinite(pb->demand_level[n]);
        if (bad) {
            info->where = (ptrdiff_t)n;
            info->what = "demand must fall with the price";
            return 0;
        }
    }
    for (size_t k = 0; k < pb->nexporter * pb->nimporter; k++) {
        if (!(pb->cost[k] >= 0.0) || (pb->tariff != NULL && !(pb->tariff[k] > -1.0)) ||
            !(limit_of(pb, k) >= 0.0)) {
            info->where = (ptrdiff_t)k;
            info->what = "a transport cost, tariff or limit is outside its domain";
            return 0;
        }
    }
    return pb->start > 0.0 && isfinite(pb->start);
}

tw_status
tw_spatial_solve(const tw_spatial_problem *pb, const tw_options *opt, double *producer,
                 double *buyer, double *flow, double *rent, tw_info *info)
{
    size_t ni = pb->nexporter, nn = pb->nimporter, nf = ni * nn;
    spatial s = {.pb = pb, .nflow = nf, .size = ni + nn + 2 * nf, .price = pb->start};
    *info = (tw_info){.where = -1, .what = "the typical price must be positive"};
    if (ni == 0 || nn == 0 || !(opt->tol > 0.0) || opt->max_iter < 1 ||
        !check(pb, info)) {
        return TW_EDOMAIN;
    }
    for (size_t n = 0; n < nn; n++) {
        double slope;
        s.quantity += curve(pb->demand_form, pb->demand_level[n], pb->demand_slope[n],
                            pb->start, &slope);
    }
    s.quantity = s.quantity > 0.0 ? s.quantity / (double)nn : 1.0;
    size_t n = s.size;
    double *block = n < 20000 ? tw_alloc(2 * n * n + 5 * n, sizeof *block) : NULL;
    if (block == NULL) {
        return TW_ENOMEM;
    }
    s.jac = block;
    s.normal = s.jac + n * n;
    s.z = s.normal + n * n;
    s.f = s.z + n;
    s.step = s.f + n;
    s.trial = s.step + n;
    s.scale = s.trial + n;
    for (size_t k = 0; k < ni + nn; k++) {
        int supply = k < ni;
        double slope, level = supply ? pb->supply_level[k] : pb->demand_level[k - ni];
        curve(supply ? pb->supply_form : pb->demand_form, level,
              supply ? pb->supply_slope[k] : pb->demand_slope[k - ni], pb->start,
              &slope);
        s.scale[k] = 1.0 / (1.0 + fabs(slope) * s.price / s.quantity);
    }
    for (size_t k = 0; k < ni + nn; k++) {
        s.z[k] = 1.0;
    }
    for (size_t k = 0; k < nf; k++) {
        s.z[ni + nn + k] = 1.0 / (double)ni;
    }
    tw_status rc = iterate(&s, opt, info);
    for (size_t i = 0; i < ni; i++) {
        producer[i] = s.z[i] * s.price;
    }
    for (size_t k = 0; k < nn; k++) {
        buyer[k] = s.z[ni + k] * s.price;
    }
    for (size_t k = 0; k < nf; k++) {
        /* the tolerance may leave either a hair below zero */
        flow[k] = TW_MAX(s.z[ni + nn + k], 0.0) * s.quantity;
        rent[k] = TW_MAX(s.z[ni + nn + nf + k], 0.0) * s.price;
    }
    tw_free(block);
    return rc;
}
