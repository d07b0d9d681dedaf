#include "plugin/abi_code.hpp"

#include <gtest/gtest.h>

using namespace podium;

TEST(AbiCode, MapsEveryFailureOfAPluginToItsMeaning) {
  EXPECT_EQ(code_of(PODIUM_INVALID_ARGUMENT), Code::kInvalidArgument);
  EXPECT_EQ(code_of(PODIUM_NOT_FOUND), Code::kNotFound);
  EXPECT_EQ(code_of(PODIUM_UNAVAILABLE), Code::kUnavailable);
  EXPECT_EQ(code_of(PODIUM_DEADLINE_EXCEEDED), Code::kDeadlineExceeded);
  EXPECT_EQ(code_of(PODIUM_CANCELLED), Code::kCancelled);
  EXPECT_EQ(code_of(PODIUM_RESOURCE_EXHAUSTED), Code::kResourceExhausted);
  EXPECT_EQ(code_of(PODIUM_UNSUPPORTED), Code::kUnsupported);
  EXPECT_EQ(code_of(PODIUM_INTERNAL), Code::kInternal);
}

TEST(AbiCode, TakesWhatIsNoFailureCodeForInternal) {
  EXPECT_EQ(code_of(PODIUM_OK), Code::kInternal);
  EXPECT_EQ(code_of(4711), Code::kInternal);
}

TEST(AbiCode, BringsTheHostsFailuresBackAsWhatTheyWere) {
  for (Code code :
       {Code::kInvalidArgument, Code::kNotFound, Code::kUnavailable, Code::kDeadlineExceeded,
        Code::kCancelled, Code::kResourceExhausted, Code::kInternal}) {
    EXPECT_EQ(code_of(static_cast<std::uint32_t>(abi_code_of(code))), code);
  }
}
