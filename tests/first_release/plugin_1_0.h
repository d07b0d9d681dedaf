/* What the plugins of the first release share. They see abi.h of that release only and no SDK. */
#ifndef PLUGIN_1_0_H
#define PLUGIN_1_0_H

#include "podium_1_0/abi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline podium_bytes text(const char *given) {
  podium_bytes out = {given, strlen(given)};
  return out;
}

static inline podium_code fail(podium_error *err, podium_code code, const char *why) {
  if (err != NULL) snprintf(err->message, sizeof err->message, "%s", why);
  return code;
}

#define PLUGIN_1_0(ID, FACTORY_ID, factory)                                                             \
  static const void *get_factory(const char *id) { return strcmp(id, FACTORY_ID) == 0 ? &factory : NULL; } \
  const podium_plugin podium_plugin_v1 = {sizeof(podium_plugin), 1, 0, 0, ID, "1.0.0", "As on the first day", get_factory};

#endif
