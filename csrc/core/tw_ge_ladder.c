/* tw_ge_ladder.c - scenarios that accelerated sweeps leave unsolved.
 *
 * Newton's method with a backtracking line search on |F|, its linear systems by GMRES with
 * exact Jacobian products, or by elimination where the system is small.  From far away the
 * scenario is approached in parts: all wedges, productivity and deficits move from the
 * baseline in logs (homotopy), each part starting at the line through the last two.
 */
#include "tw_ge_linear.h"
#include "tw_gmres.h"

#include <math.h>
#include <string.h>

enum {
    KRYLOV = 60,
    PRODUCTS = 240,
    NEWTON_STEPS = 60,
    BOLD_STEPS = 10,
    HALVINGS = 12,
    SLOW = 6, /* steps of a line search that have to halve |F| */
    PARTS = 200,
    SETTLING = 150
};
/* Systems up to this size are eliminated, at once or where GMRES fails on them. */
enum { DENSE = 160, DENSE_LAST = 640 };
static const double LONGEST = 2.0;    /* change of an unknown in a Newton step */
static const double PART_TOL = 1e-11; /* on the way: near autarky a looser one leaves
                                         wages open */
static const double BOLD_RISE = 0.3;  /* beyond which full steps are given up */
static const double NEARLY = 1e-11;   /* a residual this small has met its rounding */
static const double ROUNDED =
    20.0; /* times the rounding of F: nothing is left to gain */
static const double LEAST_PART = 1e-3;

typedef struct {
    tw_ge *ge;
    tw_ge_linear lin;
    double *linear, *krylov, *dense;                          /* scratch */
    double *rhs, *move, *trial, *last, *ahead, *start, *keep; /* [n8] */
} ladder;

static size_t
dense_size(size_t n8)
{
    return n8 <= DENSE_LAST ? n8 * n8 : 0;
}

size_t
tw_ge_ladder_doubles(const tw_ge *ge)
{
    size_t n8 = ge->most8;
    return tw_ge_linear_doubles(ge->base, ge->lim.most) + tw_gmres_doubles(n8, KRYLOV) +
           dense_size(n8) + 7 * n8 + 8;
}

static ladder
new_ladder(tw_ge *ge)
{
    size_t n8 = ge->most8;
    ladder l = {.ge = ge};
    l.linear = tw_ge_align(ge->ladder);
    l.krylov = l.linear + tw_ge_linear_doubles(ge->base, ge->lim.most);
    l.dense = l.krylov + tw_gmres_doubles(n8, KRYLOV);
    l.rhs = l.dense + dense_size(n8);
    l.move = l.rhs + n8;
    l.trial = l.move + n8;
    l.last = l.trial + n8;
    l.ahead = l.last + n8;
    l.start = l.ahead + n8;
    l.keep = l.start + n8;
    return l;
}

/* ---- Newton ------------------------------------------------------------------------------ */

static int
apply(void *ctx, const double *x, double *y)
{
    ladder *l = ctx;
    tw_ge_jvp(&l->lin, x, y);
    l->ge->iterations++;
    return tw_stop_now(l->ge->stop, l->ge->worker);
}

/* move = J^-1 rhs by elimination */
static tw_status
eliminate(ladder *l)
{
    tw_ge *ge = l->ge;
    tw_ge_jacobian(&l->lin, l->trial, l->move, l->dense);
    memcpy(l->move, l->rhs, ge->n8 * sizeof *l->move);
    ge->iterations++;
    return tw_lu_solve(ge->n8, l->dense, l->move);
}

