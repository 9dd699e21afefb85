/* tw_control.c - quantity controls inside one market, by complementarity.
 *
 * A control holds a group of flows to a limit on their quantity, weighted by base value:
 *     import quota   0 <= lm  _|_  L - sum q >= 0      u = b F T + lm
 *     export quota   0 <= lx  _|_  L - sum q >= 0      b = p A + lx   (dutiable)
 *     tariff quota   0 <= r <= hi: r = 0 below L, hi above, else clears;  T = 1 + t_in + r
 *     commitment     0 <= s < 1  _|_  sum q - L >= 0   u = b F T (1 - s)
 * and a flow may have a floor under its border price, b = max(p A + lx, floor).  Wedges are in
 * base units (border price 1).  The unknown of a control is x = ln(1 + lambda), r, or
 * -ln(1 - s), in [0, hi]; its residual is g = ln(sum q / L), with the sign turned for a
 * commitment.
 *
 * Controlled flows are few: a sweep recomputes their factor m = u / (p K) alone and patches
 * the packed matrices.  Sweeps move prices and x together; a projection keeps x in its box,
 * and acceleration starts afresh when the set of controls at a bound changes.  The second
 * rung is semismooth Newton on prices and x (an active set chosen by the sign of x + g/d).
 */
#include "tw_control.h"
#include "tw_vmath.h"

#include <string.h>

static size_t
member_count(const tw_pe_ws *ws, size_t k)
{
    const ptrdiff_t *ptr = ws->ctl.member_ptr;
    return (size_t)(ptr[k + 1] - ptr[k]);
}

/* Place of member j of control k among the special flows. */
static size_t
member_place(const tw_pe_ws *ws, size_t k, size_t j)
{
    size_t f =
        (size_t)ws->ctl.member[ws->ctl.member_ptr[k] + (ptrdiff_t)j] - ws->mk.first;
    return (size_t)ws->ctl.place[f];
}

static double
fixed_wedge(const double *x, size_t f)
{
    return x != NULL ? x[f] : 0.0;
}

/* List the flows that carry a control, a fixed wedge or a floor. */
void
tw_control_collect(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    c->nspecial = 0;
    if (c->n == 0 && !ws->wedges) {
        return;
    }
    for (size_t f = 0; f < mk->nf; f++) {
        c->place[f] = fixed_wedge(mk->lx, f) > 0.0 || fixed_wedge(mk->lm, f) > 0.0 ||
                              fixed_wedge(mk->floor, f) > 0.0
                          ? 0
                          : -1;
    }
    for (size_t k = 0; k < c->n; k++) {
        for (ptrdiff_t j = c->member_ptr[k]; j < c->member_ptr[k + 1]; j++) {
            c->place[(size_t)c->member[j] - mk->first] = 0;
        }
    }
    for (size_t i = 0; i < mk->ni; i++) {
        for (ptrdiff_t g = mk->row[i]; g < mk->row[i + 1]; g++) {
            size_t f = (size_t)g - mk->first;
            if (c->place[f] >= 0) {
                c->place[f] = (int)c->nspecial;
                c->flow[c->nspecial] = f;
                c->row[c->nspecial++] = i;
            }
        }
    }
    for (size_t k = 0; k < c->n; k++) {
        c->x[k] = 0.0;
        c->same[k] = (int)k;
        for (size_t j = 0; j < k && c->same[k] == (int)k; j++) {
            size_t count = member_count(ws, k);
            if (count == member_count(ws, j) &&
                memcmp(c->member + c->member_ptr[k], c->member + c->member_ptr[j],
                       count * sizeof *c->member) == 0) {
                c->same[k] = (int)j;
            }
        }
    }
}

/* Wedges of the special flows at the current x and prices: u / (p K) in m, with its
 * elasticity to the producer price in eta, and d ln u by wedge kind in d_lx, d_lm, d_r. */
