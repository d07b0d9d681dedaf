#pragma once
/// Fakes for the tests of plugin authors: a host, a run, streams, a config. Not for plugins
/// themselves. Everything here works through the C ABI, so a test sees what the host will see.

#include <podium/sdk/testing/fake_host.hpp>
#include <podium/sdk/testing/instance.hpp>
#include <podium/sdk/testing/run.hpp>
#include <podium/sdk/testing/streams.hpp>
#include <podium/sdk/testing/test_config.hpp>