/* move = -J^-1 F at the state last evaluated */
static tw_status
direction(ladder *l, double forcing)
{
    tw_ge *ge = l->ge;
    size_t n8 = ge->n8, products;
    double left;
    for (size_t k = 0; k < n8; k++) {
        l->rhs[k] = -ge->F[k];
    }
    tw_ge_linear_init(&l->lin, ge, l->linear);
    if (n8 <= DENSE && eliminate(l) == TW_OK) {
        return TW_OK;
    }
    size_t most = (size_t)TW_MAX(ge->opt->max_iter - ge->iterations, 1);
    tw_status rc = TW_NOCONV;
    for (int again = 0; again < 2;
         again++) { /* elimination overwrites an inexact step */
        rc = tw_gmres(ge->kern, n8, KRYLOV, TW_MIN(most, PRODUCTS), forcing, apply, l,
                      l->rhs, l->move, l->krylov, &products, &left);
        int hard = rc == TW_NOCONV && n8 > DENSE && n8 <= DENSE_LAST && !again;
        if (!hard) {
            break;
        }
        if (eliminate(l) == TW_OK) {
            return TW_OK;
        }
    }
    return rc == TW_NOCONV && left < 0.9 ? TW_OK : rc; /* an inexact step is a step */
}

static double
norm(const tw_ge *ge)
{
    return sqrt(ge->kern->dot(ge->n8, ge->F, ge->F));
}

/* z + s move with the largest s = 1, 1/2, ... that lowers |F|; TW_NOCONV if none does. */
static tw_status
line_search(ladder *l, double *z, double tol, double before)
{
    tw_ge *ge = l->ge;
    double top = ge->kern->largest(ge->n8, l->move);
    double s = top > LONGEST ? LONGEST / top : 1.0;
    for (int k = 0; k < HALVINGS; k++, s *= 0.5) {
        for (size_t n = 0; n < ge->n8; n++) {
            l->trial[n] = z[n] + s * l->move[n];
        }
        int done = tw_ge_check(ge, l->trial, tol);
        if (tw_stop_now(ge->stop, ge->worker)) {
            return TW_EINTR;
        }
        if (done || norm(ge) < (1.0 - 1e-4 * s) * before) {
            memcpy(z, l->trial, ge->n8 * sizeof *z);
            return TW_OK;
        }
    }
    return TW_NOCONV;
}

/* z + move, or the part of it that keeps within LONGEST. */
static tw_status
full_step(ladder *l, double *z)
{
    tw_ge *ge = l->ge;
    double top = ge->kern->largest(ge->n8, l->move);
    double s = top > LONGEST ? LONGEST / top : 1.0;
    for (size_t n = 0; n < ge->n8; n++) {
        z[n] += s * l->move[n];
    }
    return TW_OK;
}

static tw_status
iterate(ladder *l, double *z, double tol, int bold)
{
    tw_ge *ge = l->ge;
    double before = INFINITY, first = 0.0, mark = INFINITY;
    int most = bold ? BOLD_STEPS : NEWTON_STEPS;
    for (int it = 0; it <= most && ge->iterations < ge->opt->max_iter; it++) {
        if (tw_ge_check(ge, z, tol)) {
            return TW_OK;
        }
        double now = norm(ge);
        first = it == 0 ? now : first;
        if (!(now < INFINITY)) {
            return TW_ENUMERIC;
        }
        if (it == most || (bold && now > 4.0 * first + BOLD_RISE)) {
            break;
        }
        if (it % SLOW == 0) {
            if (!bold && now > 0.5 * mark) {
                break;
            }
            mark = now;
        }
        /* Eisenstat and Walker 1996: solve the system as well as the last step paid off. */
        double ratio = now / before;
        double forcing =
            it == 0 ? 1e-2 : TW_MIN(TW_MAX(0.5 * ratio * ratio, 1e-4), 1e-1);
        before = now;
        tw_status rc = direction(l, forcing);
        if (rc == TW_OK) {
            rc = bold ? full_step(l, z) : line_search(l, z, tol, now);
        }
        if (rc != TW_OK) {
            return rc;
        }
    }
    /* The last step may have done it. */
    return tw_ge_check(ge, z, tol) ? TW_OK : TW_NOCONV;
}

/* Full steps first: near autarky the way to the solution leads over larger residuals.  Then
 * from the same point with a line search. */