void
tw_control_wedges(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    for (size_t s = 0; s < c->nspecial; s++) {
        c->lx[s] = fixed_wedge(mk->lx, c->flow[s]);
        c->lm[s] = fixed_wedge(mk->lm, c->flow[s]);
        c->r[s] = c->sub[s] = 0.0;
    }
    for (size_t k = 0; k < c->n; k++) {
        double x = c->x[k];
        for (size_t j = 0; x != 0.0 && j < member_count(ws, k); j++) {
            size_t s = member_place(ws, k, j);
            switch (c->kind[k]) {
                case TW_EXPORT_QUOTA:
                    c->lx[s] += expm1(x);
                    break;
                case TW_IMPORT_QUOTA:
                    c->lm[s] += expm1(x);
                    break;
                case TW_TARIFF_QUOTA:
                    c->r[s] += x;
                    break;
                default:
                    c->sub[s] += x;
                    break;
            }
        }
    }
    for (size_t s = 0; s < c->nspecial; s++) {
        size_t f = c->flow[s];
        double a = mk->x0 != NULL ? (1.0 + mk->x1[f]) / (1.0 + mk->x0[f]) : 1.0;
        double cost = mk->cost != NULL ? mk->cost[f] : 1.0;
        double producer = tw_exp1(mk->y[c->row[s]]) * a, border = producer + c->lx[s];
        double low = fixed_wedge(mk->floor, f), tariff = 1.0 + mk->t1[f];
        int floored = border < low;
        border = floored ? low : border;
        double chain = border * cost * (tariff + c->r[s]), buyer = chain + c->lm[s];
        c->border[s] = border;
        c->m[s] = buyer == producer * cost * tariff && c->sub[s] == 0.0
                      ? 1.0
                      : buyer / (producer * cost * tariff) * tw_exp1(-c->sub[s]);
        c->eta[s] = floored ? 0.0 : producer * cost * (tariff + c->r[s]) / buyer;
        /* under its floor a price does not answer to lx: step as if it did, towards the floor */
        c->d_lx[s] = cost * (tariff + c->r[s]) / buyer;
        c->d_lm[s] = 1.0 / buyer;
        c->d_r[s] = border * cost / buyer;
    }
}

/* d ln u of special flow s by the unknown of control k. */
double
tw_control_slope(const tw_control *c, size_t k, size_t s)
{
    switch (c->kind[k]) {
        case TW_EXPORT_QUOTA:
            return tw_exp1(c->x[k]) * c->d_lx[s];
        case TW_IMPORT_QUOTA:
            return tw_exp1(c->x[k]) * c->d_lm[s];
        case TW_TARIFF_QUOTA:
            return c->d_r[s];
        default:
            return -1.0;
    }
}

/* ---- sweeps in the packed form ------------------------------------------------------- */

/* Keep the base cells of the special flows (after pack). */
void
tw_control_keep(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    for (size_t k = 0; k < mk->ni; k++) {
        mk->demand[mk->list[k]] = (double)k;
    }
    for (size_t s = 0; s < c->nspecial; s++) {
        size_t k = (size_t)mk->demand[c->row[s]], f = c->flow[s];
        size_t start = (size_t)mk->row[c->row[s]] - mk->first;
        c->cell[s] = mk->off[k] + (k < mk->ndense ? (size_t)mk->col[f] : f - start);
        c->a0[s] = mk->a[c->cell[s]];
        c->c0[s] = mk->c[c->cell[s]];
    }
}

void
tw_control_patch(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    tw_control_wedges(ws);
    for (size_t s = 0; s < c->nspecial; s++) {
        double sigma = mk->sigma[mk->col[c->flow[s]]];
        c->power[s] = c->m[s] == 1.0 ? 1.0 : tw_exp1(-sigma * tw_log1(c->m[s]));
        mk->a[c->cell[s]] = c->a0[s] * c->power[s] * c->m[s];
        mk->c[c->cell[s]] = c->c0[s] * c->power[s];
    }
}

/* Quantities of the special flows in the packed form, base value times ratio. */
static void
packed_volumes(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    for (size_t s = 0; s < c->nspecial; s++) {
        size_t f = c->flow[s], n = (size_t)mk->col[f];
        double own = tw_exp1(-mk->sigma[n] * mk->y[c->row[s]]);
        c->volume[s] = mk->value[f] * mk->q[f] * c->power[s] * own * mk->gain[n];
    }
}

