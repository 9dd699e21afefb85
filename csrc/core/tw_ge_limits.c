/* tw_ge_limits.c - limits on sums over flows and purchase commitments in general equilibrium.
 *
 * A limit l has a log wedge m_l: +m on the buyer price of its members under a cap, -m under a
 * floor, as a tariff, an export tax or a trade cost by who has the revenue.  With gap = ln
 * bound - ln total (a cap) or ln total - ln bound (a floor)
 *     F_l = max(min(m, gap), m - upper) = 0
 * says 0 <= m <= upper, gap >= 0 where m < upper, gap = 0 where 0 < m < upper.
 */
#include "tw_ge.h"

#include <math.h>
#include <string.h>

static int
is_floor(int kind)
{
    return kind == TW_GE_FLOOR_QUANTITY || kind == TW_GE_FLOOR_VALUE;
}

tw_ge_limit_room
tw_ge_limits_room(const tw_ge_scenarios *sc)
{
    const tw_ge_limits *l = &sc->limits;
    tw_ge_limit_room room = {0, 0};
    for (size_t s = 0; l->ptr != NULL && s < sc->nscenario; s++) {
        ptrdiff_t a = l->ptr[s], b = l->ptr[s + 1];
        room.limits = TW_MAX(room.limits, (size_t)(b - a));
        room.members =
            TW_MAX(room.members, (size_t)(l->member_ptr[b] - l->member_ptr[a]));
    }
    return room;
}

/* ---- load --------------------------------------------------------------------------- */

static tw_status
refuse(tw_ge *ge, int what, size_t where)
{
    ge->what = what;
    ge->where = (ptrdiff_t)where;
    return TW_EDOMAIN;
}

static int
fine(const tw_ge_limits *l, size_t at, size_t total)
{
    int kind = l->kind[at], holder = l->holder[at];
    if (kind < TW_GE_EXPORT_LIMIT || kind > TW_GE_FLOOR_VALUE ||
        holder < TW_GE_TO_IMPORTER || holder > TW_GE_WASTED ||
        (is_floor(kind) && holder == TW_GE_WASTED) || !(l->bound[at] > 0.0) ||
        !(l->bound[at] < INFINITY) || !(l->upper[at] >= 0.0)) {
        return 0;
    }
    ptrdiff_t last = -1;
    for (ptrdiff_t k = l->member_ptr[at]; k < l->member_ptr[at + 1]; k++) {
        if (l->member[k] <= last || (size_t)l->member[k] >= total) {
            return 0;
        }
        last = l->member[k];
    }
    return 1;
}

/* Shell's sort: short lists, and no memory of its own. */
static void
sort(size_t n, size_t *x)
{
    for (size_t gap = n / 2; gap > 0; gap /= 2) {
        for (size_t k = gap; k < n; k++) {
            size_t v = x[k], at = k;
            for (; at >= gap && x[at - gap] > v; at -= gap) {
                x[at] = x[at - gap];
            }
            x[at] = v;
        }
    }
}

static size_t
find(size_t n, const size_t *x, size_t v)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        if (x[mid] <= v) {
            low = mid;
        }
        else {
            high = mid;
        }
    }
    return low;
}

/* The flows that some limit names, each once. */
static void
collect(tw_ge *ge)
{
    const tw_ge_base *b = ge->base;
    tw_ge_limit_set *lim = &ge->lim;
    ptrdiff_t first = lim->member_ptr[0];
    size_t count = (size_t)(lim->member_ptr[lim->n] - first), unique = 0;
    for (size_t k = 0; k < count; k++) {
        lim->flow[k] = (size_t)lim->member[first + (ptrdiff_t)k];
    }
    sort(count, lim->flow);
    for (size_t k = 0; k < count; k++) {
        if (unique == 0 || lim->flow[k] != lim->flow[unique - 1]) {
            lim->flow[unique++] = lim->flow[k];
        }
    }
    lim->nflow = unique;
    for (size_t k = 0; k < count; k++) {
        lim->place[k] =
            find(unique, lim->flow, (size_t)lim->member[first + (ptrdiff_t)k]);
    }
    for (size_t k = 0; k < unique; k++) {
        size_t f = lim->flow[k], j = f % b->J, i = f / b->J % b->N, n = f / b->J / b->N;
        lim->row[k] = j * b->N8 + n;
        lim->col[k] = j * b->N8 + i;
        lim->cell[k] = tw_ge_cell(b, n, i, j);
        lim->K0[k] = ge->K[lim->cell[k]];
        lim->KT0[k] = ge->KT[lim->cell[k]];
        lim->KX0[k] = ge->KX[lim->cell[k]];
    }
}

tw_status
tw_ge_limits_load(tw_ge *ge, const tw_ge_scenarios *sc, size_t s)
{
    const tw_ge_limits *l = &sc->limits;
    tw_ge_limit_set *lim = &ge->lim;
    size_t total = ge->base->N * ge->base->N * ge->base->J;
    if (l->ptr == NULL || l->ptr[s] == l->ptr[s + 1]) {
        return TW_OK;
    }
    size_t first = (size_t)l->ptr[s], n = (size_t)l->ptr[s + 1] - first;
    for (size_t k = 0; k < n; k++) {
        if (!fine(l, first + k, total)) {
            return refuse(ge, TW_GE_BAD_LIMIT, first + k);
        }
        ge->has_x |= l->holder[first + k] == TW_GE_TO_EXPORTER;
    }
    lim->first = first;
    lim->kind = l->kind + first;
    lim->holder = l->holder + first;
    lim->bound = l->bound + first;
    lim->upper = l->upper + first;
    lim->member_ptr = l->member_ptr + first;
    lim->member = l->member;
    lim->n = n;
    ge->n8 = ge->at_m + (n + 7) / 8 * 8;
    collect(ge);
    for (size_t k = 0; k < n; k++) {
        double open = 0.0;
        for (ptrdiff_t m = lim->member_ptr[k]; m < lim->member_ptr[k + 1]; m++) {
            open += lim->K0[lim->place[m - lim->member_ptr[0]]];
        }
        if (is_floor(lim->kind[k]) && !(open > 0.0)) {
            return refuse(ge, TW_GE_BAD_LIMIT, first + k);
        }
    }
    return TW_OK;
}

