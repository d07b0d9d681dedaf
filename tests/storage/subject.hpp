#pragma once
#include <podium/testing/loaded_storage.hpp>

namespace podium::test {

using Subject = sdk::testing::LoadedStorage;
using sdk::testing::noise;
using sdk::testing::OptionValue;
using sdk::testing::Outcome;
using sdk::testing::source_of;
using sdk::testing::TestSource;

}  // namespace podium::test