void
tw_control_finish_packed(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    for (size_t s = 0; s < c->nspecial; s++) {
        ws->mk.q[c->flow[s]] *= c->power[s];
    }
}

/* ---- residuals of the controls ------------------------------------------------------- */

static double
upper(const tw_control *c, size_t k)
{
    return c->kind[k] == TW_TARIFF_QUOTA ? c->upper[k] : 60.0;
}

/* Natural residual: 0 where the control stands at a bound and presses against it. */
double
tw_control_natural(const tw_control *c, size_t k)
{
    int low = c->x[k] <= 0.0 && c->g[k] <= 0.0;
    int high =
        c->kind[k] == TW_TARIFF_QUOTA && c->x[k] >= upper(c, k) && c->g[k] >= 0.0;
    return low || high ? 0.0 : c->g[k];
}

/* g of every control from volumes; the largest natural residual. */
static double
gaps(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    double top = 0.0;
    for (size_t k = 0; k < c->n; k++) {
        double sum = 0.0;
        for (size_t j = 0; j < member_count(ws, k); j++) {
            sum += c->volume[member_place(ws, k, j)];
        }
        double g = tw_log1(sum / c->limit[k]);
        c->total[k] = sum;
        c->g[k] = c->kind[k] == TW_COMMITMENT ? -g : g;
        double size = fabs(tw_control_natural(c, k));
        top = size <= top ? top : size;
        if (!(size <= 1.7976931348623157e308)) {
            return (double)NAN;
        }
    }
    return top;
}

double
tw_control_gaps_packed(tw_pe_ws *ws)
{
    packed_volumes(ws);
    return gaps(ws);
}

double
tw_control_gaps_general(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    for (size_t s = 0; s < c->nspecial; s++) {
        size_t f = c->flow[s];
        c->volume[s] = ws->mk.value[f] * tw_exp1(ws->lnq[f]);
    }
    return gaps(ws);
}

/* Of limits on the same flows the tightest moves alone: together their rows would be the same.
 * One that stands at its upper bound has said its word. */
static void
yield_to_tighter(const tw_control *c, double *step)
{
    for (size_t k = 0; k < c->n; k++) {
        for (size_t j = 0; j < c->n && c->kind[k] != TW_COMMITMENT; j++) {
            int tighter = c->g[j] > c->g[k] || (c->g[j] == c->g[k] && j < k);
            if (j != k && c->same[j] == c->same[k] && c->kind[j] != TW_COMMITMENT &&
                tighter && c->x[j] < upper(c, j)) {
                step[k] = -c->x[k];
            }
        }
    }
}

/* Plain steps g / d with d = -dg/dx at given prices: the group's own elasticity is
 * sigma - (sigma - eps) (its share of spending in the destination). */
void
tw_control_step(tw_pe_ws *ws, double *step)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    for (size_t k = 0; k < c->n; k++) {
        double d = 0.0;
        for (size_t j = 0; j < member_count(ws, k); j++) {
            mk->power[mk->col[c->flow[member_place(ws, k, j)]]] = 0.0;
        }
        for (size_t j = 0; j < member_count(ws, k); j++) {
            size_t s = member_place(ws, k, j), f = c->flow[s];
            mk->power[mk->col[f]] += mk->value[f] * (1.0 + mk->t0[f]);
        }
        for (size_t j = 0; j < member_count(ws, k); j++) {
            size_t s = member_place(ws, k, j), n = (size_t)mk->col[c->flow[s]];
            double part = TW_MIN(mk->power[n] / mk->spend[n], 1.0);
            double own = mk->sigma[n] - (mk->sigma[n] - mk->eps[n]) * part;
            d += c->volume[s] * own * fabs(tw_control_slope(c, k, s));
        }
        d = c->total[k] > 0.0 ? d / c->total[k] : 1.0;
        double move = c->g[k] / TW_MAX(d, 1e-12);
        move = TW_MIN(TW_MAX(move, -1.0), 1.0);
        double next = TW_MIN(TW_MAX(c->x[k] + move, 0.0), upper(c, k));
        step[k] = next - c->x[k];
    }
    yield_to_tighter(c, step);
}

