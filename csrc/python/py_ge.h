/* py_ge.h - arguments and outputs that the functions of general equilibrium share. */
#ifndef PY_GE_H
#define PY_GE_H

#include "tw_python.h"

/* Each returns 0 with an exception set on anything malformed.  Optional: None gives NULL. */
int py_ge_optional(PyObject *o, const char *name, int nd, npy_intp *dims,
                   const double **out);
/* A batch, from (world, closure, changes, productivity, deficit, limits). */
int py_ge_batch(PyObject *const o[6], tw_ge_world *w, tw_ge_options *c,
                tw_ge_scenarios *sc, npy_intp *nlimit);
int py_ge_point(PyObject *point, const tw_ge_world *w, size_t S, npy_intp nlimit,
                tw_ge_point *p);

typedef struct {
    int nd;
    npy_intp dims[5];
    int type;
} py_shape;

/* A tuple of new arrays, made first and filled by the core. */
PyObject *py_ge_outputs(int count, const py_shape *shapes, void **data);

#endif /* PY_GE_H */
