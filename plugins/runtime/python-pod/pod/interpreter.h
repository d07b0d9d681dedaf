#ifndef PODIUM_POD_INTERPRETER_H
#define PODIUM_POD_INTERPRETER_H
/* The part of a pod that touches the inside of CPython, in C because its internal headers are.
 *
 * A pod runs a program with the very functions that `python3 main.py` runs it with, from a thread
 * state without a frame of the zygote. Only the end differs: Py_FinalizeEx tears down every module
 * of the interpreter, which for a big one takes many milliseconds and shows the program nothing;
 * here what the program itself made is torn down, in the same order, and the rest dies with the
 * process. All functions: with the GIL, on the only thread. */

#include <Python.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the interpreter that runs is the one the module was built for. */
int podium_interpreter_suits(void);

/* Forgets the frames of the zygote: a new thread state takes the place of the present one. The
 * caller's own Python frames must not be returned to. 0, or -1 with an exception. */
int podium_fresh_thread_state(void);

/* A __main__ as `python3 filename` makes it, in place of the present one. Not to be frozen for the
 * garbage collector: what a program leaves in it is collected at the end. */
int podium_fresh_main(const char* filename);

/* Remembers what is loaded now as the zygote's. */
int podium_remember_modules(void);

/* In a pod, with its fresh __main__, just before it waits: what the run is to be compared with. */
void podium_note_waiting(void);

/* Runs a small program as __main__ and as much of the end as can be repeated: what every program
 * touches is this process's own afterwards. A fresh __main__ must be made after it. 0, or -1 with
 * an exception. */
int podium_rehearse(const char* program, const char* filename);

/* Runs the file, whose descriptor is given away, as __main__ and ends the interpreter, unless the
 * run left nothing whose end could be seen: no thread, no exit function, no object of a class;
 * `before_exit` (may be NULL) is called when the program and its threads have ended, before its
 * atexit functions. Returns the exit status, or -SIGINT when the program died of a
 * KeyboardInterrupt. */
int podium_run_main(int descriptor, const char* filename, PyObject* before_exit);

#ifdef __cplusplus
}
#endif
#endif