/* Clip x to its box; nonzero when a control came to or left a bound. */
int
tw_control_project(tw_pe_ws *ws)
{
    tw_control *c = &ws->ctl;
    int changed = 0;
    for (size_t k = 0; k < c->n; k++) {
        double x = c->x[k], hi = upper(c, k), near = 1e-15 * (1.0 + hi);
        c->x[k] = x < near ? 0.0 : x > hi - near ? hi : x; /* at a bound, not near it */
        int at = c->x[k] <= 0.0 ? -1 : c->x[k] >= upper(c, k) ? 1 : 0;
        changed |= at != c->at_bound[k];
        c->at_bound[k] = at;
    }
    return changed;
}

/* Fischer-Burmeister, a smooth min: 0 where a >= 0, b >= 0 and a b = 0; by_g is by b. */
static tw_fischer
fischer(double a, double b)
{
    double r = sqrt(a * a + b * b);
    double da = r > 0.0 ? 1.0 - a / r : 0.2928932188134524;
    double db = r > 0.0 ? 1.0 - b / r : 0.2928932188134524;
    return (tw_fischer){a + b - r, da, db};
}

/* The condition of control k: min(x, -g), and min(x, max(x - hi, -g)) of a tariff quota. */
tw_fischer
tw_control_fischer(const tw_control *c, size_t k)
{
    if (isinf(c->g[k])) { /* all members are banned */
        return (tw_fischer){c->g[k] < 0.0 ? c->x[k] : (double)NAN, 1.0, 0.0};
    }
    if (c->kind[k] != TW_TARIFF_QUOTA) {
        tw_fischer f = fischer(c->x[k], -c->g[k]);
        return (tw_fischer){f.value, f.by_x, -f.by_g};
    }
    tw_fischer in = fischer(upper(c, k) - c->x[k], c->g[k]);
    tw_fischer out = fischer(c->x[k], -in.value);
    return (tw_fischer){out.value, out.by_x + out.by_g * in.by_x, -out.by_g * in.by_g};
}

/* The derivative itself: under its floor a price does not answer to lx. */
static double
true_slope(const tw_control *c, size_t k, size_t s)
{
    int floored = c->kind[k] == TW_EXPORT_QUOTA && c->eta[s] == 0.0;
    return floored ? 0.0 : tw_control_slope(c, k, s);
}

/* Rows and columns of the controls in the Newton system (stride N = ni + n): column ni + k
 * holds -dr_i by x_k, row ni + k the slopes of the control's Fischer-Burmeister equation. */
void
tw_control_jacobian(tw_pe_ws *ws, size_t stride, double *rhs)
{
    tw_control *c = &ws->ctl;
    tw_market *mk = &ws->mk;
    size_t ni = mk->ni;
    for (size_t k = 0; k < c->n; k++) {
        for (size_t j = 0; j < member_count(ws, k); j++) {
            size_t s = member_place(ws, k, j), f = c->flow[s], n = (size_t)mk->col[f];
            double slope = true_slope(c, k, s);
            for (size_t a = ws->col_ptr[n]; a < ws->col_ptr[n + 1]; a++) {
                size_t h = ws->col_flow[a], i = ws->col_row[a];
                if (!(mk->fixed[i] > 0.0)) {
                    ws->jac[i * stride + ni + k] -=
                        ws->part[h] * tw_pe_response(ws, n, h, f) * slope;
                }
            }
        }
    }
    for (size_t k = 0; k < c->n; k++) {
        double *row = ws->jac + (ni + k) * stride;
        tw_fischer phi = tw_control_fischer(c, k);
        double sign = c->kind[k] == TW_COMMITMENT ? -phi.by_g : phi.by_g;
        rhs[ni + k] = -phi.value;
        row[ni + k] = phi.by_x;
        if (!(c->total[k] > 0.0)) {
            continue;
        }
        for (size_t j = 0; j < member_count(ws, k); j++) {
            size_t s = member_place(ws, k, j), f = c->flow[s], n = (size_t)mk->col[f];
            double w = sign * c->volume[s] / c->total[k];
            for (size_t a = ws->col_ptr[n]; a < ws->col_ptr[n + 1]; a++) {
                size_t h = ws->col_flow[a], i = ws->col_row[a];
                double response = -w * tw_pe_response(ws, n, f, h);
                if (!(mk->fixed[i] > 0.0)) {
                    row[i] -= response * ws->eta[h];
                }
                for (size_t other = 0; c->place[h] >= 0 && other < c->n; other++) {
                    for (size_t b = 0; b < member_count(ws, other); b++) {
                        if (member_place(ws, other, b) == (size_t)c->place[h]) {
                            row[ni + other] -=
                                response * true_slope(c, other, (size_t)c->place[h]);
                        }
                    }
                }
            }
        }
    }
}