/* ---- in an evaluation ---------------------------------------------------------------- */

static size_t
member_place(const tw_ge_limit_set *lim, ptrdiff_t member)
{
    return lim->place[member - lim->member_ptr[0]];
}

void
tw_ge_limits_patch(tw_ge *ge, const double *z)
{
    const tw_ge_base *b = ge->base;
    tw_ge_limit_set *lim = &ge->lim;
    const double *m = z + ge->at_m;
    for (size_t k = 0; k < lim->nflow; k++) {
        lim->d_t[k] = lim->d_x[k] = lim->d_w[k] = 0.0;
    }
    for (size_t l = 0; l < lim->n; l++) {
        double wedge = is_floor(lim->kind[l]) ? -m[l] : m[l];
        double *to = lim->holder[l] == TW_GE_TO_IMPORTER   ? lim->d_t
                     : lim->holder[l] == TW_GE_TO_EXPORTER ? lim->d_x
                                                           : lim->d_w;
        for (ptrdiff_t a = lim->member_ptr[l]; a < lim->member_ptr[l + 1]; a++) {
            to[member_place(lim, a)] += wedge;
        }
    }
    for (size_t k = 0; k < lim->nflow; k++) {
        size_t at = lim->cell[k];
        double theta = b->theta[lim->flow[k] % b->J];
        double factor = exp(-theta * (lim->d_t[k] + lim->d_x[k] + lim->d_w[k]));
        ge->K[at] = lim->K0[k] * factor;
        ge->KT[at] = lim->KT0[k] * (factor * exp(-lim->d_t[k]));
        if (ge->KX != ge->KT) {
            ge->KX[at] = lim->KX0[k] * (factor * exp(-lim->d_t[k] - lim->d_x[k]));
        }
    }
}

void
tw_ge_limits_rows(tw_ge *ge, const double *z, double *F)
{
    tw_ge_limit_set *lim = &ge->lim;
    const double *m = z + ge->at_m, *KX = ge->has_x ? ge->KX : ge->KT;
    for (size_t k = 0; k < lim->nflow; k++) {
        size_t at = lim->cell[k], col = lim->col[k];
        double flow = ge->u[col] * ge->q[lim->row[k]];
        lim->value[k] = ge->KT[at] * flow;
        lim->volume[k] = KX[at] * flow * exp(-lim->d_w[k] - ge->ln_c[col]);
    }
    for (size_t l = 0; l < lim->n; l++) {
        const double *what =
            lim->kind[l] == TW_GE_FLOOR_VALUE ? lim->value : lim->volume;
        double total = 0.0;
        for (ptrdiff_t a = lim->member_ptr[l]; a < lim->member_ptr[l + 1]; a++) {
            total += what[member_place(lim, a)];
        }
        double gap = log(lim->bound[l]) - log(total), over = m[l] - lim->upper[l];
        gap = is_floor(lim->kind[l]) ? -gap : gap;
        lim->total[l] = total;
        lim->gap[l] = gap;
        double natural = m[l] <= gap ? m[l] : gap;
        lim->piece[l] = over > natural ? 2 : m[l] <= gap ? 0 : 1;
        F[ge->at_m + l] = over > natural ? over : natural;
    }
    for (size_t l = ge->at_m + lim->n; l < ge->n8; l++) {
        F[l] = 0.0; /* padding: what a scenario before left there would change bits */
    }
}

/* How fast the gap of limit l opens with its wedge while incomes and costs stay. */
double
tw_ge_limits_slope(const tw_ge *ge, size_t l)
{
    const tw_ge_limit_set *lim = &ge->lim;
    const double *what = lim->kind[l] == TW_GE_FLOOR_VALUE ? lim->value : lim->volume;
    double slope = 0.0;
    for (ptrdiff_t a = lim->member_ptr[l]; a < lim->member_ptr[l + 1]; a++) {
        size_t k = member_place(lim, a);
        double theta = ge->base->theta[lim->flow[k] % ge->base->J];
        double part = ge->K[lim->cell[k]] * ge->u[lim->col[k]] / ge->Phi[lim->row[k]];
        slope += what[k] * (1.0 + theta * (1.0 - TW_MIN(part, 1.0)));
    }
    return lim->total[l] > 0.0 ? slope / lim->total[l] : 1.0;
}

/* After the solution: a slack limit has no wedge at all, an exhausted one its whole range. */
void
tw_ge_limits_settle(const tw_ge *ge, double *z)
{
    const tw_ge_limit_set *lim = &ge->lim;
    for (size_t l = 0; l < lim->n; l++) {
        double *m = &z[ge->at_m + l];
        *m = lim->piece[l] == 0   ? 0.0
             : lim->piece[l] == 2 ? lim->upper[l]
                                  : TW_MIN(TW_MAX(*m, 0.0), lim->upper[l]);
    }
}
