#include "http/multipart.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/failure.hpp"

namespace podium::test {
namespace {

/// What a form came to: "name[file]:content;" for each part.
std::string read(const std::string& body, std::size_t piece, const std::string& boundary = "edge") {
  MultipartParser parser(boundary);
  std::string text;
  std::vector<FormEvent> events;
  for (std::size_t i = 0; i < body.size(); i += piece) {
    events.clear();
    parser.feed(std::string_view(body).substr(i, piece), events);
    for (const FormEvent& event : events) {
      if (event.kind == FormEvent::Kind::kPart) {
        text += event.head.name;
        if (event.head.file_name) text += "[" + *event.head.file_name + "]";
        text += ":";
      }
      if (event.kind == FormEvent::Kind::kData) text += event.data;
      if (event.kind == FormEvent::Kind::kPartEnd) text += ";";
    }
  }
  return text + (parser.complete() ? "" : "INCOMPLETE");
}

std::string part(const std::string& disposition, const std::string& content) {
  return "--edge\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n";
}

bool refused(const std::string& body) {
  try {
    read(body, body.size());
  } catch (const Failure& failure) {
    return failure.code() == Code::kMalformed;
  }
  return false;
}

TEST(Multipart, IsReadTheSameInPiecesOfAnySize) {
  const std::string tricky = "a\r\n--edg\r\n--\r\r\n-\r\n--edg" + std::string(1, '\0') + "\r";
  const std::string body = "preamble\r\n" + part("name=\"kind\"", "user") +
                           part("name=\"file\"; filename=\"a/b.csv\"", tricky) +
                           part("name=\"file\"; filename=\"empty\"", "") + "--edge--\r\nepilogue";
  const std::string expected = "kind:user;file[a/b.csv]:" + tricky + ";file[empty]:;";

  for (std::size_t piece = 1; piece < 80; ++piece) EXPECT_EQ(read(body, piece), expected) << piece;
  EXPECT_EQ(read(body, body.size()), expected);
}

TEST(Multipart, IsBoundedInTheSameWayHoweverItArrives) {
  const auto verdict = [](const std::string& body, std::size_t piece) {
    try {
      return read(body, piece);
    } catch (const Failure&) {
      return std::string("refused");
    }
  };
  for (std::size_t more = 0; more < 8; ++more) {
    const std::string form = part("name=\"a\"", "x") + "--edge--";
    const std::string preamble = std::string(4 * 1024 - 4 + more, 'p') + "\r\n" + form;
    const std::string head = "--edge\r\nContent-Disposition: form-data; name=\"a\"\r\nX-Filler: " +
                             std::string(8 * 1024 - 62 + more, 'h') + "\r\n\r\nx\r\n--edge--";
    for (const auto* body : {&preamble, &head}) {
      EXPECT_EQ(verdict(*body, 1), verdict(*body, body->size())) << more;
    }
  }
}

TEST(Multipart, IsCompleteOnlyWithItsClosingBoundary) {
  const std::string body = part("name=\"a\"", "x") + "--edge--";

  for (std::size_t length = 0; length < body.size(); ++length) {
    const std::string text = read(body.substr(0, length), 1000);
    EXPECT_NE(text.find("INCOMPLETE"), std::string::npos) << length;
  }
  EXPECT_EQ(read(body, 1000), "a:x;");
}

TEST(Multipart, HoldsBackNoMoreThanADelimiter) {
  MultipartParser parser("edge");
  std::vector<FormEvent> events;
  parser.feed("--edge\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n", events);
  std::size_t given = 0, passed = 0;

  for (int i = 0; i < 100; ++i) {
    events.clear();
    parser.feed(std::string(1000, '\r'), events);
    given += 1000;
    for (const FormEvent& event : events) passed += event.data.size();
  }

  EXPECT_LT(given - passed, 16u);
}

TEST(Multipart, TakesNamesAsClientsMeanThem) {
  EXPECT_EQ(
      parse_part_head(
          "Content-Disposition: form-data; name=\"f\"; filename=\"h\xC3\xA9 %22q%22 100%.csv\"")
          .file_name,
      "h\xC3\xA9 \"q\" 100%.csv");
  EXPECT_EQ(
      parse_part_head("content-disposition:form-data;filename=\"a\\\"b\\\\c\\d\";name=f").file_name,
      "a\"b\\c\\d");
  EXPECT_EQ(parse_part_head("Content-Disposition: form-data; name=f; filename=plain.txt").file_name,
            "plain.txt");
  EXPECT_EQ(
      parse_part_head(
          "Content-Disposition: form-data; name=f; filename=\"x\"; filename*=UTF-8''%e2%82%ac")
          .file_name,
      "\xE2\x82\xAC");
  EXPECT_EQ(parse_part_head(
                "Content-Disposition: form-data; name=f; filename=\"x\"; filename*=KOI8-R''%e2")
                .file_name,
            "x");
  EXPECT_EQ(
      parse_part_head("Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"a;b\"")
          .name,
      "a;b");
  EXPECT_FALSE(parse_part_head("Content-Disposition: form-data; name=f").file_name.has_value());
}

TEST(Multipart, RefusesBrokenForms) {
  EXPECT_TRUE(refused("--edge\r\n\r\nx\r\n--edge--"));
  EXPECT_TRUE(refused("--edge\r\nContent-Type: text/plain\r\n\r\nx\r\n--edge--"));
  EXPECT_TRUE(refused("--edge\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n--edge--"));
  EXPECT_TRUE(refused("--edge\r\nContent-Disposition: form-data; filename=x\r\n\r\nx\r\n--edge--"));
  EXPECT_TRUE(refused("--edge\r\nContent-Disposition: form-data; name=\"x\r\n\r\nx\r\n--edge--"));
  EXPECT_TRUE(
      refused("--edge\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
              "name=b\r\n\r\nx"));
  EXPECT_TRUE(refused("--edge\r\nContent-Disposition: form-data; name=a\r\n folded\r\n\r\nx"));
  EXPECT_TRUE(refused("--edge\r\nContent-Disposition: form-data; name=\"\xFF\"\r\n\r\nx"));
  EXPECT_TRUE(refused("--edge\r\nContent-Disposition: form-data; name=a\nb\r\n\r\nx"));
  EXPECT_TRUE(refused("--edgeXY"));
  EXPECT_TRUE(refused("--edge" + std::string(200, ' ')));
  EXPECT_TRUE(refused("--edge\r\nX: " + std::string(10'000, 'x')));
  EXPECT_TRUE(refused(std::string(100'000, 'x'))) << "no boundary at all";
  std::string fields = "--edge\r\nContent-Disposition: form-data; name=a\r\n";
  for (int i = 0; i < 20; ++i) fields += "X: y\r\n";
  EXPECT_TRUE(refused(fields + "\r\n"));
}

TEST(Multipart, BoundsThePartsOfAForm) {
  std::string body;
  for (int i = 0; i < 10'000; ++i) body += part("name=\"a\"", "");

  EXPECT_TRUE(refused(body));
}

TEST(MultipartBoundary, IsReadFromTheContentType) {
  EXPECT_EQ(MultipartParser::boundary_of("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(MultipartParser::boundary_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\""),
            "a b:c");
  const auto code = [](const std::string& type) {
    try {
      MultipartParser::boundary_of(type);
    } catch (const Failure& failure) {
      return failure.code();
    }
    throw std::runtime_error("not refused");
  };
  EXPECT_EQ(code("application/json"), Code::kUnsupportedMedia);
  EXPECT_EQ(code("multipart/form-data"), Code::kMalformed);
  EXPECT_EQ(code("multipart/form-data; boundary="), Code::kMalformed);
  EXPECT_EQ(code("multipart/form-data; boundary=" + std::string(71, 'a')), Code::kMalformed);
  EXPECT_EQ(code("multipart/form-data; boundary=\"a \""), Code::kMalformed);
  EXPECT_EQ(code("multipart/form-data; boundary=a\"b"), Code::kMalformed);
  EXPECT_EQ(
      MultipartParser::boundary_of("multipart/form-data; boundary=" + std::string(70, 'a')).size(),
      70u);
}

TEST(Multipart, SurvivesDamage) {
  const std::string good = part("name=\"kind\"", "user") +
                           part("name=\"file\"; filename=\"a.csv\"", "1,2\r\n3,4") + "--edge--\r\n";
  std::mt19937 random(7);
  unsigned read_well = 0, told = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good;
    for (int hits = 0; hits < 3; ++hits) {
      const std::size_t at = random() % body.size();
      switch (random() % 3) {
        case 0:
          body[at] = static_cast<char>(random());
          break;
        case 1:
          body.erase(at, random() % 9);
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), random() % 9));
          break;
      }
      if (body.empty()) body = "-";
    }
    try {
      read(body, 1 + random() % 40);
      ++read_well;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), Code::kMalformed);
      ++told;
    }
  }
  EXPECT_GT(read_well, 0u);
  EXPECT_GT(told, 0u);
}

}  // namespace
}  // namespace podium::test
