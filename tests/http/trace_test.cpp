#include "http/trace.hpp"

#include <gtest/gtest.h>

using namespace podium;

namespace {

constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* kParent = "00f067aa0ba902b7";

TraceContext read(const std::string& header) { return continue_trace(&header); }
std::string header(const std::string& version, const std::string& rest = "") {
  return version + "-" + kTrace + "-" + kParent + "-01" + rest;
}

}  // namespace

TEST(TraceContext, IsContinuedWithASpanOfItsOwn) {
  const TraceContext one = read(header("00")), two = read(header("00"));

  EXPECT_EQ(one.trace_id, kTrace);
  EXPECT_EQ(one.parent_id, kParent);
  EXPECT_TRUE(one.sampled);
  EXPECT_EQ(one.span_id.size(), 16u);
  EXPECT_NE(one.span_id, two.span_id);
  EXPECT_EQ(one.traceparent(), std::string("00-") + kTrace + "-" + one.span_id + "-01");
}

TEST(TraceContext, OfALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(read(header("01", "-more")));
  EXPECT_FALSE(read(header("01", "more")));
  EXPECT_FALSE(read(header("00", "-more")));
}

TEST(TraceContext, IsNotContinuedFromWhatBreaksTheRules) {
  EXPECT_FALSE(continue_trace(nullptr));
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(header("ff")));
  EXPECT_FALSE(read("00-" + std::string(32, '0') + "-" + kParent + "-01"));
  EXPECT_FALSE(read(std::string("00-") + kTrace + "-" + std::string(16, '0') + "-01"));
  EXPECT_FALSE(read("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
  EXPECT_FALSE(read(std::string("00-") + kTrace + "_" + kParent + "-01"));
}
