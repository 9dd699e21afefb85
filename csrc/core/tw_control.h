/* tw_control.h - private: quantity controls of the market in work. */
#ifndef TW_CONTROL_H
#define TW_CONTROL_H

#include "tw_pe.h"

void tw_control_collect(tw_pe_ws *ws);
void tw_control_wedges(tw_pe_ws *ws);
double tw_control_slope(const tw_control *c, size_t k, size_t s);
void tw_control_keep(tw_pe_ws *ws);
void tw_control_patch(tw_pe_ws *ws);
void tw_control_finish_packed(tw_pe_ws *ws);
double tw_control_natural(const tw_control *c, size_t k);
double tw_control_gaps_packed(tw_pe_ws *ws);
double tw_control_gaps_general(tw_pe_ws *ws);
void tw_control_step(tw_pe_ws *ws, double *step);
int tw_control_project(tw_pe_ws *ws);
/* A complementarity condition as an equation, and its slopes by x and by g. */
typedef struct {
    double value, by_x, by_g;
} tw_fischer;
tw_fischer tw_control_fischer(const tw_control *c, size_t k);
void tw_control_jacobian(tw_pe_ws *ws, size_t stride, double *rhs);
int tw_control_infeasible(const tw_pe_ws *ws);
void tw_control_report(const tw_pe_ws *ws, double *shadow);

#endif /* TW_CONTROL_H */
