/* tw_ge_linear.h - private: the derivative of F at a state, as products.
 *
 * Two ways through the chain of tw_ge_sweep.c, forward (tangent) and backward (adjoint); no
 * Jacobian is formed.  Every product costs about a sweep.
 */
#ifndef TW_GE_LINEAR_H
#define TW_GE_LINEAR_H

#include "tw_ge.h"

/* Views of the state and what is derived from it once; then scratch of the products.
 * [r] is [j][n8].  In the names of the adjoint, x_bar is d(objective)/d(ln x). */
typedef struct tw_ge_linear {
    const tw_ge *ge;
    /* constants of the state */
    double *inv_X_new, *inv_Y, *inv_X; /* [r] 1/level, 0 where that is 0 */
    double *inputs; /* [r] inputs' share of cost; inv_inputs 0 where there are none */
    double *inv_inputs; /* [r] */
    double *demand;     /* [r] intermediate demand, X_new - alpha' I' */
    double *omega;      /* [n8] share in world labour income */
    double *inv_B;      /* [n8] likewise */
    double *relief; /* [n8] kappa / (1 - tau); 0 unless revenue relieves income tax */
    double weight;  /* deficits in proportion to income: sum base / carry^2 */
    /* per flow in a limit: KT u q and KX u q, and what the adjoint adds to their logs */
    double *z, *h, *z_bar, *h_bar, *v_bar; /* [special] v_bar: of -ln(c e^waste) */
    /* of one product */
    double *dct, *du, *dq, *dY, *dYT, *t1, *t2, *t3; /* [r] */
    double *a, *b, *c, *d, *e;                       /* [n8] */
} tw_ge_linear;

/* Objective of an adjoint beyond v.F: derivatives with respect to ... [n8] or [r], or NULL. */
typedef struct tw_ge_seed {
    const double *income, *price, *wage, *labour; /* ln I', ln Pc, ln w, ln L */
    const double *output;                         /* ln Y', [r] */
    const double *revenue;                        /* R' itself */
} tw_ge_seed;

/* Derivatives with respect to the logs of one flow's wedges. */
typedef struct {
    double tariff, export_tax, cost,
        waste; /* ln(1+t'), ln(1+x'), ln d, a wasted wedge */
} tw_ge_flow_bar;

/* Length of the scratch where at most nflow flows are in limits. */
size_t tw_ge_linear_doubles(const tw_ge_base *b, size_t nflow);
/* After tw_ge_eval; the state must stay as it is while `lin` is in use. */
void tw_ge_linear_init(tw_ge_linear *lin, const tw_ge *ge, double *scratch);

/* dF = (dF/dz) dz and dz = (dF/dz)' v.  Zeros in padding and dead cells stay zeros. */
void tw_ge_jvp(tw_ge_linear *lin, const double *dz, double *dF);
void tw_ge_vjp(tw_ge_linear *lin, const double *v, double *dz);

/* The same with an objective added to v.F.  What it leaves in `lin` is all that derivatives
 * with respect to flows need: dq = phi_bar; dY, a, b the derivatives with respect to the
 * levels of Y', R', XR'; z_bar, h_bar, v_bar of limits.  With E = K u q, Z' = KT u q and
 * H = KX u q of a flow
 *     z = (b[i] - a[n]) Z' + z_bar,   h = (dY[i] - b[i]) H + h_bar,
 *     k = phi_bar E / X' + z + h,
 *     d ln(1+t') = -theta k - z - h,   d ln(1+x') = -theta k - h,   d ln d = -theta k. */
void tw_ge_adjoint(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed,
                   double *dz);
/* For special flow f, after tw_ge_adjoint. */
tw_ge_flow_bar tw_ge_special_bar(const tw_ge_linear *lin, size_t f);

/* dF/dz, [n8][n8] row-major, with -1 on the diagonal of padding and dead cells: the matrix of
 * Newton's method in small worlds.  unit and column are scratch, n8 long. */
void tw_ge_jacobian(tw_ge_linear *lin, double *unit, double *column, double *a);

/* The loops, one build per code path: tw_ge_tangent.c, tw_ge_transpose.c. */
void tw_ge_tangent_base(tw_ge_linear *lin, const double *dz, double *dF);
void tw_ge_tangent_avx2(tw_ge_linear *lin, const double *dz, double *dF);
void tw_ge_tangent_avx512(tw_ge_linear *lin, const double *dz, double *dF);
void tw_ge_transpose_base(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed,
                          double *dz);
void tw_ge_transpose_avx2(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed,
                          double *dz);
void tw_ge_transpose_avx512(tw_ge_linear *lin, const double *v, const tw_ge_seed *seed,
                            double *dz);
void tw_ge_flow_bars_base(const tw_ge_linear *lin, size_t i, size_t j, double *tariff,
                          double *export_tax, double *cost);
void tw_ge_flow_bars_avx2(const tw_ge_linear *lin, size_t i, size_t j, double *tariff,
                          double *export_tax, double *cost);
void tw_ge_flow_bars_avx512(const tw_ge_linear *lin, size_t i, size_t j, double *tariff,
                            double *export_tax, double *cost);

static inline int
tw_ge_is_floor(int kind)
{
    return kind == TW_GE_FLOOR_QUANTITY || kind == TW_GE_FLOOR_VALUE;
}

#endif /* TW_GE_LINEAR_H */