static tw_status
newton(ladder *l, double *z, double tol)
{
    size_t bytes = l->ge->n8 * sizeof *z;
    memcpy(l->keep, z, bytes);
    tw_status rc = iterate(l, z, tol, 1);
    if (rc == TW_NOCONV || rc == TW_ENUMERIC) {
        memcpy(z, l->keep, bytes);
        rc = iterate(l, z, tol, 0);
    }
    return rc;
}

/* ---- in parts ---------------------------------------------------------------------------- */

/* Newton at the part in work; near enough is enough on the way. */
static tw_status
settle(ladder *l, double *z, double tol)
{
    tw_ge *ge = l->ge;
    tw_status rc = newton(l, z, tol);
    int near = rc == TW_NOCONV && ge->residual < NEARLY && ge->poor < 0;
    return near && tol < tw_ge_goal(ge) ? TW_OK : rc;
}

static tw_status
in_parts(ladder *l, const tw_ge_scenarios *sc, size_t s, double *z)
{
    tw_ge *ge = l->ge;
    double part = 0.0, part_last = 0.0, step = 0.25;
    size_t bytes = ge->n8 * sizeof *z;
    memset(z, 0, bytes);
    tw_status rc = tw_ge_load_part(ge, sc, s, 0.0);
    if (rc == TW_OK) {
        rc = tw_ge_sweeps(ge, z, PART_TOL, TW_GE_MEMORY_LONG, SETTLING);
    }
    if (rc == TW_NOCONV) {
        rc = settle(l, z, PART_TOL);
    }
    memcpy(l->last, z, bytes);
    for (int k = 0; k < PARTS && rc == TW_OK && part < 1.0; k++) {
        double next = part + step < 1.0 ? part + step : 1.0;
        double ahead = part > part_last ? (next - part) / (part - part_last) : 0.0;
        for (size_t n = 0; n < ge->n8; n++) {
            l->ahead[n] = z[n] + ahead * (z[n] - l->last[n]);
        }
        rc = tw_ge_load_part(ge, sc, s, next);
        if (rc != TW_OK) {
            return rc;
        }
        rc = settle(l, l->ahead, next < 1.0 ? PART_TOL : tw_ge_goal(ge));
        if (rc == TW_OK) {
            memcpy(l->last, z, bytes);
            memcpy(z, l->ahead, bytes);
            part_last = part;
            part = next;
            step *= 2.0;
        }
        else if (rc != TW_EINTR && step > LEAST_PART &&
                 ge->iterations < ge->opt->max_iter) {
            step = 0.25 * (next - part);
            rc = TW_OK;
        }
    }
    if (rc == TW_OK && part < 1.0) {
        rc = TW_NOCONV;
    }
    return rc;
}

tw_status
tw_ge_ladder(tw_ge *ge, const tw_ge_scenarios *sc, size_t s, double *z)
{
    ladder l = new_ladder(ge);
    size_t bytes = ge->n8 * sizeof *z;
    memcpy(l.start, z, bytes);
    tw_status rc = iterate(&l, z, tw_ge_goal(ge), 1);
    if (rc != TW_NOCONV && rc != TW_ENUMERIC) {
        return rc;
    }
    if (tw_ge_check(ge, z, tw_ge_goal(ge))) {
        return TW_OK;
    }
    if (!(ge->residual < NEARLY)) {
        memcpy(z, l.start, bytes);
        tw_ge_check(ge, z, 0.0);
    }
    double here = ge->residual;
    if (here < ROUNDED * tw_ge_floor(ge) && ge->poor < 0) { /* no nearer is possible */
        return TW_NOCONV;
    }
    rc = in_parts(&l, sc, s, z);
    if (rc == TW_NOCONV || rc == TW_ENUMERIC) { /* the better of the two points */
        tw_status again = tw_ge_load_part(ge, sc, s, 1.0);
        tw_ge_check(ge, z, 0.0);
        if (again == TW_OK && !(ge->residual < here)) {
            memcpy(z, l.start, bytes);
        }
    }
    return rc;
}
