/* tw_lanes.h - loops over plain vectors, for the files that are built once per code path: sums
 * go over eight lanes (or twice eight) in a fixed order, so that all builds give equal bits. */
#ifndef TW_LANES_H
#define TW_LANES_H

#include "tw_vmath.h"

enum { LANES = 8, QUAD = 4 };

static void
vexp(size_t n, const double *x, double *y)
{
    for (size_t k = 0; k < n; k++) {
        y[k] = tw_exp1(x[k]);
    }
}

static void
vlog(size_t n, const double *x, double *y)
{
    for (size_t k = 0; k < n; k++) {
        y[k] = tw_log1(x[k]);
    }
}

static int
differ(size_t n, const double *x, const double *y)
{
    int any = 0;
    for (size_t k = 0; k < n; k++) {
        any |= !(x[k] == y[k]);
    }
    return any;
}

static int
differ_from(size_t n, const double *x, double y)
{
    int any = 0;
    for (size_t k = 0; k < n; k++) {
        any |= !(x[k] == y);
    }
    return any;
}

static int
outside(size_t n, const double *x, double low)
{
    int any = 0;
    for (size_t k = 0; k < n; k++) {
        any |= !(x[k] > low) || !(x[k] <= 1.7976931348623157e308);
    }
    return any;
}

static void
axpy(size_t n8, double s, const double *restrict x, double *restrict y)
{
    for (size_t k = 0; k < n8; k++) {
        y[k] += s * x[k];
    }
}

/* ---- sums with a fixed order ---------------------------------------------------------- */

static double
lane_sum(const double *acc)
{
    return ((acc[0] + acc[4]) + (acc[2] + acc[6])) +
           ((acc[1] + acc[5]) + (acc[3] + acc[7]));
}

static double
dot(size_t n8, const double *x, const double *y)
{
    double acc[LANES] = {0};
    for (size_t n = 0; n < n8; n += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            acc[k] += x[n + k] * y[n + k];
        }
    }
    return lane_sum(acc);
}

static double
dot3(size_t n8, const double *restrict x, const double *restrict y,
     const double *restrict z)
{
    double acc[LANES] = {0};
    for (size_t n = 0; n < n8; n += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            acc[k] += x[n + k] * y[n + k] * z[n + k];
        }
    }
    return lane_sum(acc);
}

/* Sparse rows are padded to a multiple of four cells (QUAD) that hold zeros and point at a
 * place past the last importer, so that these loops have no tails. */
static double
gather_dot(size_t n, const int *restrict col, const double *restrict x,
           const double *restrict y)
{
    double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
    for (size_t k = 0; k < n; k += QUAD) {
        s0 += x[k] * y[col[k]];
        s1 += x[k + 1] * y[col[k + 1]];
        s2 += x[k + 2] * y[col[k + 2]];
        s3 += x[k + 3] * y[col[k + 3]];
    }
    return (s0 + s2) + (s1 + s3);
}

/* sum[col] += x * scale: columns of one row are distinct, so four may be loaded at once. */
static void
scatter_add(size_t n, const int *restrict col, const double *restrict x, double scale,
            double *restrict sum)
{
    for (size_t k = 0; k < n; k += QUAD) {
        double s0 = sum[col[k]] + x[k] * scale;
        double s1 = sum[col[k + 1]] + x[k + 1] * scale;
        double s2 = sum[col[k + 2]] + x[k + 2] * scale;
        double s3 = sum[col[k + 3]] + x[k + 3] * scale;
        sum[col[k]] = s0;
        sum[col[k + 1]] = s1;
        sum[col[k + 2]] = s2;
        sum[col[k + 3]] = s3;
    }
}

static void
add_rows4(size_t n8, const double *restrict a, const double *scale,
          double *restrict sum)
{
    const double *a1 = a + n8, *a2 = a + 2 * n8, *a3 = a + 3 * n8;
    double s0 = scale[0], s1 = scale[1], s2 = scale[2], s3 = scale[3];
    for (size_t n = 0; n < n8; n++) {
        sum[n] += (a[n] * s0 + a1[n] * s1) + (a2[n] * s2 + a3[n] * s3);
    }
}

enum { WIDE = 2 * LANES, CHUNK = 512 };

/* The lanes of a dot product go on from chunk to chunk; two chains of them. */
static inline void
dot_chunk(size_t n8, const double *x, const double *y, double *restrict lanes)
{
    double acc[WIDE];
    size_t n = 0;
    memcpy(acc, lanes, sizeof acc);
    for (; n + WIDE <= n8; n += WIDE) {
        for (size_t k = 0; k < WIDE; k++) {
            acc[k] += x[n + k] * y[n + k];
        }
    }
    for (size_t k = 0; n < n8 && k < LANES; k++) {
        acc[k] += x[n + k] * y[n + k];
    }
    memcpy(lanes, acc, sizeof acc);
}

static double
wide_sum(const double *lanes)
{
    return lane_sum(lanes) + lane_sum(lanes + LANES);
}

/* x and y stay in cache while the columns pass. */
static void
dots(size_t n8, size_t m, const double *c, const double *x, const double *y, double *a,
     double *b)
{
    enum { GROUP = 8 };
    for (size_t j0 = 0; j0 < m; j0 += GROUP) {
        size_t j1 = j0 + GROUP < m ? j0 + GROUP : m;
        double lanes[2 * GROUP][WIDE] = {{0}};
        for (size_t n = 0; n < n8; n += CHUNK) {
            size_t length = n + CHUNK < n8 ? CHUNK : n8 - n;
            for (size_t j = j0; j < j1; j++) {
                dot_chunk(length, c + j * n8 + n, x + n, lanes[2 * (j - j0)]);
                dot_chunk(length, c + j * n8 + n, y + n, lanes[2 * (j - j0) + 1]);
            }
        }
        for (size_t j = j0; j < j1; j++) {
            a[j] = wide_sum(lanes[2 * (j - j0)]);
            b[j] = wide_sum(lanes[2 * (j - j0) + 1]);
        }
    }
}

/* y += f, and the differences of y + f and of f to the last ones. */
static void
difference(size_t n8, double *restrict y, const double *restrict f,
           double *restrict h_last, double *restrict f_last, double *restrict dh,
           double *restrict df)
{
    for (size_t k = 0; k < n8; k++) {
        double next = y[k] + f[k];
        dh[k] = next - h_last[k];
        df[k] = f[k] - f_last[k];
        y[k] = h_last[k] = next;
        f_last[k] = f[k];
    }
}

static void
combine(size_t n8, size_t m, const double *c, const double *w, double *y)
{
    size_t j = 0;
    for (; j + 4 <= m; j += 4) {
        add_rows4(n8, c + j * n8, w + j, y);
    }
    for (; j < m; j++) {
        axpy(n8, w[j], c + j * n8, y);
    }
}

/* The bits of |x| order as |x| does, with what is not finite at the end. */
static double
largest(size_t n8, const double *x)
{
    uint64_t top = 0;
    for (size_t n = 0; n < n8; n++) {
        uint64_t bits;
        memcpy(&bits, &x[n], sizeof bits);
        bits &= 0x7fffffffffffffffu;
        top = bits > top ? bits : top;
    }
    double most;
    memcpy(&most, &top, sizeof most);
    return most <= 1.7976931348623157e308 ? most : (double)NAN;
}

#endif /* TW_LANES_H */
