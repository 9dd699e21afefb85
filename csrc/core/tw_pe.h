/* tw_pe.h - private: the work space of partial equilibrium and the steps of one market. */
#ifndef TW_PE_H
#define TW_PE_H

#include "tw_anderson.h"

/* exporters that take no part in clearing: mk->fixed[i] */
enum { TW_FREE = 0, TW_PRICE_GIVEN = 1, TW_SHUT_OUT = 2 };

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
    int wedges;  /* lx or lm present */
    double *jac; /* [ni][ni] */
    int iterations;
    double residual;
    int cause;
    double *block; /* the one allocation behind the doubles */
    size_t *sizes; /* and behind the indices */
    int *ints;
} tw_pe_ws;

/* tw_pe_general.c: any mix of levels, wedges, weights and elasticities, in logs. */
void tw_pe_general_setup(tw_pe_ws *ws);
void tw_pe_general_eval(tw_pe_ws *ws); /* y -> r, lnP, lnq, share, nest, part */
void tw_pe_general_diagonal(tw_pe_ws *ws);
void tw_pe_general_jacobian(tw_pe_ws *ws); /* -> jac = -dr/dy */
void tw_pe_general_finish(tw_pe_ws *ws);
int tw_pe_is_home(const tw_market *mk, size_t n, size_t f);
double tw_pe_sigma_top(const tw_market *mk, size_t n);

tw_status tw_pe_newton(tw_pe_ws *ws, double tol, int max_iter); /* tw_pe_newton.c */
tw_status tw_pe_legacy(tw_pe_ws *ws, const tw_pe_problem *pb);  /* tw_pe_legacy.c */

int tw_pe_all_spend(tw_pe_ws *ws); /* 0 with the cause set when a destination is empty */

#endif /* TW_PE_H */
