/* Exports a symbol that could be another library's: linked without the version script. */
#include "../corpus/sound.inc"
PODIUM_EXPORT int podium_test_helper(void);
int podium_test_helper(void) { return 1; }
