/* Does not return while the file that "name" names is there: in create and in the pre-flight when
 * "count" is 1, in create alone when it is 2, in destroy when it is 3. */
#include <podium/abi.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char file[4096];
static int64_t where;

static void hang(void) {
  const struct timespec pause = {0, 5000000};
  while (access(file, F_OK) == 0) nanosleep(&pause, NULL);
}
static void hanging_destroy(void* self) {
  (void)self;
  if (where == 3) hang();
}

#define SECOND_OPTION \
  { sizeof(podium_option), PODIUM_INTEGER, "count", "1", NULL, NULL, "Where." }
#define DESTROY hanging_destroy
#define CREATE_BODY                                                        \
  const podium_bytes name = config->values[0].text;                        \
  where = config->values[1].integer;                                       \
  memcpy(file, name.data, name.size < sizeof file ? name.size : 0);        \
  if (where == 1 || (where == 2 && (flags & PODIUM_DRY_RUN) == 0)) hang(); \
  return PODIUM_OK;
#include "sound.inc"
