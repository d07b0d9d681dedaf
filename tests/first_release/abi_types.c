/* Every type of the contract as debug information, for abidiff: tests/sdk_package/run compiles it with
 * the frozen header and with today's. */
#include ABI_HEADER

#define USE(name) __attribute__((visibility("default"))) void use_##name(name *value); \
  void use_##name(name *value) { (void)value; }

USE(podium_error)
USE(podium_buffer)
USE(podium_option_table)
USE(podium_config)
USE(podium_host)
USE(podium_executor)
USE(podium_sandbox)
USE(podium_health)
USE(podium_metrics)
USE(podium_limits)
USE(podium_run)
USE(podium_completion)
USE(podium_run_callbacks)
USE(podium_runtime)
USE(podium_runtime_factory)
USE(podium_source)
USE(podium_sink)
USE(podium_blob)
USE(podium_storage)
USE(podium_local_file)
USE(podium_adopt_file)
USE(podium_maintenance)
USE(podium_storage_factory)
USE(podium_result)
USE(podium_response_traits)
USE(podium_response)
USE(podium_response_factory)
USE(podium_plugin)
