#include <podium/sdk/values.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

using namespace podium::sdk;

namespace {

template <class F>
std::pair<podium_code, std::string> guarded(F body) {
  podium_error err{sizeof(podium_error), "untouched"};
  podium_code code = detail::guard(&err, body);
  return {code, err.message};
}

}  // namespace

TEST(Guard, ReturnsOkAndLeavesTheErrorAloneWhenNothingIsThrown) {
  EXPECT_EQ(guarded([] {}), std::make_pair(PODIUM_OK, std::string("untouched")));
}

TEST(Guard, TurnsAnErrorIntoItsCodeAndMessage) {
  auto got = guarded([] { throw Error(PODIUM_NOT_FOUND, "no such blob"); });

  EXPECT_EQ(got, std::make_pair(PODIUM_NOT_FOUND, std::string("no such blob")));
}

TEST(Guard, NeverReportsAThrownErrorAsSuccess) {
  auto got = guarded([] { throw Error(PODIUM_OK, "confused"); });

  EXPECT_EQ(got, std::make_pair(PODIUM_INTERNAL, std::string("confused")));
}

TEST(Guard, TurnsOtherExceptionsIntoInternal) {
  EXPECT_EQ(guarded([] { throw std::runtime_error("boom"); }),
            std::make_pair(PODIUM_INTERNAL, std::string("boom")));
  EXPECT_EQ(guarded([] { throw 7; }),
            std::make_pair(PODIUM_INTERNAL, std::string("an exception of unknown type")));
}

TEST(Guard, TurnsOutOfMemoryIntoResourceExhausted) {
  EXPECT_EQ(guarded([] { throw std::bad_alloc(); }).first, PODIUM_RESOURCE_EXHAUSTED);
}

TEST(Guard, WorksWithoutStorageForTheError) {
  EXPECT_EQ(detail::guard(nullptr, [] { throw std::runtime_error("boom"); }), PODIUM_INTERNAL);
}

TEST(Fill, CutsALongMessageBetweenCharacters) {
  podium_error err{};
  err.size = sizeof err;
  std::string text(506, 'a');  // 507 bytes fit: one more is half of the next character

  detail::fill(&err, text + "\u00e9");

  EXPECT_EQ(err.message, text);
}

TEST(Fill, StaysWithinAShorterStruct) {
  podium_error err{};
  err.size = offsetof(podium_error, message) + 4;
  std::memset(err.message, '#', sizeof err.message);

  detail::fill(&err, "abcdef");

  EXPECT_STREQ(err.message, "abc");
  EXPECT_EQ(err.message[4], '#');
}

TEST(View, IsEmptyForNoBytesWhateverThePointer) {
  EXPECT_EQ(view({nullptr, 0}), "");
  EXPECT_EQ(view(bytes("a\0b")), "a");
  EXPECT_EQ(view(bytes(std::string_view("a\0b", 3))).size(), 3u);
}

TEST(Element, StridesByTheSizeThatTheFirstElementSays) {
  struct Longer {
    podium_input known;
    std::uint64_t later;
  };
  Longer array[2]{};
  array[0].known.size = array[1].known.size = sizeof(Longer);
  array[1].known.descriptor = 7;

  EXPECT_EQ(detail::element(&array[0].known, 1).descriptor, 7);
}

TEST(Descriptor, DuplicatesCloseOnExecAndKeepsNoneAsNone) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Descriptor first(pipe[0]), second(pipe[1]);

  Descriptor copy = Descriptor::duplicate(first.get());

  EXPECT_NE(copy.get(), first.get());
  EXPECT_EQ(::fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(Descriptor::duplicate(-1));
}

TEST(Descriptor, ThrowsForOneThatIsNotOpen) { EXPECT_THROW(Descriptor::duplicate(1 << 20), Error); }

TEST(JsonQuote, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(detail::json_quote("a\"b\\c\n\x01\u00e9"), "\"a\\\"b\\\\c\\u000a\\u0001\u00e9\"");
}
