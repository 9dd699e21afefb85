/* tw_kernels.h - private: one market in work, and the loops built once per code path. */
#ifndef TW_KERNELS_H
#define TW_KERNELS_H

#include "tw_internal.h"

/* One market: views of the problem (offset to the market), then scratch.
 *
 * Flows are rows of a sparse matrix, exporter by importer.  Rows that fill enough of it are
 * packed dense (stride nn8, zeros where no flow is), the others sparse (col).  Packed arrays
 * a and c hold the importer and the exporter side:
 *     a = X T0 w K^(1-sigma),   c = X/A0 w K^-sigma,   K = (A1/A0) F (T1/T0).
 */
typedef struct {
    size_t ni, nn, nn8, nf;
    size_t first; /* flat number of the first flow */
    const ptrdiff_t *row;
    const int *col;
    const double *value, *t0, *t1, *x0, *x1, *cost, *weight, *lx, *lm, *floor;
    const double *sigma, *eps, *sigma_home, *mu;
    const ptrdiff_t *home;
    double *q, *lnp, *lnP; /* outputs */
    /* scratch, importers: nn8 + 8 long, the place nn8 takes what padding adds */
    double *spend, *inv_spend, *sum, *gain, *power, *tmp_n, *ae;
    /* scratch, exporters: ni long; y goes on with the unknowns of controls */
    double *sales, *inv_sales, *y, *r, *diag, *demand, *p_power, *fixed;
    /* packed scratch */
    double *a, *c, *e, *oms;
    int *pcol;
    size_t *off;                    /* [ni] start of the row in a and c */
    size_t *list;                   /* [ni] dense rows first, then sparse ones */
    size_t *bucket;                 /* [nn8 / 4 + 2] */
    size_t ndense, sparse_off, end; /* of the packed cells */
    /* flows whose wedge changed */
    double *change;
    size_t *changed;
    size_t nchanged;
} tw_market;

typedef struct {
    void (*exp)(size_t n, const double *x, double *y);
    void (*log)(size_t n, const double *x, double *y);
    int (*differ)(size_t n, const double *x, const double *y); /* any x != y, or NaN */
    int (*differ_from)(size_t n, const double *x, double y);
    int (*outside)(size_t n, const double *x, double low); /* any x not above low */
    double (*dot)(size_t n8, const double *x, const double *y); /* n8: multiple of 8 */
    void (*axpy)(size_t n8, double s, const double *x, double *y);
    /* columns c[m][n8]: a[j] = c_j x, b[j] = c_j y;  y += sum_j w[j] c_j */
    void (*dots)(size_t n8, size_t m, const double *c, const double *x, const double *y,
                 double *a, double *b);
    void (*combine)(size_t n8, size_t m, const double *c, const double *w, double *y);
    /* y += f; dh = y - h_last, df = f - f_last, which then become y and f */
    void (*difference)(size_t n8, double *y, const double *f, double *h_last,
                       double *f_last, double *dh, double *df);
    double (*largest)(size_t n8,
                      const double *x); /* max |x|, NaN if any is not finite */
    void (*pack)(tw_market *mk, int common);
    void (*import_side)(tw_market *mk, int common);
    void (*export_side)(tw_market *mk, int common);
    void (*diagonal)(tw_market *mk);
    /* max |r| (NaN if any is); next step f = r / diag, at most 2 in size */
    double (*residual)(const tw_market *mk);
    void (*step)(const tw_market *mk, double *f);
    void (*finish)(tw_market *mk, int common);
} tw_kernels;

const tw_kernels *tw_kernels_get(int level); /* level must be available */

#endif /* TW_KERNELS_H */
