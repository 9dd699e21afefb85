/* tw_pe.h - private: the work space of partial equilibrium and the steps of one market. */
#ifndef TW_PE_H
#define TW_PE_H

#include "tw_anderson.h"

enum { TW_PE_MEMORY = 5 }; /* of Anderson acceleration */

/* exporters that take no part in clearing: mk->fixed[i] */
enum { TW_FREE = 0, TW_PRICE_GIVEN = 1, TW_SHUT_OUT = 2 };

/* Quantity controls of the market in work: tw_control.c. */
typedef struct {
    size_t n, nspecial;
    const int *kind;
    const double *limit, *upper;
    const ptrdiff_t *member_ptr, *member; /* flat flows */
    int *place;                           /* [flow] place among special flows, or -1 */
    int *at_bound;                        /* [control] */
    int *same;                            /* [control] first one with the same flows */
    size_t *flow, *row, *cell;            /* [special] */
    double *lx, *lm, *r, *sub, *border, *m, *eta, *d_lx, *d_lm, *d_r, *a0, *c0, *power,
        *volume;
    double *x;         /* [control], behind the prices in y */
    double *g, *total; /* [control] */
} tw_control;

typedef struct {
    const tw_kernels *kern;
    const tw_options *opt;
    const tw_stop *stop;
    int worker;
    tw_market mk;
    tw_anderson aa;
    double *aa_scratch, *f, *best; /* exporters, padded to 8 */
    /* general form: one entry a flow, or an importer */
    double *theta, *phi, *k0, *k1, *lnk, *lnu, *share, *eta, *lnq, *part;
    double *theta_m, *top, *acc, *lnPM, *nest;
    size_t *col_ptr, *col_flow, *col_row; /* flows by importer */
    tw_control ctl;
    int wedges;  /* lx, lm or a floor present */
    double *jac; /* [ni + controls] squared */
    int iterations;
    double residual;
    int cause;
    double *block; /* the one allocation behind the doubles */
    size_t *sizes; /* and behind the indices */
    int *ints;
} tw_pe_ws;

/* tw_pe_ws.c */
typedef struct {
    size_t nf, ni8, nn8, nk8, packed, special;
} tw_pe_extent;
tw_pe_extent tw_pe_largest(const tw_pe_problem *pb);
tw_status tw_pe_ws_new(tw_pe_ws *ws, const tw_pe_extent *x);
void tw_pe_ws_free(tw_pe_ws *ws);
void tw_pe_view(tw_pe_ws *ws, const tw_pe_problem *pb, const tw_pe_result *res,
                size_t m);

tw_status tw_pe_exact(tw_pe_ws *ws, const tw_options *opt); /* tw_pe_exact.c */

/* tw_pe_general.c: any mix of levels, wedges, weights and elasticities, in logs. */
void tw_pe_general_setup(tw_pe_ws *ws);
void tw_pe_general_eval(tw_pe_ws *ws); /* y -> r, lnP, lnq, share, nest, part */
void tw_pe_general_diagonal(tw_pe_ws *ws);
/* jac = -dr/dy, stride entries a row, rows and columns of fixed exporters the identity */
void tw_pe_general_jacobian(tw_pe_ws *ws, size_t stride);
double tw_pe_response(const tw_pe_ws *ws, size_t n, size_t f, size_t s);
void tw_pe_general_finish(tw_pe_ws *ws);
int tw_pe_is_home(const tw_market *mk, size_t n, size_t f);
double tw_pe_sigma_top(const tw_market *mk, size_t n);

/* tw_pe_newton.c */
tw_status tw_pe_newton(tw_pe_ws *ws, double tol, int max_iter, int damped);
tw_status tw_pe_legacy(tw_pe_ws *ws, const tw_pe_problem *pb); /* tw_pe_legacy.c */

int
tw_pe_all_spend(tw_pe_ws *ws); /* 0 with the cause set when a destination is empty */

#endif /* TW_PE_H */