/* What exporters with a given quantity can sell to nobody but the members of control k. */
static double
captive(const tw_pe_ws *ws, size_t k)
{
    const tw_control *c = &ws->ctl;
    const tw_market *mk = &ws->mk;
    double sum = 0.0;
    for (size_t i = 0; i < mk->ni; i++) {
        double inside = 0.0, outside = 0.0;
        ptrdiff_t a = c->member_ptr[k];
        for (ptrdiff_t f = mk->row[i]; f < mk->row[i + 1]; f++) {
            size_t at = (size_t)f - mk->first;
            double open =
                mk->weight != NULL && !(mk->weight[at] > 0.0) ? 0.0 : mk->value[at];
            while (a < c->member_ptr[k + 1] && c->member[a] < f) {
                a++;
            }
            if (a < c->member_ptr[k + 1] && c->member[a] == f) {
                inside += open;
            }
            else {
                outside += open;
            }
        }
        sum += mk->mu[i] == 0.0 && outside == 0.0 ? inside : 0.0;
    }
    return sum;
}

/* An exporter with a given quantity whose every open flow stands under a price floor: no
 * producer price can bring demand up to it. */
static int
floored_in(const tw_market *mk)
{
    for (size_t i = 0; mk->floor != NULL && i < mk->ni; i++) {
        int open = 0, free = mk->mu[i] != 0.0 || mk->fixed[i] > 0.0;
        for (ptrdiff_t f = mk->row[i]; !free && f < mk->row[i + 1]; f++) {
            size_t at = (size_t)f - mk->first;
            if (mk->value[at] > 0.0 && (mk->weight == NULL || mk->weight[at] > 0.0)) {
                open = 1;
                free = !(mk->floor[at] > 0.0);
            }
        }
        if (open && !free) {
            return 1;
        }
    }
    return 0;
}

/* After a failure: a control pressed to the end of its range, a commitment on flows that are
 * all banned, or a quota or price floor below what has nowhere else to go. */
int
tw_control_infeasible(const tw_pe_ws *ws)
{
    const tw_control *c = &ws->ctl;
    for (size_t k = 0; k < c->n; k++) {
        int quota = c->kind[k] == TW_IMPORT_QUOTA || c->kind[k] == TW_EXPORT_QUOTA;
        if ((c->kind[k] != TW_TARIFF_QUOTA && c->x[k] > 25.0) ||
            (c->kind[k] == TW_COMMITMENT && c->total[k] == 0.0) ||
            (quota && captive(ws, k) > c->limit[k])) {
            return 1;
        }
    }
    return floored_in(&ws->mk);
}

/* The reported shadow values: lambda, r, or s. */
void
tw_control_report(const tw_pe_ws *ws, double *shadow)
{
    const tw_control *c = &ws->ctl;
    for (size_t k = 0; k < c->n; k++) {
        double x = c->x[k];
        shadow[k] = c->kind[k] == TW_TARIFF_QUOTA ? x
                    : c->kind[k] == TW_COMMITMENT ? -expm1(-x)
                                                  : expm1(x);
    }
}
